//! What the rules for differences kept on purpose look at.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::run::Case;

/// The text of our error, empty when there is none.
pub(super) fn message<'a>(case: &Case<'a>) -> &'a str {
    case.ours["error"]["message"].as_str().unwrap_or_default()
}

/// Whether the oracle gave a result and we refused with a message like this.
pub(super) fn refused(case: &Case, part: &str) -> bool {
    case.theirs.get("ok").is_some() && message(case).contains(part)
}

/// The bytes that were put to a converter.
pub(super) fn input_bytes(case: &Case) -> Vec<u8> {
    STANDARD.decode(case.input["bytes"].as_str().unwrap_or_default()).unwrap_or_default()
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
    let text = |entry: &Json| String::from_utf8(STANDARD.decode(entry["ok"].as_str()?).ok()?).ok();
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
