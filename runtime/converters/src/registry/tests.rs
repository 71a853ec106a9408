//! The client against a server that answers as it is told.

use std::net::TcpListener;

use sluice_api::{ErrorKind, Properties};

use super::fake_registry::{FakeRegistry, properties};
use super::schema::SchemaReference;
use super::schemas::Chosen;
use super::*;

const INT: &str = r#""int""#;

fn registry(properties: &Properties) -> Registry {
    Registry::new(&RegistryConfig::parse(properties).unwrap(), SchemaFormat::Avro, false).unwrap()
}

fn int() -> SchemaText {
    SchemaText::new(SchemaFormat::Avro, INT)
}

/// An address where nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn a_schema_is_registered_once() {
    let fake = FakeRegistry::remembering();
    let mut registry = registry(&fake.properties(&[("normalize.schemas", "true")]));
    for _ in 0..3 {
        let chosen = registry.choose("t-value", &int()).unwrap();
        assert_eq!(chosen, Chosen { id: 1, instead: None, strict: None });
    }
    assert_eq!(fake.lines(), ["POST /subjects/t-value/versions?normalize=true"]);
    assert_eq!(fake.requests()[0].body, r#"{"schema":"\"int\""}"#);
    registry.choose("u-value", &int()).unwrap();
    assert_eq!(fake.lines().len(), 2);
}

#[test]
fn without_registration_a_schema_must_be_there() {
    let fake = FakeRegistry::start(|_| (404, r#"{"error_code":40403,"message":"Schema not found"}"#.to_owned()));
    let mut registry = registry(&fake.properties(&[("auto.register.schemas", "false")]));
    let error = registry.choose("t-value", &int()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert_eq!(error.message(), "Error retrieving Avro schema of subject t-value");
    assert!(error.trace().contains("answered 404, error code 40403: Schema not found"), "{}", error.trace());
    assert_eq!(fake.lines(), ["POST /subjects/t-value?normalize=false&deleted=false"]);
}

#[test]
fn the_latest_version_or_an_id_takes_the_place_of_the_own_schema() {
    let fake = FakeRegistry::start(|_| (200, r#"{"id":7,"version":3,"schema":"\"long\""}"#.to_owned()));
    let keys = [("auto.register.schemas", "false"), ("use.latest.version", "true")];
    let chosen = registry(&fake.properties(&keys)).choose("t-value", &int()).unwrap();
    assert_eq!((chosen.id, chosen.strict), (7, Some("latest.compatibility.strict")));
    assert_eq!(chosen.instead.unwrap().text, r#""long""#);
    let keys = [("auto.register.schemas", "false"), ("use.schema.id", "9"), ("id.compatibility.strict", "false")];
    let chosen = registry(&fake.properties(&keys)).choose("t-value", &int()).unwrap();
    assert_eq!((chosen.id, chosen.strict), (9, None));
    assert_eq!(
        fake.lines(),
        ["GET /subjects/t-value/versions/latest", "GET /schemas/ids/9?fetchMaxId=false&subject=t-value"]
    );
}

#[test]
fn a_refusal_carries_the_registrys_explanation_and_is_not_repeated() {
    for (status, kind) in
        [(409, ErrorKind::Data), (422, ErrorKind::Data), (401, ErrorKind::Config), (403, ErrorKind::Config)]
    {
        let fake = FakeRegistry::start(move |_| (status, r#"{"error_code":1,"message":"because"}"#.to_owned()));
        let error = registry(&fake.properties(&[])).choose("t-value", &int()).unwrap_err();
        assert_eq!((error.kind(), error.message()), (kind, "Error registering Avro schema under subject t-value"));
        assert!(error.trace().contains(&format!("answered {status}, error code 1: because")), "{}", error.trace());
        assert_eq!(fake.lines().len(), 1);
    }
}

#[test]
fn trouble_is_retried_and_then_retriable() {
    let fake = FakeRegistry::start(|_| (503, "<html>".to_owned()));
    let error = registry(&fake.properties(&[("max.retries", "2")])).choose("t-value", &int()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Retriable);
    assert!(error.trace().contains("answered 503, error code 0: <html>"), "{}", error.trace());
    assert_eq!(fake.lines().len(), 3);
}

#[test]
fn the_next_address_answers_for_one_that_is_away() {
    let fake = FakeRegistry::remembering();
    let urls = format!("{},{}", nobody(), fake.url);
    let mut registry = registry(&properties(&urls, &[("max.retries", "0")]));
    registry.choose("a", &int()).unwrap();
    registry.choose("b", &int()).unwrap();
    assert_eq!(fake.lines().len(), 2);
}

#[test]
fn nobody_at_all_is_retriable_and_named_without_its_password() {
    let url = nobody().replace("http://", "http://me:secret@");
    let error = registry(&properties(&url, &[])).choose("t-value", &int()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Retriable);
    let trace = error.trace();
    // Invariant 9.
    assert!(trace.contains("the schema registry at http://127.0.0.1:") && !trace.contains("secret"), "{trace}");
}

#[test]
fn credentials_and_headers_go_with_every_request() {
    let header = |keys: &[(&str, &str)], name: &str| {
        let fake = FakeRegistry::remembering();
        registry(&fake.properties(keys)).choose("t", &int()).unwrap();
        let request = fake.requests().remove(0);
        request.headers.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    };
    let user_info = [("basic.auth.credentials.source", "USER_INFO"), ("basic.auth.user.info", "me:it")];
    assert_eq!(header(&user_info, "authorization").unwrap(), "Basic bWU6aXQ=");
    let prefixed = [("basic.auth.credentials.source", "USER_INFO"), ("schema.registry.basic.auth.user.info", "me:it")];
    assert_eq!(header(&prefixed, "authorization").unwrap(), "Basic bWU6aXQ=");
    let bearer = [("bearer.auth.credentials.source", "STATIC_TOKEN"), ("bearer.auth.token", "abc")];
    assert_eq!(header(&bearer, "authorization").unwrap(), "Bearer abc");
    assert_eq!(header(&[], "authorization"), None);
    assert_eq!(header(&[("request.header.X-Team", "blue")], "x-team").unwrap(), "blue");
    let fake = FakeRegistry::remembering();
    let url = fake.url.replace("http://", "http://me:it@");
    registry(&properties(&url, &[("basic.auth.credentials.source", "URL")])).choose("t", &int()).unwrap();
    assert!(fake.requests()[0].headers.contains(&("authorization".to_owned(), "Basic bWU6aXQ=".to_owned())));
}

#[test]
fn mistakes_in_the_keys_are_named() {
    let mistake = |keys: &[(&str, &str)]| RegistryConfig::parse(&properties("http://h", keys)).unwrap_err().to_string();
    assert_eq!(
        mistake(&[("basic.auth.credentials.source", "URL"), ("bearer.auth.credentials.source", "STATIC_TOKEN")]),
        "Only one of 'basic.auth.credentials.source' and 'bearer.auth.credentials.source' may be specified"
    );
    assert!(mistake(&[("basic.auth.credentials.source", "SASL_INHERIT")]).contains("expected URL or USER_INFO"));
    assert!(mistake(&[("bearer.auth.credentials.source", "OAUTHBEARER")]).contains("expected STATIC_TOKEN"));
    assert!(mistake(&[("basic.auth.credentials.source", "USER_INFO")]).contains("basic.auth.user.info"));
    assert!(mistake(&[("use.schema.guid", "x")]).contains("use.schema.guid"));
    assert_eq!(
        mistake(&[("validation.rules.execution", "after_domain_rules")]),
        "Invalid value after_domain_rules for configuration validation.rules.execution: expected DISABLED: rules inside of \
         schemas are not executed"
    );
    RegistryConfig::parse(&properties("http://h", &[("validation.rules.execution", "disabled")])).unwrap();
    assert!(mistake(&[("schema.registry.ssl.endpoint.identification.algorithm", "")]).contains("expected https"));
    let config =
        RegistryConfig::parse(&properties("http://h", &[("schema.registry.ssl.truststore.location", "/no/file")]));
    let error = Registry::new(&config.unwrap(), SchemaFormat::Avro, false).unwrap_err();
    assert!(error.to_string().starts_with("reading `schema.registry.ssl.truststore.location` /no/file: "), "{error}");
}

#[test]
fn a_schema_is_fetched_once_and_must_be_of_the_format() {
    let fake = FakeRegistry::start(|request| match request.line.as_str() {
        "GET /schemas/ids/1?fetchMaxId=false" => (200, r#"{"schema":"\"int\""}"#.to_owned()),
        "GET /schemas/ids/2?fetchMaxId=false" => (200, r#"{"schema":"{}","schemaType":"JSON"}"#.to_owned()),
        "GET /schemas/ids/3?fetchMaxId=false" => {
            (200, r#"{"schema":"\"int\"","ruleSet":{"domainRules":[{"name":"encrypt"}]}}"#.to_owned())
        }
        _ => (404, r#"{"error_code":40403,"message":"Schema 9 not found"}"#.to_owned()),
    });
    let mut registry = registry(&fake.properties(&[]));
    assert_eq!(*registry.schema(1, None).unwrap(), int());
    assert_eq!(*registry.schema(1, None).unwrap(), int());
    assert_eq!(registry.schema(2, None).unwrap_err().to_string(), "the schema of id 2 is of type JSON, expected AVRO");
    assert!(registry.schema(3, None).unwrap_err().trace().contains("has rules"));
    let error = registry.schema(9, None).unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Data, "Error retrieving Avro value schema for id 9"));
    assert_eq!(fake.lines().len(), 4);
}

#[test]
fn references_come_with_what_they_refer_to_first_and_may_be_a_loop() {
    let fake = FakeRegistry::start(|request| {
        let referring = |name: &str| format!(r#","references":[{{"name":"{name}","subject":"s-{name}","version":1}}]"#);
        let more = match request.line.as_str() {
            "GET /subjects/s-a/versions/1?deleted=true" => referring("b"),
            "GET /subjects/s-b/versions/1?deleted=true" => referring("a"),
            other => panic!("{other}"),
        };
        (200, format!(r#"{{"id":1,"version":1,"schema":"x"{more}}}"#))
    });
    let reference = |name: &str| SchemaReference { name: name.to_owned(), subject: format!("s-{name}"), version: 1 };
    let schema = SchemaText { references: vec![reference("a"), reference("b")], ..int() };
    let found = registry(&fake.properties(&[])).referenced(&schema).unwrap();
    assert_eq!(found.iter().map(|referenced| &*referenced.name).collect::<Vec<_>>(), ["b", "a"]);
}

#[test]
fn a_version_is_told_when_there_is_one() {
    let fake = FakeRegistry::start(|request| match request.line.contains("/subjects/known") {
        true => (200, r#"{"id":5,"version":4}"#.to_owned()),
        false => (404, r#"{"error_code":40401,"message":"Subject not found"}"#.to_owned()),
    });
    let mut registry = registry(&fake.properties(&[]));
    for _ in 0..2 {
        assert_eq!(registry.version("known", 5, &int()).unwrap(), Some(4));
        assert_eq!(registry.version("unknown", 5, &int()).unwrap(), None);
    }
    assert_eq!(fake.lines().len(), 2);
}

#[test]
fn answers_that_are_none_are_data_errors() {
    for body in ["", "{}", "[1]", r#"{"id":"x"}"#, r#"{"id":-1}"#] {
        let fake = FakeRegistry::start(move |_| (200, body.to_owned()));
        let error = registry(&fake.properties(&[])).choose("t", &int()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data, "{body}");
        assert!(error.trace().contains("cannot be read"), "{}", error.trace());
    }
}
