//! Smaller requests: a part left out, a struct with a field less, a text cut to its half.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

/// Requests that are a little smaller than this one, the boldest first. Not all of them can be read.
pub(super) fn candidates(request: &Json) -> Vec<Json> {
    let mut smaller = Vec::new();
    for path in paths(request) {
        let part = request.pointer(&path);
        match part {
            Some(Json::Array(items)) => {
                for at in 0..items.len() {
                    smaller.push(changed(request, &path, |part| remove_index(part, at)));
                }
            }
            Some(Json::Object(members)) => {
                smaller.extend(without_a_field(request, &path));
                for key in
                    members.keys().filter(|key| !matches!(key.as_str(), "op" | "class" | "type" | "cases" | "records"))
                {
                    smaller.push(changed(request, &path, |part| {
                        if let Json::Object(members) = part {
                            members.shift_remove(key);
                        }
                    }));
                }
            }
            Some(Json::String(text)) if path.ends_with("/bytes") => {
                smaller.extend(
                    shorter_bytes(text).into_iter().map(|text| changed(request, &path, |part| *part = text.into())),
                );
            }
            _ => {}
        }
    }
    smaller
}

/// Every place that has parts or is text, outermost first.
fn paths(json: &Json) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut at = 0;
    while at < all.len() {
        let path = all[at].clone();
        match json.pointer(&path) {
            Some(Json::Array(items)) => all.extend((0..items.len()).map(|index| format!("{path}/{index}"))),
            Some(Json::Object(members)) => {
                let escaped = |key: &String| key.replace('~', "~0").replace('/', "~1");
                all.extend(members.keys().map(|key| format!("{path}/{}", escaped(key))));
            }
            _ => {}
        }
        at += 1;
    }
    all
}

fn changed(request: &Json, path: &str, change: impl FnOnce(&mut Json)) -> Json {
    let mut request = request.clone();
    if let Some(part) = request.pointer_mut(path) {
        change(part);
    }
    request
}

fn remove_index(part: &mut Json, at: usize) {
    if let Json::Array(items) = part
        && at < items.len()
    {
        items.remove(at);
    }
}

/// A value and the schema beside it, both without one field.
fn without_a_field(request: &Json, path: &str) -> Vec<Json> {
    let mut smaller = Vec::new();
    for (schema, value) in [("schema", "value"), ("keySchema", "key"), ("valueSchema", "value")] {
        let count = request.pointer(&format!("{path}/{schema}/fields")).and_then(Json::as_array).map_or(0, Vec::len);
        for at in 0..count {
            let request = changed(request, &format!("{path}/{schema}/fields"), |fields| remove_index(fields, at));
            smaller.push(changed(&request, &format!("{path}/{value}/struct"), |values| remove_index(values, at)));
        }
    }
    smaller
}

fn shorter_bytes(text: &str) -> Vec<String> {
    let Ok(bytes) = STANDARD.decode(text) else { return Vec::new() };
    let length = bytes.len();
    let mut smaller: Vec<Vec<u8>> = Vec::new();
    for run in [length / 2, length / 4, 8, 3, 1] {
        if run == 0 || run >= length {
            continue;
        }
        let starts = (0..=length - run).step_by(run);
        smaller.extend(starts.map(|start| [&bytes[..start], &bytes[start + run..]].concat()));
    }
    smaller.iter().map(|bytes| STANDARD.encode(bytes)).collect()
}
