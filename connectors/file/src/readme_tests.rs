//! The key tables of README.md are those of the definitions. `SLUICE_WRITE_README=1` writes them. FileStream's are written by hand: its keys
//! are few, and one of them is not in the definition.

use sluice_api::ConnectorPlugin;
use sluice_api::config::ParsedValue;

/// A table row per key.
fn table(plugin: &dyn ConnectorPlugin) -> String {
    let mut text = String::from("| key | type | default | |\n| --- | --- | --- | --- |\n");
    for key in plugin.config_def().keys() {
        let default = match &key.default {
            None => "required".to_owned(),
            Some(ParsedValue::Null) => String::new(),
            Some(value) if value.to_string().is_empty() => "empty".to_owned(),
            Some(value) => format!("`{value}`").replace('|', "\\|"),
        };
        let line = format!("| `{}` | {} | {default} | {} |\n", key.name, key.config_type.name(), key.documentation);
        text.push_str(&line);
    }
    text
}

#[test]
fn the_key_tables_are_generated() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let mut written = readme.clone();
    for plugin in crate::plugins().iter().filter(|plugin| !plugin.class().contains("FileStream")) {
        let (begin, end) = (format!("<!-- keys of {} -->\n\n", plugin.class()), "\n<!-- end of keys -->");
        let place = written.find(&begin).unwrap_or_else(|| panic!("README.md has no place for {}", plugin.class()));
        let from = place + begin.len();
        let to = from + written[from..].find(end).expect("a place ends");
        written.replace_range(from..to, &table(&**plugin));
    }
    if std::env::var_os("SLUICE_WRITE_README").is_some() {
        std::fs::write(path, &written).unwrap();
    } else {
        assert!(readme == written, "run this test with SLUICE_WRITE_README=1");
    }
}
