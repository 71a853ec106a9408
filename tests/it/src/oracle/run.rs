//! Puts a family's cases to the oracle and to ours, and reports what differs.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Result, bail};
use serde_json::{Value as Json, json};
use sluice_harness::oracle::{Difference, Oracle, difference};
use sluice_harness::{Random, case_seed, count};

use super::ours::Ours;
use super::shrink::candidates;

/// A difference that is kept on purpose.
#[derive(Clone, Copy)]
pub(super) struct Kept {
    /// A text of the row in COMPATIBILITY.md that says so.
    pub(super) row: &'static str,
    /// Whether a difference is this one.
    pub(super) is: fn(&Case, &Difference) -> bool,
}

/// One record or case of a request, with what the oracle and we made of it.
pub(super) struct Case<'a> {
    /// The request.
    pub(super) request: &'a Json,
    /// The record or case; null when nothing of the request was applied.
    pub(super) input: &'a Json,
    /// The oracle's entry of `results`, or its whole answer.
    pub(super) theirs: &'a Json,
    /// Our entry.
    pub(super) ours: &'a Json,
}

/// How many requests are on their way at once.
const BATCH: usize = 500;
/// How many differences are shown in full.
const SHOWN: usize = 12;
/// How many times a case is put to both to make it smaller.
const SHRINKS: usize = 300;

/// A case that differs: a request that replays it.
struct Found {
    request: Json,
    difference: Difference,
}

/// A family's run.
struct Run<'a> {
    oracle: &'a Oracle,
    ours: Ours,
    kept: &'a [Kept],
    results: usize,
    errors: usize,
    on_purpose: BTreeMap<&'static str, usize>,
    /// By the place without its numbers, so that what is shown is different.
    differences: BTreeMap<String, Vec<Found>>,
}

/// Puts `count(200, 10_000)` requests of `generate` to both; fails when one differs that is not `kept`.
pub(super) fn family(name: &str, kept: &[Kept], generate: impl FnMut(&mut Random) -> Json) -> Result<()> {
    family_on(Oracle::shared()?, name, kept, generate)
}

/// As [`family`], on an oracle with further jars.
pub(super) fn family_on(
    oracle: &Oracle,
    name: &str,
    kept: &[Kept],
    mut generate: impl FnMut(&mut Random) -> Json,
) -> Result<()> {
    let (mut random, total) = (Random::of_cases(name), count(200, 10_000));
    let mut run = Run::new(oracle, kept);
    let mut left = total;
    while left > 0 {
        let requests: Vec<Json> = (0..left.min(BATCH)).map(|_| generate(&mut random)).collect();
        left -= requests.len();
        run.put(&requests)?;
    }
    run.report(name, total)
}

/// As [`family_on`], with these requests.
pub(super) fn put(oracle: &Oracle, name: &str, kept: &[Kept], requests: &[Json]) -> Result<()> {
    let mut run = Run::new(oracle, kept);
    run.put(requests)?;
    run.report(name, requests.len())
}

/// The key under which a request has what it is applied to.
fn inputs_key(request: &Json) -> &'static str {
    if request.get("records").is_some() { "records" } else { "cases" }
}

fn entries(answer: &Json) -> &[Json] {
    answer["results"].as_array().map_or(std::slice::from_ref(answer), Vec::as_slice)
}

impl<'a> Run<'a> {
    fn new(oracle: &'a Oracle, kept: &'a [Kept]) -> Self {
        let (on_purpose, differences) = (BTreeMap::new(), BTreeMap::new());
        Self { oracle, ours: Ours::new(), kept, results: 0, errors: 0, on_purpose, differences }
    }

    fn put(&mut self, requests: &[Json]) -> Result<()> {
        for (request, theirs) in requests.iter().zip(self.oracle.ask(requests)?) {
            self.compare(request, &theirs)?;
        }
        Ok(())
    }

    fn compare(&mut self, request: &Json, theirs: &Json) -> Result<()> {
        for entry in entries(theirs) {
            if entry["error"]["at"] == "input" {
                bail!("the oracle cannot read the request: {}\n  {request}", entry["error"]);
            }
            *(if entry.get("error").is_some() { &mut self.errors } else { &mut self.results }) += 1;
        }
        let ours = self.ours.answer(request);
        let found = self.differences(request, theirs, &ours);
        for (at, difference) in found {
            let request = alone(request, at);
            let place = difference.place.replace(|character: char| character.is_ascii_digit(), "");
            self.differences.entry(place).or_default().push(Found { request, difference });
        }
        Ok(())
    }

    /// The differences that are not kept, with the index of the case.
    fn differences(&mut self, request: &Json, theirs: &Json, ours: &Json) -> Vec<(usize, Difference)> {
        let (left, right) = (entries(theirs), entries(ours));
        if left.len() != right.len() {
            // One of the two was not configured, so there are no pairs.
            let Some(difference) = difference(theirs, ours) else { return Vec::new() };
            let case = Case { request, input: &Json::Null, theirs, ours };
            let Some(kept) = self.kept.iter().find(|kept| (kept.is)(&case, &difference)) else {
                return vec![(0, difference)];
            };
            *self.on_purpose.entry(kept.row).or_default() += 1;
            return Vec::new();
        }
        let mut found = Vec::new();
        for (at, (theirs, ours)) in left.iter().zip(right).enumerate() {
            let Some(difference) = difference(theirs, ours) else { continue };
            let input = &request[inputs_key(request)][at];
            let case = Case { request, input, theirs, ours };
            match self.kept.iter().find(|kept| (kept.is)(&case, &difference)) {
                Some(kept) => *self.on_purpose.entry(kept.row).or_default() += 1,
                None => found.push((at, difference)),
            }
        }
        found
    }

    fn report(mut self, name: &str, total: usize) -> Result<()> {
        let differ: usize = self.differences.values().map(Vec::len).sum();
        let Run { results, errors, on_purpose, .. } = &self;
        let kept: usize = on_purpose.values().sum();
        eprintln!(
            "{name}: {total} cases ({results} results, {errors} errors), {differ} differences, {kept} kept on purpose \
             {on_purpose:?}, SLUICE_SEED={}",
            case_seed()
        );
        if differ == 0 {
            return Ok(());
        }
        let mut text = format!("{name}: {differ} differ in {total} cases; SLUICE_SEED={} repeats them.", case_seed());
        for (place, found) in std::mem::take(&mut self.differences).into_iter().take(SHOWN) {
            let Some(shortest) = found.iter().min_by_key(|found| found.request.to_string().len()) else { continue };
            let Found { request, difference } = self.shrunk(shortest)?;
            write!(text, "\n  {} times like {place}: {difference}\n    replay: {request}", found.len())?;
        }
        bail!(text)
    }

    /// A smaller request that still differs in a like place.
    fn shrunk(&mut self, found: &Found) -> Result<Found> {
        let mut best = Found { request: found.request.clone(), difference: found.difference.clone() };
        let mut left = SHRINKS;
        'smaller: while left > 0 {
            for request in candidates(&best.request) {
                left = left.saturating_sub(1);
                let (theirs, ours) = (self.oracle.ask_one(&request)?, self.ours.answer(&request));
                let unread = |answer: &Json| entries(answer).iter().any(|entry| entry["error"]["at"] == "input");
                if left == 0 || unread(&theirs) || unread(&ours) {
                    continue;
                }
                if let Some((_, difference)) = self.differences(&request, &theirs, &ours).pop() {
                    best = Found { request, difference };
                    continue 'smaller;
                }
            }
            break;
        }
        Ok(best)
    }
}

/// The request with its case `at` alone.
fn alone(request: &Json, at: usize) -> Json {
    let key = inputs_key(request);
    let mut request = request.clone();
    let case = request[key][at].clone();
    request[key] = json!([case]);
    request
}

#[test]
fn every_difference_kept_on_purpose_has_its_row() {
    let rows = include_str!("../../../../COMPATIBILITY.md");
    let kept =
        [super::json::KEPT, super::plain::KEPT, super::header::KEPT, super::transforms::KEPT, super::debezium::KEPT]
            .concat();
    for row in kept.iter().map(|kept| kept.row) {
        assert!(rows.contains(row), "COMPATIBILITY.md has no row with: {row}");
    }
}
