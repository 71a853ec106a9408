//! What the rules for differences kept on purpose look at.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use sluice_api::data::{BigDecimal, logical};

use super::run::Case;

/// The text of our error, empty when there is none.
pub(super) fn message<'a>(case: &Case<'a>) -> &'a str {
    case.ours["error"]["message"].as_str().unwrap_or_default()
}

/// Whether the oracle gave a result and we refused with a message like this.
pub(super) fn refused(case: &Case, part: &str) -> bool {
    case.theirs.get("ok").is_some() && message(case).contains(part)
}

/// As [`refused`], for a part of our error's causes.
pub(super) fn refused_by(case: &Case, part: &str) -> bool {
    let trace = case.ours["error"]["trace"].as_str().unwrap_or_default();
    case.theirs.get("ok").is_some() && trace.contains(part)
}

/// The bytes that were put to a converter.
pub(super) fn input_bytes(case: &Case) -> Vec<u8> {
    STANDARD.decode(case.input["bytes"].as_str().unwrap_or_default()).unwrap_or_default()
}

/// Whether there is a digit that is not one of ASCII's.
pub(super) fn has_digits_of_other_scripts(text: &str) -> bool {
    text.chars().any(|character| character.is_numeric() && !character.is_ascii())
}

/// Whether both wrote text, and the two are the same once the hash behind every `[B@` is taken away.
pub(super) fn same_but_for_identity_hashes(case: &Case) -> bool {
    let masked = |text: String| {
        let mut parts = text.split("[B@");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |all, part| all + "[B@" + part.trim_start_matches(|c: char| c.is_ascii_hexdigit()))
    };
    written(case).is_some_and(|(theirs, ours)| masked(theirs) == masked(ours))
}

/// Whether both wrote text, and the two are the same once numbers are read as floats.
pub(super) fn same_but_for_float_text(case: &Case) -> bool {
    written(case).is_some_and(|(theirs, ours)| {
        let (theirs, ours) = (tokens(&theirs), tokens(&ours));
        theirs.len() == ours.len()
            && theirs.iter().zip(&ours).all(|(left, right)| left == right || same_float(left, right))
    })
}

/// What `fromConnect` wrote, as text: the oracle's and ours.
fn written(case: &Case) -> Option<(String, String)> {
    let text = |entry: &Json| Some(String::from_utf8_lossy(&STANDARD.decode(entry["ok"].as_str()?).ok()?).into_owned());
    Some((text(case.theirs)?, text(case.ours)?))
}

fn tokens(text: &str) -> Vec<&str> {
    text.split_inclusive(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | 'E' | '-'))).collect()
}

fn same_float(left: &str, right: &str) -> bool {
    let number =
        |token: &str| -> String { token.trim_end_matches(|c: char| !(c.is_ascii_digit() || c == '.')).to_owned() };
    let (left, right) = (number(left), number(right));
    let same = |left: Option<f64>, right: Option<f64>| left.is_some() && left == right;
    same(left.parse().ok(), right.parse().ok())
        || same(left.parse::<f32>().ok().map(f64::from), right.parse::<f32>().ok().map(f64::from))
}

/// Whether the oracle's reading of a header's text lost a part of it and ours did not: what follows a value, or blanks in quotes.
pub(super) fn text_stays_whole(text: &str, theirs: &Json, ours: &Json) -> bool {
    let whole = ours["schema"] == "STRING" && ours["value"] == text;
    (whole && theirs["schema"] != "STRING" && !is_one_value(text)) || without_blanks(theirs) == without_blanks(ours)
}

/// Whether the text is one number, date, array or map to its end.
fn is_one_value(text: &str) -> bool {
    let text = text.trim();
    let delimiters: Vec<(usize, char)> = text.char_indices().filter(|(_, c)| matches!(c, '-' | ':' | 'T')).collect();
    let is_time = match text.len() {
        10 => delimiters == [(4, '-'), (7, '-')],
        13 => delimiters == [(2, ':'), (5, ':')],
        24 => delimiters == [(4, '-'), (7, '-'), (10, 'T'), (13, ':'), (16, ':')],
        _ => false,
    };
    is_time || BigDecimal::parse(text).is_ok() || ends_where_it_closes(text)
}

/// Whether the bracket that opens the text is closed by its last character.
fn ends_where_it_closes(text: &str) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for (at, character) in text.char_indices() {
        match character {
            '\\' => {
                escaped = !escaped;
                continue;
            }
            '"' if !escaped => quoted = !quoted,
            '[' | '{' if !quoted => depth += 1,
            ']' | '}' if !quoted => depth -= 1,
            _ => {}
        }
        escaped = false;
        if depth <= 0 {
            return at > 0 && at + character.len_utf8() == text.len();
        }
    }
    false
}

fn without_blanks(json: &Json) -> Json {
    match json {
        Json::String(text) => text.replace(' ', "").into(),
        Json::Array(items) => items.iter().map(without_blanks).collect(),
        Json::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), distinct(key, without_blanks(value)))).collect()
        }
        other => other.clone(),
    }
}

/// The entries of a map with each key once: keys that differ in blanks alone are one key for the oracle.
fn distinct(key: &str, value: Json) -> Json {
    match value {
        Json::Array(entries) if key == "map" => {
            let mut kept: Vec<Json> = Vec::new();
            for entry in entries {
                match kept.iter_mut().find(|known| known[0] == entry[0]) {
                    Some(known) => *known = entry,
                    None => kept.push(entry),
                }
            }
            kept.into()
        }
        other => other,
    }
}

/// Whether there is a number that 32 bits cannot hold.
fn has_wide_number(value: &Json) -> bool {
    match value {
        Json::Array(items) => items.iter().any(has_wide_number),
        Json::Object(members) => members.iter().any(|(key, value)| match (key.as_str(), value.as_str()) {
            ("f64", Some(text)) => text.parse::<f64>().is_ok_and(|number| f64::from(number as f32) != number),
            ("decimal", _) => true,
            _ => has_wide_number(value),
        }),
        _ => false,
    }
}

/// Whether the two are the same once every number is cut to 32 bit, and ours has wider ones.
pub(super) fn numbers_are_wider(theirs: &Json, ours: &Json) -> bool {
    // Where a cut number could not be aligned with a date, the oracle has the text.
    let not_aligned = theirs["schema"] == "STRING";
    if not_aligned && ours["schema"].is_object() {
        return has_wide_number(&ours["value"]);
    }
    cut(&without_blanks(theirs)) == cut(&without_blanks(ours)) && !ours.to_string().contains("FLOAT32")
}

fn cut(json: &Json) -> Json {
    const NUMBERS: [&str; 7] = ["i8", "i16", "i32", "i64", "f32", "f64", "decimal"];
    const TYPES: [&str; 6] = ["INT8", "INT16", "INT32", "INT64", "FLOAT32", "FLOAT64"];
    match json {
        Json::String(text) if TYPES.contains(&text.as_str()) => "number".into(),
        Json::Array(items) => items.iter().map(cut).collect(),
        Json::Object(members) => match members.iter().next() {
            Some((tag, value)) if NUMBERS.contains(&tag.as_str()) => {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                text.parse::<f32>().unwrap_or(f32::NAN).to_string().into()
            }
            _ if members.get("name").and_then(Json::as_str) == Some(logical::DECIMAL) => "number".into(),
            // A number that is wider than its neighbours leaves their array without a schema of elements.
            _ => {
                let members = members.iter().map(|(key, value)| (key.clone(), cut(value)));
                members.filter(|(key, value)| !(matches!(key.as_str(), "key" | "value") && value == "number")).collect()
            }
        },
        other => other.clone(),
    }
}
