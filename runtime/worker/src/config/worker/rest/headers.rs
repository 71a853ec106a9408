//! `response.http.headers.config`: headers that every answer gets.

use sluice_api::config::{ParsedValue, Validator};

const ACTIONS: [&str; 4] = ["set", "add", "setDate", "addDate"];

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHeaderRule {
    /// Whether the value is a time in milliseconds, to be sent as an HTTP date.
    pub date: bool,
    /// Whether the header is added to others of its name rather than put in their place.
    pub add: bool,
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

pub(super) fn validator() -> Validator {
    let description = "Comma-separated header rules, where each header rule is of the form '[action] [header name]:[header value]' \
                       and optionally surrounded by double quotes if any part of a header rule contains a comma";
    Validator::new(description, |_, value| match value {
        ParsedValue::String(text) => parse(text).map(|_| ()),
        _ => Ok(()),
    })
}

/// The rules of `text`, none when it is blank.
pub(super) fn parse(text: &str) -> Result<Vec<ResponseHeaderRule>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    split(text).iter().map(|rule| parse_rule(rule)).collect()
}

fn parse_rule(rule: &str) -> Result<ResponseHeaderRule, String> {
    let Some((action, header)) = rule.trim().split_once(char::is_whitespace) else {
        return Err(format!(
            "Invalid format of header config '{rule}'. Expected: '[action] [header name]:[header value]'"
        ));
    };
    if !ACTIONS.iter().any(|known| known.eq_ignore_ascii_case(action)) {
        return Err(format!("Invalid header config action: '{action}'. Expected one of [{}]", ACTIONS.join(", ")));
    }
    let header = header.trim();
    let (name, value) = header.split_once(':').filter(|(_, value)| !value.contains(':')).ok_or_else(|| {
        format!(
            "Invalid format of header name and header value pair '{header}'. Expected: '[header name]:[header value]'"
        )
    })?;
    let name = name.trim();
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(format!("Invalid header name '{name}'. The '[header name]' cannot contain whitespace"));
    }
    let action = action.to_ascii_lowercase();
    Ok(ResponseHeaderRule {
        date: action.ends_with("date"),
        add: action.starts_with("add"),
        name: name.to_owned(),
        value: value.trim().to_owned(),
    })
}

/// Splits at commas outside double quotes; the quotes go.
fn split(text: &str) -> Vec<String> {
    let (mut rules, mut rule, mut quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => rules.push(std::mem::take(&mut rule)),
            _ => rule.push(c),
        }
    }
    rules.push(rule);
    rules.into_iter().map(|rule| rule.trim().to_owned()).filter(|rule| !rule.is_empty()).collect()
}
