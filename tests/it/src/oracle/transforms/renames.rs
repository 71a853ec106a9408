//! What is kept differently of `ReplaceField`.

use super::super::run::Case;

/// Whether a field of the result has the new name of a rename whose old name is not there or left out: Kafka Connect then looks for
/// the value under the old name.
pub(super) fn new_name_is_taken(case: &Case) -> bool {
    let step = &case.request["steps"][0];
    let class = step["class"].as_str().unwrap_or_default();
    if !class.contains(".ReplaceField$") {
        return false;
    }
    let (part, beside) = if class.ends_with("$Key") { ("key", "keySchema") } else { ("value", "valueSchema") };
    // A struct may have a schema of its own, whose fields are the ones that count.
    let own = &case.input[part]["schema"];
    let schema = if own.is_object() { own } else { &case.input[beside] };
    let fields = schema["fields"].as_array();
    let names: Vec<&str> = fields.into_iter().flatten().filter_map(|field| field["name"].as_str()).collect();
    let list = |key: &str| -> Vec<&str> {
        let listed = step["config"][key].as_str().unwrap_or_default();
        listed.split(',').map(str::trim).filter(|item| !item.is_empty()).collect()
    };
    let (exclude, include, renames) = (list("exclude"), list("include"), list("renames"));
    let is_left = |name: &str| {
        names.contains(&name) && !exclude.contains(&name) && (include.is_empty() || include.contains(&name))
    };
    let pairs: Vec<(&str, &str)> = renames.iter().filter_map(|pair| pair.split_once(':')).collect();
    let is_in_result = |new: &str| {
        let renamed = |name: &str| {
            pairs.iter().rev().find(|(old, _)| *old == name).map_or(name.to_owned(), |pair| pair.1.to_owned())
        };
        names.iter().any(|name| is_left(name) && renamed(name) == new)
    };
    case.ours.get("ok").is_some() && pairs.iter().any(|(old, new)| !is_left(old) && is_in_result(new))
}
