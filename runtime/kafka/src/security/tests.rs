//! Security configurations as users write them, and what each client makes of them.

use rdkafka::ClientConfig;

use super::Security;
use crate::error::PropertyError;

const PLAIN: &str =
    r#"org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="geheim";"#;
const SCRAM: &str =
    r#"org.apache.kafka.common.security.scram.ScramLoginModule required username="u" password="geheim";"#;
const BEARER: &str = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required";
const BEARER_HANDLER: &str = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler";
const IAM: &str = "software.amazon.msk.auth.iam.IAMLoginModule required;";

fn parse(given: &[(&str, &str)]) -> Result<Security, Vec<PropertyError>> {
    Security::parse(&|key| given.iter().find(|(name, _)| *name == key).map(|(_, value)| *value))
}

/// librdkafka's settings, which librdkafka itself accepts.
fn native(given: &[(&str, &str)]) -> Vec<(&'static str, String)> {
    let keys = parse(given).expect("usable").librdkafka().expect("no stores");
    let mut config = ClientConfig::new();
    for (key, value) in &keys {
        config.set(*key, value);
    }
    config.create_native_config().expect("librdkafka takes them");
    keys
}

fn list(entries: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    entries.iter().map(|(key, value)| (*key, (*value).to_owned())).collect()
}

#[test]
fn each_protocol_and_mechanism_is_librdkafkas() {
    assert_eq!(native(&[]), list(&[("security.protocol", "plaintext")]));
    assert_eq!(
        native(&[("security.protocol", " ssl ")]),
        list(&[("security.protocol", "ssl"), ("ssl.endpoint.identification.algorithm", "https")])
    );
    for (mechanism, jaas) in [("PLAIN", PLAIN), ("SCRAM-SHA-256", SCRAM), ("SCRAM-SHA-512", SCRAM)] {
        let given =
            [("security.protocol", "SASL_PLAINTEXT"), ("sasl.mechanism", mechanism), ("sasl.jaas.config", jaas)];
        let expected = list(&[
            ("security.protocol", "sasl_plaintext"),
            ("sasl.mechanism", mechanism),
            ("sasl.username", "u"),
            ("sasl.password", "geheim"),
        ]);
        assert_eq!(native(&given), expected);
    }
    let unsecured = format!("{BEARER} unsecuredLoginStringClaim_sub=\"me\";");
    let given = [
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "OAUTHBEARER"),
        ("sasl.jaas.config", unsecured.as_str()),
        ("ssl.endpoint.identification.algorithm", ""),
    ];
    let expected = list(&[
        ("security.protocol", "sasl_ssl"),
        ("ssl.endpoint.identification.algorithm", "none"),
        ("sasl.mechanism", "OAUTHBEARER"),
    ]);
    assert_eq!(native(&given), expected);
    let given = [
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "AWS_MSK_IAM"),
        ("sasl.jaas.config", IAM),
        ("sasl.client.callback.handler.class", "software.amazon.msk.auth.iam.IAMClientCallbackHandler"),
        ("bootstrap.servers", "b-1.x.y.c2.kafka.eu-west-1.amazonaws.com:9098"),
    ];
    assert!(native(&given).contains(&("sasl.mechanism", "OAUTHBEARER".to_owned())));
}

#[test]
fn an_unsecured_token_is_made_here() {
    let jaas = format!("{BEARER} unsecuredLoginStringClaim_sub=\"me\" unsecuredLoginExtension_team=\"a\";");
    let given =
        [("security.protocol", "SASL_SSL"), ("sasl.mechanism", "OAUTHBEARER"), ("sasl.jaas.config", jaas.as_str())];
    let security = parse(&given).unwrap();
    let source = security.sasl.as_ref().and_then(|sasl| sasl.tokens()).expect("a source");
    assert_eq!(source.extensions(), [("team".to_owned(), "a".to_owned())]);
    let token = source.token().expect("made");
    assert_eq!(token.principal, "me");
    assert_eq!(token, source.token().expect("kept"), "every client shares one token");
}

#[test]
fn what_cannot_be_used_is_named_and_shows_no_secret() {
    let sasl = |mechanism: &'static str, jaas: &'static str| {
        vec![("security.protocol", "SASL_SSL"), ("sasl.mechanism", mechanism), ("sasl.jaas.config", jaas)]
    };
    let with = |mut given: Vec<(&'static str, &'static str)>, more: (&'static str, &'static str)| {
        given.push(more);
        given
    };
    let ssl = vec![("security.protocol", "SSL")];
    for (given, key, expected) in [
        (vec![("security.protocol", "TLS")], "security.protocol", "one of PLAINTEXT"),
        (vec![("security.protocol", "SASL_SSL")], "sasl.mechanism", "needs a build with the cargo feature gssapi"),
        (sasl("DIGEST-MD5", PLAIN), "sasl.mechanism", "PLAIN, SCRAM-SHA-256"),
        (sasl("PLAIN", ""), "sasl.jaas.config", "PlainLoginModule required …;"),
        (sasl("PLAIN", SCRAM), "sasl.jaas.config", "PlainLoginModule, because `sasl.mechanism` is PLAIN"),
        (
            sasl("PLAIN", "a.PlainLoginModule required username=\"geheim\";"),
            "sasl.jaas.config",
            "username and password",
        ),
        (sasl("PLAIN", "a.PlainLoginModule required username=\"geheim"), "sasl.jaas.config", "closing quote"),
        (
            sasl("OAUTHBEARER", "a.OAuthBearerLoginModule required;"),
            "sasl.jaas.config",
            "unsecuredLoginStringClaim_sub",
        ),
        (
            with(
                sasl("OAUTHBEARER", "a.OAuthBearerLoginModule required;"),
                ("sasl.login.callback.handler.class", "x.Y"),
            ),
            "sasl.login.callback.handler.class",
            "another class of Java cannot run here",
        ),
        (with(sasl("PLAIN", PLAIN), ("sasl.login.class", "x.Y")), "sasl.login.class", "no class"),
        (with(ssl.clone(), ("ssl.keystore.type", "BKS")), "ssl.keystore.type", "JKS, PKCS12 or PEM"),
        (with(ssl.clone(), ("ssl.keystore.key", "geheim")), "ssl.keystore.certificate.chain", "PEM, because"),
        (with(ssl.clone(), ("ssl.truststore.certificates", "geheim")), "ssl.truststore.type", "PEM, because"),
    ] {
        let errors = parse(&given).expect_err(key);
        let error = errors.iter().find(|error| error.key == key).unwrap_or_else(|| panic!("{key} is in {errors:?}"));
        assert!(error.expected.contains(expected), "{error}");
        // Invariant 9.
        assert!(!error.to_string().contains("geheim"), "{error}");
    }
}

#[test]
fn a_token_endpoint_needs_an_id_and_a_secret() {
    let given = |more: &[(&'static str, &'static str)]| {
        let mut given = vec![
            ("security.protocol", "SASL_SSL"),
            ("sasl.mechanism", "OAUTHBEARER"),
            ("sasl.login.callback.handler.class", BEARER_HANDLER),
            ("sasl.jaas.config", "a.OAuthBearerLoginModule required clientId=\"me\";"),
        ];
        given.extend(more);
        parse(&given).map_err(|errors| errors[0].key.clone())
    };
    const URL: &str = "sasl.oauthbearer.token.endpoint.url";
    const SECRET: &str = "sasl.oauthbearer.client.credentials.client.secret";
    assert_eq!(given(&[]), Err(URL.to_owned()));
    assert_eq!(given(&[(URL, "ftp://h/")]), Err(URL.to_owned()));
    assert_eq!(given(&[(URL, "https://h/token")]), Err(SECRET.to_owned()));
    assert!(given(&[(URL, "https://h/token"), (SECRET, "geheim")]).is_ok());
    assert!(given(&[(URL, "file:///run/token")]).is_ok());
}

// Invariant 9.
#[test]
fn no_debug_output_shows_a_secret() {
    let given = [
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.jaas.config", PLAIN),
        ("ssl.truststore.location", "/trust.jks"),
        ("ssl.truststore.password", "geheim"),
        ("ssl.keystore.location", "/key.jks"),
        ("ssl.keystore.password", "geheim"),
        ("ssl.key.password", "geheim"),
    ];
    let shown = format!("{:?}", parse(&given).unwrap());
    assert!(!shown.contains("geheim") && shown.contains("/trust.jks"), "{shown}");
}

#[test]
fn a_store_that_cannot_be_read_is_named() {
    let given = [
        ("security.protocol", "SSL"),
        ("ssl.truststore.location", "/no/such/store.jks"),
        ("ssl.truststore.password", "geheim"),
    ];
    let error = parse(&given).unwrap().check_stores().expect_err("missing");
    let expected = "reading `ssl.truststore.location` (/no/such/store.jks): No such file";
    assert!(error.to_string().starts_with(expected), "{error}");
}
