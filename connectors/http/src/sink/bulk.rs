//! The `_bulk` API of Elasticsearch and OpenSearch: two lines per record, and an answer with a result per record.
//!
//! Documents of keyed records have the key as id and the offset as external version, so a record that comes again, or an older one
//! that comes late, never overwrites a newer one: the server's version conflict says that it is there already. Records without a key
//! have topic, partition and offset as id, so coming again changes nothing.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sluice_api::{Result, SinkRecord};

use super::template::Template;
use crate::client::Failure;

/// Where documents go.
#[derive(Clone, Debug)]
pub(crate) struct BulkSettings {
    pub(crate) index: Template,
    /// Of records with a key.
    pub(crate) id: Template,
}

/// What the server says of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is there, or a newer one is.
    Done,
    /// It may be taken later.
    Later(String),
    /// It will not be taken.
    Refused(String),
}

#[derive(Serialize)]
struct Action<'a> {
    _index: &'a str,
    _id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_type: Option<&'a str>,
}

#[derive(Deserialize)]
struct Answer {
    items: Vec<serde_json::Map<String, Json>>,
}

impl BulkSettings {
    /// The lines of a record; `document` is `None` for one that is to be deleted.
    pub(super) fn lines(&self, record: &SinkRecord, document: Option<&[u8]>) -> Result<Bytes> {
        let index = self.index.render(record)?;
        let keyed = !record.key.is_null();
        let id = match keyed {
            true => self.id.render(record)?,
            false => format!("{}+{}+{}", record.original_topic(), record.original_partition(), record.offset),
        };
        let version = keyed.then_some(record.offset);
        let action = Action { _index: &index, _id: &id, version, version_type: keyed.then_some("external") };
        let name = if document.is_some() { "index" } else { "delete" };
        let mut out = Vec::with_capacity(128 + document.map_or(0, <[u8]>::len));
        out.extend_from_slice(b"{\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        serde_json::to_writer(&mut out, &action).map_err(|error| sluice_api::ConnectError::data(error.to_string()))?;
        out.extend_from_slice(b"}\n");
        if let Some(document) = document {
            // A document is one line: JSON has no line end that means anything.
            out.extend(document.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
            out.push(b'\n');
        }
        Ok(out.into())
    }
}

/// The verdicts of an answer to `count` records, in their order.
///
/// # Errors
/// The answer does not say: what became of the records is unknown.
pub(crate) fn verdicts(body: &[u8], count: usize) -> std::result::Result<Vec<Verdict>, Failure> {
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|error| Failure::new(format!("the answer is not that of the _bulk API: {error}")))?;
    if answer.items.len() != count {
        return Err(Failure::new(format!("the answer has {} items for {count} records", answer.items.len())));
    }
    answer.items.iter().map(verdict).collect()
}

fn verdict(item: &serde_json::Map<String, Json>) -> std::result::Result<Verdict, Failure> {
    let (action, result) = item.iter().next().ok_or_else(|| Failure::new("an item of the answer is empty"))?;
    let status = result.get("status").and_then(Json::as_u64);
    let status = status.ok_or_else(|| Failure::new("an item of the answer has no status"))?;
    let reason = || {
        let error = result.get("error").map_or_else(String::new, |error| {
            let text = |name: &str| error.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
            let cause = error.get("caused_by").and_then(|cause| cause.get("reason")).and_then(Json::as_str);
            let cause = cause.map(|cause| format!(" ({cause})")).unwrap_or_default();
            format!(": {}: {}{cause}", text("type"), text("reason"))
        });
        format!("{action} was answered with status {status}{error}")
    };
    Ok(match status {
        200..=299 => Verdict::Done,
        // An external version conflict: what is there is as new or newer.
        409 => Verdict::Done,
        404 if action == "delete" => Verdict::Done,
        429 | 500..=599 => Verdict::Later(reason()),
        _ => Verdict::Refused(reason()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::doubles::record;

    fn settings() -> BulkSettings {
        BulkSettings { index: Template::parse("${topic}").unwrap(), id: Template::parse("${key}").unwrap() }
    }

    #[test]
    fn keyed_records_have_external_versions_and_others_their_place_as_id() {
        let lines = settings().lines(&record("t", 5, "k\"1", "v"), Some(b"{\"a\":\n1}")).unwrap();
        let expected = "{\"index\":{\"_index\":\"t\",\"_id\":\"k\\\"1\",\"version\":5,\"version_type\":\"external\"}}\n{\"a\": 1}\n";
        assert_eq!(lines, expected);
        let lines = settings().lines(&record("t", 5, (), "v"), Some(b"1")).unwrap();
        assert_eq!(lines, "{\"index\":{\"_index\":\"t\",\"_id\":\"t+0+5\"}}\n1\n");
        let lines = settings().lines(&record("t", 6, "k", ()), None).unwrap();
        assert_eq!(
            lines,
            "{\"delete\":{\"_index\":\"t\",\"_id\":\"k\",\"version\":6,\"version_type\":\"external\"}}\n"
        );
    }

    #[test]
    fn every_item_has_a_verdict_of_its_own() {
        let body = br#"{"errors":true,"items":[
            {"index":{"status":201}},
            {"index":{"status":409,"error":{"type":"version_conflict_engine_exception","reason":"x"}}},
            {"index":{"status":400,"error":{"type":"mapper_parsing_exception","reason":"bad","caused_by":{"reason":"no date"}}}},
            {"index":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"full"}}},
            {"delete":{"status":404}}]}"#;
        let verdicts = verdicts(body, 5).unwrap();
        assert_eq!(verdicts[..2], [Verdict::Done, Verdict::Done]);
        let text = "index was answered with status 400: mapper_parsing_exception: bad (no date)";
        assert_eq!(verdicts[2], Verdict::Refused(text.into()));
        assert!(matches!(&verdicts[3], Verdict::Later(_)));
        assert_eq!(verdicts[4], Verdict::Done);
    }

    #[test]
    fn an_answer_that_does_not_fit_is_no_answer() {
        assert!(verdicts(b"<html>", 1).is_err());
        let failure = verdicts(br#"{"items":[]}"#, 2).unwrap_err();
        assert_eq!(failure.to_string(), "the answer has 0 items for 2 records");
        assert!(verdicts(br#"{"items":[{}]}"#, 1).is_err());
        assert!(verdicts(br#"{"items":[{"index":{}}]}"#, 1).is_err());
    }
}
