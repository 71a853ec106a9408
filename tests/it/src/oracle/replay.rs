//! Cases that are kept: what Apache Kafka's own tests of converters look at, and requests that once differed, one per line of
//! `cases.jsonl`; and one case from a file, to look at.

use anyhow::{Context, Result};
use serde_json::Value as Json;
use sluice_harness::oracle::{Oracle, difference};

use super::ours::Ours;
use super::run::{Kept, put};
use super::{header, json, plain};

const CASES: &str = include_str!("cases.jsonl");

#[test]
fn kept_cases_have_the_oracles_answers() -> Result<()> {
    let requests: Vec<Json> = CASES.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let kept: Vec<Kept> = [json::KEPT, header::KEPT, plain::KEPT].concat();
    put(Oracle::shared()?, "oracle::kept_cases", &kept, &requests)
}

/// `SLUICE_ORACLE_REPLAY` names a file with a request per line; both answers are shown.
#[test]
fn replay() -> Result<()> {
    let Some(path) = std::env::var_os("SLUICE_ORACLE_REPLAY") else { return Ok(()) };
    let text = std::fs::read_to_string(&path).context("reading SLUICE_ORACLE_REPLAY")?;
    for line in text.lines() {
        let request: Json = serde_json::from_str(line)?;
        let (theirs, ours) = (Oracle::shared()?.ask_one(&request)?, Ours::new().answer(&request));
        eprintln!("{request}\n  oracle: {theirs}\n  sluice: {ours}");
        match difference(&theirs, &ours) {
            Some(difference) => eprintln!("  {difference}"),
            None => eprintln!("  the same"),
        }
    }
    Ok(())
}
