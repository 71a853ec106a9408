//! Whether two outcomes of a probe are the same, and which differences are known.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use regex::Regex;
use serde_json::Value;

use super::run::Outcome;
use crate::rest::{Ignore, same_answer};

/// The differences that the compatibility table lists, by step id (`D4.2`) or dump (`D5-created`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known(BTreeMap<String, Scope>);

/// How far a listed step may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    /// Only the text of the error: status, headers and the other fields are compared.
    Message,
    /// In everything.
    Whole,
}

impl Known {
    /// Finds the ids anywhere in the table's text: `D4.2`, a range `X2.1-8` (of steps of one probe), `D5-created`. The word
    /// `message` behind an id (`D4.1-20 message`) allows another error text and nothing else.
    #[must_use]
    pub fn in_text(text: &str) -> Self {
        let steps = r"\b([DPSX]\d+[A-Z]?)\.(\d+)(?:(?:-|–)(\d+))?\b(`?\s+message\b)?";
        let steps = Regex::new(steps).expect("a valid pattern");
        let dumps = Regex::new(r"\b[DPSX]\d+[A-Z]?-[a-z]+\b").expect("a valid pattern");
        let mut ids: BTreeMap<String, Scope> =
            dumps.find_iter(text).map(|found| (found.as_str().to_owned(), Scope::Whole)).collect();
        for found in steps.captures_iter(text) {
            let number = |at: usize| found.get(at).and_then(|digits| digits.as_str().parse::<u32>().ok());
            let scope = if found.get(4).is_some() { Scope::Message } else { Scope::Whole };
            let first = number(2).unwrap_or_default();
            for step in first..=number(3).unwrap_or(first) {
                let listed = ids.entry(format!("{}.{step}", &found[1])).or_insert(scope);
                *listed = scope.max(*listed);
            }
        }
        Known(ids)
    }

    /// What of a difference the table does not explain.
    #[must_use]
    pub fn unexplained(&self, difference: &Difference) -> Vec<String> {
        let left = |text: &&String| match self.0.get(&difference.id) {
            None => true,
            Some(Scope::Message) => !text.starts_with("$.message:"),
            Some(Scope::Whole) => false,
        };
        difference.texts.iter().filter(left).cloned().collect()
    }
}

/// One step or dump in which ours is not the oracle's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Step id or dump.
    pub id: String,
    /// Method and path; empty for a dump.
    pub call: String,
    /// What differs.
    pub texts: Vec<String>,
}

/// Every step and dump in which ours differs from the oracle's, with what differs.
///
/// # Errors
/// If the two outcomes are not of the same probe.
pub fn differences(oracle: &Outcome, ours: &Outcome, ignore: &Ignore) -> Result<Vec<Difference>> {
    let mut found = Vec::new();
    anyhow::ensure!(oracle.steps.len() == ours.steps.len(), "the outcomes have different numbers of steps");
    for ((id, ask, expected), (our_id, _, got)) in oracle.steps.iter().zip(&ours.steps) {
        anyhow::ensure!(id == our_id, "step {id} is compared with step {our_id}");
        let call = format!("{} {}", ask.call.method, ask.call.path);
        if ask.racy.is_empty() {
            let texts = same_answer(expected, got, ignore);
            if !texts.is_empty() {
                found.push(Difference { id: id.clone(), call, texts });
            }
        } else if !ask.racy.contains(&got.status) {
            let text = format!("status: expected one of {:?}, got {}", ask.racy, got.status);
            found.push(Difference { id: id.clone(), call, texts: vec![text] });
        }
    }
    let probe = oracle.steps.first().and_then(|(id, _, _)| id.split('.').next()).unwrap_or_default();
    for ((name, expected), (_, got)) in oracle.dumps.iter().zip(&ours.dumps) {
        let (expected, got) = (records(expected)?, records(got)?);
        if let Some(text) = first_difference(&expected, &got) {
            found.push(Difference { id: format!("{probe}-{name}"), call: String::new(), texts: vec![text] });
        }
    }
    Ok(found)
}

/// The records of a dump as lines: topic, partition, key, value. Connector and task configurations are maps, their fields have
/// no order; every other value counts byte for byte.
fn records(dump: &str) -> Result<Vec<String>> {
    let dump: Value = serde_json::from_str(dump)?;
    let mut lines = Vec::new();
    for topic in ["config", "offset", "status"] {
        for record in dump[topic].as_array().into_iter().flatten() {
            if record["key"] == "session-key" {
                continue;
            }
            let value = match record["value"].as_str() {
                Some(text) if text.starts_with("{\"properties\":") => sorted(&serde_json::from_str(text)?),
                Some(text) => text.to_owned(),
                None => "null".to_owned(),
            };
            lines.push(format!("{topic} {} {} {value}", record["partition"], record["key"]));
        }
    }
    Ok(lines)
}

fn sorted(value: &Value) -> String {
    let fields = value["properties"].as_object().into_iter().flatten().map(|(key, value)| format!("{key}={value}"));
    let fields: BTreeSet<String> = fields.collect();
    format!("{fields:?}")
}

fn first_difference(expected: &[String], got: &[String]) -> Option<String> {
    let at = (0..expected.len().max(got.len())).find(|at| expected.get(*at) != got.get(*at))?;
    let line = |lines: &[String]| lines.get(at).cloned().unwrap_or_else(|| "the end".to_owned());
    Some(format!("record {} of {}: expected {}, got {}", at + 1, expected.len(), line(expected), line(got)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::step::Ask;
    use crate::rest::{Answer, Call};

    fn outcome(status: u16, racy: &'static [u16], dump: &str) -> Outcome {
        let answer = Answer { status, headers: Vec::new(), body: String::new() };
        let ask = Ask { call: Call::new("GET", "/"), racy };
        Outcome { steps: vec![("D1.1".into(), ask, answer)], dumps: vec![("after".into(), dump.into())] }
    }

    fn difference(id: &str) -> Difference {
        Difference { id: id.into(), call: String::new(), texts: vec!["status: 1".into(), "$.message: 2".into()] }
    }

    const DUMP: &str =
        r#"{"config":[{"partition":0,"key":"connector-a","value":"{\"properties\":{\"a\":\"1\",\"b\":\"2\"}}"}]}"#;

    #[test]
    fn ids_are_found_in_a_table() {
        let known = Known::in_text("| D4.2 | why |\n| X2.1-3, D29J.1 | why |\n| D5-created | why |");
        let left = |id: &str| known.unexplained(&difference(id)).len();
        assert!(["D4.2", "X2.1", "X2.2", "X2.3", "D29J.1", "D5-created"].iter().all(|id| left(id) == 0));
        assert_eq!((left("X2.4"), left("D4.1")), (2, 2));
    }

    #[test]
    fn a_row_for_the_message_does_not_cover_the_status() {
        let known = Known::in_text("| `D4.1-3` message | why |\n| D4.3 | why |");
        assert_eq!(known.unexplained(&difference("D4.2")), ["status: 1"]);
        assert!(known.unexplained(&difference("D4.3")).is_empty());
    }

    #[test]
    fn the_fields_of_a_stored_configuration_have_no_order() -> Result<()> {
        let turned = DUMP.replace(r#"\"a\":\"1\",\"b\":\"2\""#, r#"\"b\":\"2\",\"a\":\"1\""#);
        assert_ne!(turned, DUMP);
        assert!(differences(&outcome(200, &[], DUMP), &outcome(200, &[], &turned), &Ignore::usual())?.is_empty());
        Ok(())
    }

    #[test]
    fn a_difference_has_its_step_or_dump() -> Result<()> {
        let found = differences(&outcome(200, &[], DUMP), &outcome(404, &[], "{}"), &Ignore::usual())?;
        assert_eq!(found.iter().map(|difference| difference.id.as_str()).collect::<Vec<_>>(), ["D1.1", "D1-after"]);
        Ok(())
    }

    #[test]
    fn an_answer_that_depends_on_the_moment_needs_one_of_its_statuses() -> Result<()> {
        let ignore = Ignore::usual();
        let oracle = outcome(404, &[404, 200], DUMP);
        assert!(differences(&oracle, &outcome(200, &[404, 200], DUMP), &ignore)?.is_empty());
        assert_eq!(differences(&oracle, &outcome(500, &[404, 200], DUMP), &ignore)?.len(), 1);
        Ok(())
    }
}
