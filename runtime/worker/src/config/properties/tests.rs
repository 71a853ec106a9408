//! Files as they are on disk: the samples of this repository, and connector files in each of their forms.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::config::{DistributedConfig, StandaloneConfig};

fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../config").join(name)
}

/// A file with `text` that goes away with the guard.
fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("connector");
    fs::write(&path, text).expect("it can be written");
    (folder, path)
}

fn parse(text: &str) -> Result<ConnectorFile, Error> {
    let (_folder, path) = file(text);
    parse_connector_file(&path)
}

#[test]
fn the_sample_worker_files_load_without_a_warning() {
    let distributed = PropertiesFile::read(&sample("connect-distributed.properties")).expect("it is there");
    let config = DistributedConfig::parse(&distributed.properties()).expect("no problem");
    assert_eq!(config.group_id, "connect-cluster");
    let standalone = PropertiesFile::read(&sample("connect-standalone.properties")).expect("it is there");
    let config = StandaloneConfig::parse(&standalone.properties()).expect("no problem");
    assert_eq!(config.worker.offset_flush_interval.as_secs(), 10);
    for (file, def) in [(distributed, DistributedConfig::config_def()), (standalone, StandaloneConfig::config_def())] {
        assert_eq!(StartupReport::new(&file, &def, &[]), StartupReport::default());
    }
}

#[test]
fn the_commented_keys_of_the_samples_are_known_too() {
    for (name, def) in [
        ("connect-distributed.properties", DistributedConfig::config_def()),
        ("connect-standalone.properties", StandaloneConfig::config_def()),
    ] {
        let text = fs::read_to_string(sample(name)).expect("it is there");
        let commented = text.lines().filter_map(|line| line.strip_prefix('#')).filter(|line| !line.starts_with(' '));
        for key in commented.filter_map(|line| line.split_once('=')).map(|(key, _)| key) {
            let of_a_family = ["producer.", "listeners.https."].iter().any(|family| key.starts_with(family));
            assert!(def.get(key).is_some() || of_a_family, "{name}: {key}");
        }
    }
}

#[test]
fn the_sample_connectors_load() {
    let names = fs::read_dir(sample("connectors")).expect("it is there").map(|entry| entry.expect("an entry").path());
    for path in names {
        let connector = parse_connector_file(&path).expect("it parses");
        assert_eq!(connector.config.get("name"), Some(&connector.name));
        assert!(connector.config.contains_key("connector.class"));
    }
}

#[test]
fn a_connector_file_has_one_of_three_forms() {
    let flat = parse(r#"{"name":"a","tasks.max":1,"x":true,"y":null}"#).expect("it parses");
    assert_eq!((flat.name.as_str(), flat.initial_state), ("a", None));
    let keys: Vec<_> = flat.config.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(keys, ["name=a", "tasks.max=1", "x=true"]);
    let request = parse(r#"{"name":"a","config":{"k":"v"},"initial_state":"paused","more":[1]}"#).expect("it parses");
    assert_eq!(request.initial_state, Some(InitialState::Paused));
    assert_eq!(request.config.get("name").map(String::as_str), Some("a"));
    let properties = parse("# c\nname = a\nk : v\n").expect("it parses");
    assert_eq!((properties.name.as_str(), properties.config.len()), ("a", 2));
}

#[test]
fn what_is_wrong_with_a_connector_file_is_said() {
    let message = |text: &str| parse(text).expect_err("it is wrong").to_string();
    assert!(message("k=v").contains("is missing the mandatory 'name' configuration"));
    assert!(message(r#"{"k":"v"}"#).contains("is missing the mandatory 'name' configuration"));
    assert!(message(r#"{"name":"a","config":{"name":"b"}}"#).contains("doesn't match the one specified in 'name'"));
    assert!(message(r#"{"name":"a","k":[1]}"#).contains("`k` is an array"));
    assert!(
        message(r#"{"name":"a","config":{},"initial_state":"up"}"#).contains("expected RUNNING, PAUSED or STOPPED")
    );
    assert!(message(r#"{"name":"a","#).contains("EOF"));
}

#[test]
fn the_last_of_several_entries_counts_and_its_line_is_known() {
    let file = PropertiesFile::parse("f", "\u{feff}a=1\nb=2\na=3\n").expect("it parses");
    assert_eq!(file.properties().get("a").map(String::as_str), Some("3"));
    assert_eq!((file.line_of("a"), file.line_of("c")), (Some(3), None));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = PropertiesFile::read(std::path::Path::new("/no/such/file")).expect_err("it is not there");
    assert_eq!(error.to_string(), "reading /no/such/file");
}
