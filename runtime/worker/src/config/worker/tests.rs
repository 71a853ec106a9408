//! Worker properties as users have them.

use std::time::Duration;

use sluice_api::Properties;

use super::*;

fn distributed(more: &[(&str, &str)]) -> Result<DistributedConfig, Vec<Problem>> {
    let base = [
        ("bootstrap.servers", "localhost:9092"),
        ("group.id", "g"),
        ("key.converter", "JsonConverter"),
        ("value.converter", "JsonConverter"),
        ("config.storage.topic", "c"),
        ("offset.storage.topic", "o"),
        ("status.storage.topic", "s"),
    ];
    let properties: Properties =
        base.iter().chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    DistributedConfig::parse(&properties)
}

fn messages(more: &[(&str, &str)]) -> Vec<String> {
    distributed(more).map(|_| ()).expect_err("problems").iter().map(Problem::to_string).collect()
}

#[test]
fn defaults_are_kafkas() {
    let config = distributed(&[]).expect("no problem");
    assert_eq!(config.session_timeout, Duration::from_secs(10));
    assert_eq!(config.rebalance_timeout, Duration::from_secs(60));
    assert_eq!(config.connect_protocol, ConnectProtocol::Sessioned);
    assert_eq!(config.offset_topic.partitions, 25);
    assert_eq!(config.config_topic.partitions, 1);
    assert_eq!(config.status_topic.replication_factor, 3);
    let worker = &config.worker;
    assert_eq!(worker.offset_flush_interval, Duration::from_secs(60));
    assert_eq!(worker.task_shutdown_graceful_timeout, Duration::from_secs(5));
    assert_eq!(worker.header_converter, "org.apache.kafka.connect.storage.SimpleHeaderConverter");
    assert_eq!(worker.rest.listeners, [Listener { scheme: Scheme::Http, host: String::new(), port: 8083 }]);
    assert_eq!(worker.rest.admin_listeners, None);
    assert_eq!(worker.memory_budget_bytes, 64 * 1024 * 1024);
    assert_eq!(worker.producer_idle, Some(Duration::from_secs(60)));
    assert_eq!(distributed(&[("sluice.producer.idle.ms", "0")]).expect("no problem").worker.producer_idle, None);
    assert!(worker.connector_offsets_topics_permitted() && !worker.exactly_once_source_enabled);
}

#[test]
fn internal_topics_take_further_settings_but_not_their_cleanup_policy() {
    let config = distributed(&[
        ("offset.storage.segment.bytes", "1000"),
        ("offset.storage.cleanup.policy", "delete"),
        ("config.storage.partitions", "5"),
    ])
    .expect("no problem");
    assert_eq!(config.offset_topic.settings.keys().collect::<Vec<_>>(), ["segment.bytes"]);
    assert_eq!(config.config_topic.partitions, 1);
}

#[test]
fn every_problem_is_found_at_once() {
    assert_eq!(
        messages(&[
            ("listeners", "http://:1,nonsense,ftp://h:1,http://:70000"),
            ("inter.worker.signature.algorithm", "HmacSHA512"),
            ("rest.advertised.listener", "ftp"),
            ("connector.client.config.override.policy", "Some"),
        ])
        .len(),
        6
    );
    assert_eq!(
        messages(&[("offset.storage.partitions", "0"), ("session.timeout.ms", "x"), ("bootstrap.servers", "")]),
        [
            "Configuration 'bootstrap.servers' must not be empty. Valid values include: any non-empty value",
            "Invalid value x for configuration session.timeout.ms: Not a number of type INT",
            "Invalid value 0 for configuration offset.storage.partitions: Number of partitions must be positive, or -1 to use \
             the broker's default",
        ]
    );
}

#[test]
fn a_secret_is_not_in_a_problem() {
    // Invariant 9.
    let def = DistributedConfig::config_def();
    let properties: Properties = [("ssl.key.password", "hunter2"), ("producer.sasl.jaas.config", "hunter2")]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    for key in ["ssl.key.password", "producer.sasl.jaas.config"] {
        assert_eq!(Problem::new(&def, &properties, key, "wrong").value.as_deref(), Some("[hidden]"));
    }
}

#[test]
fn a_standalone_worker_needs_a_file_for_offsets() {
    let mut properties: Properties = [
        ("bootstrap.servers", "b:1"),
        ("key.converter", "k"),
        ("value.converter", "v"),
        ("listeners", "http://[::1]:0"),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect();
    let problems = StandaloneConfig::parse(&properties).map(|_| ()).expect_err("one problem");
    assert_eq!(
        problems.iter().map(|problem| problem.key.as_str()).collect::<Vec<_>>(),
        ["offset.storage.file.filename"]
    );
    properties.insert("offset.storage.file.filename".to_owned(), "/tmp/o".to_owned());
    let config = StandaloneConfig::parse(&properties).expect("no problem");
    assert_eq!(config.offset_file.to_str(), Some("/tmp/o"));
    assert!(!config.worker.connector_offsets_topics_permitted());
}

#[test]
fn the_advertised_url_follows_listeners_and_settings() {
    for (settings, url) in [
        (&[][..], "http://local:8083/"),
        (&[("listeners", "HTTP://h.example:9")], "http://h.example:9/"),
        (&[("listeners", "http://127.0.0.1:0")], "http://127.0.0.1:4711/"),
        (&[("listeners", "http://[::1]:9")], "http://[::1]:9/"),
        (&[("listeners", "https://a:1,http://b:2")], "http://b:2/"),
        (&[("listeners", "https://a:1")], "https://a:1/"),
        (&[("listeners", "https://a:1,http://b:2"), ("rest.advertised.listener", "HTTPS")], "https://a:1/"),
        (&[("rest.advertised.host.name", "pub"), ("rest.advertised.port", "80")], "http://pub:80/"),
    ] {
        let config = distributed(settings).expect("no problem");
        assert_eq!(config.worker.rest.advertised_url(|_| Some(4711), "local"), url, "{settings:?}");
    }
    let config = distributed(&[]).expect("no problem");
    assert_eq!(config.worker.rest.worker_id(|_| None, "10.0.0.1"), "10.0.0.1:8083");
}

#[test]
fn one_prefixed_key_takes_all_of_tls_from_the_prefix() {
    use sluice_kafka::tls::ClientAuth;
    const STORE: (&str, &str) = ("ssl.keystore.location", "/k.p12");
    const AUTH: (&str, &str) = ("ssl.client.auth", "required");
    let tls = |settings: &[(&str, &str)]| distributed(settings).expect("no problem").worker.rest.tls.clone();
    let common = tls(&[STORE, AUTH]).expect("usable");
    assert_eq!((common.prefix, common.client_auth), ("", ClientAuth::Required));
    let own = tls(&[STORE, AUTH, ("listeners.https.ssl.truststore.location", "/t.p12")]).expect("usable");
    assert_eq!((own.prefix, own.client_auth), ("listeners.https.", ClientAuth::None));
    assert_ne!(own.tls, common.tls);
}

#[test]
fn tls_that_cannot_be_used_is_a_problem_where_it_is_needed() {
    const WRONG: (&str, &str) = ("ssl.keystore.type", "BKS");
    let keys = |settings: &[(&str, &str)]| -> Vec<String> {
        distributed(settings).err().into_iter().flatten().map(|problem| problem.key).collect()
    };
    assert!(keys(&[WRONG]).is_empty());
    assert_eq!(keys(&[WRONG, ("listeners", "https://:1")]), ["ssl.keystore.type"]);
    assert_eq!(keys(&[("listeners.https.ssl.client.auth", "must")]), ["listeners.https.ssl.client.auth"]);
}

#[test]
fn admin_listeners_may_be_elsewhere_or_nowhere() {
    let admin =
        |value| distributed(&[("admin.listeners", value)]).expect("no problem").worker.rest.admin_listeners.clone();
    assert_eq!(admin(""), Some(vec![]));
    assert_eq!(admin("http://:9").map(|listeners| listeners.len()), Some(1));
}

#[test]
fn header_rules_are_checked_in_kafkas_words() {
    let rules = |text| distributed(&[("response.http.headers.config", text)]);
    let parsed = rules("add Cache-Control:no-cache, \"set X-A: a, b\"")
        .expect("no problem")
        .worker
        .rest
        .response_headers
        .clone();
    assert_eq!(parsed.len(), 2);
    assert_eq!((parsed[1].add, parsed[1].name.as_str(), parsed[1].value.as_str()), (false, "X-A", "a, b"));
    for (text, message) in [
        ("put A:b", "Invalid header config action: 'put'. Expected one of [set, add, setDate, addDate]"),
        ("add", "Invalid format of header config 'add'. Expected: '[action] [header name]:[header value]'"),
        ("add A", "Invalid format of header name and header value pair 'A'. Expected: '[header name]:[header value]'"),
        ("add A B:c", "Invalid header name 'A B'. The '[header name]' cannot contain whitespace"),
    ] {
        assert_eq!(messages(&[("response.http.headers.config", text)]), [message]);
    }
}

#[test]
fn a_converter_class_that_nobody_knows_is_a_problem() {
    let config = distributed(&[]).expect("no problem");
    let registry = sluice_plugins::RegistryBuilder::new().build().expect("nothing twice");
    let problems = config.worker.class_problems(&registry, &DistributedConfig::config_def());
    assert_eq!(problems.len(), 3);
    assert_eq!(
        problems[0].to_string(),
        "Invalid value JsonConverter for configuration key.converter: Class JsonConverter could not be found."
    );
}

#[test]
fn a_worker_does_not_start_without_the_extensions_it_is_told_to_have() {
    let found = messages(&[(
        "rest.extension.classes",
        "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension",
    )]);
    assert!(found[0].starts_with("REST extensions are Java classes"));
}
