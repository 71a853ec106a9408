//! Providers against real files.

use std::fs;

use sluice_api::Properties;

use super::ConfigTransformer;

fn properties<const N: usize>(entries: [(&str, &str); N]) -> Properties {
    entries.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// File, directory and environment, the first with a time to live.
fn transformer() -> ConfigTransformer {
    let worker = properties([
        ("config.providers", "file, dir,env,nothing"),
        ("config.providers.file.class", "org.apache.kafka.common.config.provider.FileConfigProvider"),
        ("config.providers.file.param.sluice.ttl.ms", "1500"),
        ("config.providers.dir.class", "DirectoryConfigProvider"),
        ("config.providers.env.class", "EnvVar"),
        ("config.providers.env.param.allowlist.pattern", "CARGO_PKG_.*|PATH"),
    ]);
    ConfigTransformer::new(&worker).expect("good providers")
}

#[test]
fn variables_become_values_and_unknown_ones_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let (root, file) = (folder.path().display().to_string(), folder.path().join("secrets.properties"));
    fs::write(&file, "user=alice\npass\\:word = s3cr\\u0065t\nuser=bob\nrecursive=${env:PATH}\n").expect("writable");
    fs::write(folder.path().join("token"), "line 1\nline 2\n").expect("writable");
    let file = file.display();
    let raw = [
        ("a", format!("${{file:{file}:user}}:${{file:{file}:pass:word}}")),
        ("b", format!("<${{dir:{root}:token}}>")),
        ("c", "${env:CARGO_PKG_NAME} ${env:HOME}".to_owned()),
        ("d", format!("${{file:{file}:nobody}} ${{vault:x:y}} ${{nothing:z}} plain")),
        ("e", format!("${{file:{file}:recursive}}")),
        ("f", format!("${{dir:{root}:../token}}${{dir:{root}/none:x}}${{file:user}}")),
    ];
    let raw: Properties = raw.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let resolved = transformer().transform(&raw).expect("readable");
    let expected = [
        ("a", "bob:s3cret".to_owned()),
        ("b", "<line 1\nline 2\n>".to_owned()),
        ("c", "sluice-worker ${env:HOME}".to_owned()),
        ("d", raw["d"].clone()),
        ("e", "${env:PATH}".to_owned()),
        ("f", raw["f"].clone()),
    ];
    for (key, value) in expected {
        assert_eq!(resolved.properties[key], value, "{key}");
    }
    assert_eq!(resolved.ttls, [(file.to_string(), std::time::Duration::from_millis(1500))]);
}

#[test]
fn what_cannot_be_read_is_an_error_without_values() {
    let transformer = transformer();
    let folder = tempfile::tempdir().expect("a folder");
    let bad = folder.path().join("bad");
    fs::write(&bad, "key=hunter-two\\u12").expect("writable");
    for (value, message) in [
        ("${file:/no/such/file:k}".to_owned(), "Could not read properties from file /no/such/file".to_owned()),
        (format!("${{file:{}:key}}", bad.display()), format!("Could not read properties from file {}", bad.display())),
        (
            "${env:/a/path:HOME}".to_owned(),
            "Path is not supported for EnvVarConfigProvider, invalid value '/a/path'".to_owned(),
        ),
        (
            format!("${{file:{}:k}}", folder.path().display()),
            format!("Could not read properties from file {}", folder.path().display()),
        ),
    ] {
        let error = transformer.transform(&properties([("k", &value)])).err().expect("not readable");
        assert_eq!(error.message(), message);
        assert!(!error.trace().contains("hunter-two"), "{}", error.trace());
    }
}

#[test]
fn a_provider_that_cannot_be_made_is_named() {
    for (key, value, expected) in [
        ("config.providers.p.class", "com.example.Vault", "Could not load config provider class"),
        ("config.providers.p.param.allowed.paths", "relative", "Path relative is not absolute"),
        ("config.providers.p.param.sluice.ttl.ms", "soon", "`sluice.ttl.ms`: expected milliseconds"),
    ] {
        let mut worker = properties([("config.providers", "p"), ("config.providers.p.class", "File")]);
        worker.insert(key.to_owned(), value.to_owned());
        let error = ConfigTransformer::new(&worker).expect_err("it cannot be made");
        assert!(error.message().contains("config.providers.p.class"), "{error}");
        assert!(error.message().contains(expected), "{error}");
    }
    let worker = properties([
        ("config.providers", "p"),
        ("config.providers.p.class", "EnvVar"),
        ("config.providers.p.param.allowlist.pattern", "("),
    ]);
    assert!(ConfigTransformer::new(&worker).expect_err("no pattern").message().contains("allowlist.pattern"));
}

#[test]
fn no_secret_is_in_what_is_stored() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("s");
    fs::write(&file, "password=correct-horse\nflag=true\n").expect("writable");
    let variable = |key: &str| format!("${{file:{}:{key}}}", file.display());
    let raw =
        properties([("password", &variable("password")), ("flag", &variable("flag")), ("clear", "correct-horse")]);
    let resolved = transformer().transform(&raw).expect("readable");
    let mut task = resolved.properties.clone();
    task.insert("url".to_owned(), "db://u:correct-horse@host".to_owned());
    task.insert("enabled".to_owned(), "true".to_owned());
    resolved.unresolve(&raw, &mut task);
    assert_eq!(task["password"], variable("password"));
    assert_eq!(task["flag"], variable("flag"));
    assert_eq!(task["url"], format!("db://u:{}@host", variable("password")));
    assert_eq!((task["clear"].as_str(), task["enabled"].as_str()), ("correct-horse", "true"));
}

#[test]
fn a_fingerprint_follows_the_values() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("s");
    let raw = properties([("password", &format!("${{file:{}:p}}", file.display())), ("b", "1")]);
    let fingerprint = |content: &str| {
        fs::write(&file, content).expect("writable");
        transformer().transform(&raw).expect("readable").fingerprint()
    };
    let first = fingerprint("p=one");
    assert_eq!(fingerprint("p = one"), first);
    assert_ne!(fingerprint("p=two"), first);
}
