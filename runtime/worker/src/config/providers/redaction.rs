//! What variables stood for, so that texts which leave the process say the variable instead (Invariant 9).
//!
//! One list for the process, because there is one log. Values shorter than [`SHORTEST_BYTES`] are left alone: they are no
//! secrets, and every text would be full of variables.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

/// The shortest value that is taken for a secret.
pub(super) const SHORTEST_BYTES: usize = 6;
/// How many values of one variable are kept: what runs still has the older ones.
const KEPT_VALUES: usize = 4;

static ANY: AtomicBool = AtomicBool::new(false);
static KNOWN: RwLock<Known> = RwLock::new(Known { values: BTreeMap::new(), forms: Vec::new() });

struct Known {
    /// By variable, newest last.
    values: BTreeMap<String, VecDeque<String>>,
    /// What to look for and what to say instead, longest first: one secret may be a part of another.
    forms: Vec<(String, String)>,
}

/// Remembers that `variable` stood for `value`.
pub(super) fn remember(variable: &str, value: &str) {
    let value = value.trim();
    if value.len() < SHORTEST_BYTES || is_known(variable, value) {
        return;
    }
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    let values = known.values.entry(variable.to_owned()).or_default();
    if !values.iter().any(|known| known == value) {
        values.push_back(value.to_owned());
    }
    if values.len() > KEPT_VALUES {
        values.pop_front();
    }
    known.forms = forms(&known.values);
    ANY.store(true, Ordering::Release);
}

/// Forgets every value.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn forget() {
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    known.values.clear();
    known.forms.clear();
}

/// `text` with every value that a variable stood for replaced by the variable. Costs one load while there are none.
pub fn redacted(text: &str) -> Cow<'_, str> {
    if !ANY.load(Ordering::Acquire) {
        return Cow::Borrowed(text);
    }
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let mut text = Cow::Borrowed(text);
    for (value, variable) in &known.forms {
        if text.contains(value.as_str()) {
            text = Cow::Owned(text.replace(value.as_str(), variable));
        }
    }
    text
}

/// `text`, which is about one key, with the key's resolved value replaced by what the user wrote, however short it is.
pub fn hidden(text: &str, written: &str, resolved: &str) -> String {
    let text = match resolved.trim() {
        "" => Cow::Borrowed(text),
        _ if written == resolved => Cow::Borrowed(text),
        resolved => Cow::Owned(text.replace(resolved, written)),
    };
    redacted(&text).into_owned()
}

fn is_known(variable: &str, value: &str) -> bool {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    known.values.get(variable).is_some_and(|values| values.iter().any(|known| known == value))
}

/// Each value as it is, and as it stands in a quoted text.
fn forms(values: &BTreeMap<String, VecDeque<String>>) -> Vec<(String, String)> {
    let mut forms = Vec::new();
    for (variable, values) in values {
        for value in values {
            let quoted = value.escape_debug().to_string();
            if quoted != *value {
                forms.push((quoted, variable.clone()));
            }
            forms.push((value.clone(), variable.clone()));
        }
    }
    forms.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
    forms
}

#[cfg(test)]
mod tests {
    use super::{hidden, redacted, remember};

    #[test]
    fn secrets_are_replaced_by_their_variables_also_when_quoted() {
        remember("${red:a}", " red-secret-\"1\"\n");
        remember("${red:b}", "red-secret-\"1\"-and-more");
        remember("${red:c}", "tiny");
        assert_eq!(redacted("x red-secret-\"1\" y"), "x ${red:a} y");
        assert_eq!(redacted(&format!("{:?}", "red-secret-\"1\"-and-more")), "\"${red:b}\"");
        assert_eq!(redacted("tiny red"), "tiny red");
        assert_eq!(hidden("Invalid value tiny for key", "${red:c}", "tiny"), "Invalid value ${red:c} for key");
        assert_eq!(hidden("nothing", "${red:c}", ""), "nothing");
    }

    #[test]
    fn older_values_stay_hidden_for_a_while() {
        for number in 0..6 {
            remember("${red:rotated}", &format!("rotated-value-{number}"));
        }
        assert_eq!(redacted("rotated-value-5 rotated-value-2"), "${red:rotated} ${red:rotated}");
        assert_eq!(redacted("rotated-value-1"), "rotated-value-1");
    }
}
