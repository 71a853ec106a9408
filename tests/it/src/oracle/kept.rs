//! What the rules for differences kept on purpose look at.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};
use sluice_api::data::{BigDecimal, logical};
use sluice_harness::oracle::difference;

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
    (whole && theirs["schema"] != "STRING" && !is_one_value(text))
        || difference(&without_blanks(theirs), &without_blanks(ours)).is_none()
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

/// Whether the oracle cut numbers of a header's text to floats that ours holds whole, and nothing else differs.
pub(super) fn numbers_are_wider(text: &str, theirs: &Json, ours: &Json) -> bool {
    let is_text = |answer: &Json| answer["schema"] == "STRING";
    let has_wide_text = || text.split(is_delimiter).any(is_wide);
    match (is_text(theirs), is_text(ours)) {
        // A cut number could not be aligned with a date, or a whole one not with null: one of the two has the text.
        (true, false) => has_wide_number(&ours["value"]),
        (false, true) => ours["value"] == text && has_wide_text(),
        _ => {
            let (theirs, ours) = (without_blanks(theirs), without_blanks(ours));
            // A map may have the key of a wide number twice, and the other value in the end.
            (has_wide_number(&ours["value"]) || has_wide_text())
                && schema_is_wider(&theirs["schema"], &ours["schema"])
                && value_is_wider(&theirs["value"], &ours["value"])
        }
    }
}

fn is_delimiter(character: char) -> bool {
    character <= ' ' || "[]{},:\"".contains(character)
}

/// Whether the text is a number that 32 bits cannot hold.
fn is_wide(text: &str) -> bool {
    BigDecimal::parse(text).is_ok_and(|number| {
        let (single, double) = (number.to_f32(), number.to_f64());
        let is_zero = number.unscaled().sign() == num_bigint::Sign::NoSign;
        (single == 0.0) != is_zero || single.to_string().parse::<f64>() != Ok(double)
    })
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

/// Whether the two schemas are the same but for those of cut numbers. One that is wider than its neighbours leaves them without a
/// schema in common, or gives them one.
fn schema_is_wider(theirs: &Json, ours: &Json) -> bool {
    let is_decimal = |schema: &Json| schema["name"] == logical::DECIMAL;
    let is_wider = match theirs.as_str() {
        Some("FLOAT32") => ours == "FLOAT64" || is_decimal(ours) || ours.is_null(),
        Some("FLOAT64") => is_decimal(ours) || ours.is_null(),
        _ => theirs.is_null() && is_decimal(ours),
    };
    if theirs == ours || is_wider {
        return true;
    }
    let is_nested = |schema: &Json| schema["type"] == "ARRAY" || schema["type"] == "MAP";
    let same = |key: &str| schema_is_wider(&theirs[key], &ours[key]);
    // A map whose keys have no schema in common has none for its values either.
    let no_keys = |map: &Json| map["type"] == "MAP" && map["key"].is_null() && map["value"].is_null();
    let values = no_keys(theirs) || no_keys(ours) || same("value");
    is_nested(theirs) && theirs["type"] == ours["type"] && same("key") && values
}

/// Whether the two values are the same once ours has its numbers cut where the oracle has a float.
fn value_is_wider(theirs: &Json, ours: &Json) -> bool {
    match (theirs, ours) {
        (Json::Array(theirs), Json::Array(ours)) => {
            theirs.len() == ours.len() && theirs.iter().zip(ours).all(|(left, right)| value_is_wider(left, right))
        }
        (Json::Object(left), Json::Object(right)) if left.contains_key("f32") => cut::<f32>(left, right),
        (Json::Object(left), Json::Object(right)) if right.contains_key("decimal") => cut::<f64>(left, right),
        // Beside a wide number that leaves a map without a schema, integers keep their own width.
        (Json::Object(left), Json::Object(right)) if integer(left).is_some() => integer(left) == integer(right),
        (Json::Object(left), Json::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(tag, value)| right.get(tag).is_some_and(|other| value_is_wider(value, other)))
        }
        (theirs, ours) => theirs == ours,
    }
}

/// The text of an integer of any width.
fn integer(members: &Map<String, Json>) -> Option<&Json> {
    members.iter().find(|(tag, _)| NUMBERS[..4].contains(&tag.as_str())).map(|(_, value)| value)
}

/// Whether the number of the oracle is ours, cut to a float of this width.
fn cut<F: FromStr + PartialEq>(theirs: &Map<String, Json>, ours: &Map<String, Json>) -> bool {
    let float = |members: &Map<String, Json>| -> Option<F> {
        match members.iter().find(|(tag, _)| NUMBERS.contains(&tag.as_str()))?.1 {
            Json::String(text) => text.parse().ok(),
            other => other.to_string().parse().ok(),
        }
    };
    theirs.keys().all(|tag| matches!(tag.as_str(), "f32" | "f64" | "decimal"))
        && float(theirs).is_some_and(|theirs| float(ours) == Some(theirs))
}

const NUMBERS: [&str; 7] = ["i8", "i16", "i32", "i64", "f32", "f64", "decimal"];
