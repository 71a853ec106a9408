//! Tables of keys, and the definitions made of them.

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedValue, Validator};

/// A key with type, importance, default and documentation. The default `None` is that of a required key, `Some("")` that of an
/// optional one.
pub(crate) type Row = (&'static str, ConfigType, Importance, Option<&'static str>, &'static str);

/// The definition of `rows`; `validator` is asked for each name.
pub(crate) fn define(rows: &[Row], validator: fn(&str) -> Option<Validator>) -> ConfigDef {
    rows.iter().fold(ConfigDef::new(), |definition, row| definition.define(key(row, validator(row.0))))
}

fn key((name, config_type, importance, default, documentation): &Row, validator: Option<Validator>) -> ConfigKey {
    let key = ConfigKey::new(*name, *config_type, *importance, documentation);
    let key = match default {
        None => key,
        Some("") => key.optional(),
        Some(text) => key.default(parsed(*config_type, text)),
    };
    match validator {
        Some(validator) => key.validator(validator),
        None => key,
    }
}

fn parsed(config_type: ConfigType, text: &str) -> ParsedValue {
    match config_type {
        ConfigType::Boolean => ParsedValue::Boolean(text == "true"),
        ConfigType::Int => ParsedValue::Int(text.parse().expect("defaults of INT are numbers")),
        ConfigType::Long => ParsedValue::Long(text.parse().expect("defaults of LONG are numbers")),
        ConfigType::List => ParsedValue::List(text.split(',').map(str::to_owned).collect()),
        _ => ParsedValue::String(text.to_owned()),
    }
}

/// The README's tables are made from the definitions: on a difference the table is printed.
#[cfg(test)]
pub(crate) fn in_readme(definition: &ConfigDef) {
    let line = |key: &ConfigKey| {
        let default = match &key.default {
            None => "required".to_owned(),
            Some(ParsedValue::Null) => String::new(),
            Some(value) => format!("`{value}`"),
        };
        format!("| `{}` | {} | {default} | {} |\n", key.name, key.config_type.name(), key.documentation)
    };
    let lines: String = definition.keys().map(line).collect();
    let table = format!("| key | type | default | |\n| --- | --- | --- | --- |\n{lines}");
    assert!(include_str!("../README.md").contains(&table), "the table is:\n{table}");
}
