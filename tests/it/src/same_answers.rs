//! The same questions to Apache Kafka Connect and to us: every probe goes to both, and every answer that differs is a row of
//! COMPATIBILITY.md or a bug. Invariant 6.
//!
//! A row names the step (`D4.2`, a range `X2.1-8`) or the dump of the internal topics (`D5-created`) as they are called in
//! `tests/golden`; `D4.1-20 message` allows another error text and nothing else. A row whose step does not differ any more is
//! an error too.
//!
//! In the tier `test` the oracle is asked live for a part of the probes, and the golden files stand for it in the rest; in the
//! tier `drill` it is asked for all. `SLUICE_PROBES=D5,X4` runs some probes only, `SLUICE_ANSWERS=folder` keeps what we
//! answered in the form of the golden files.

use std::path::{Path, PathBuf};
use std::{env, fs, thread};

use anyhow::{Context, Result, anyhow, bail};
use sluice_harness::probe::{
    Difference, Known, Lab, Outcome, Place, Probe, differences, golden_folder, probes, read_golden, write_golden,
};
use sluice_harness::{Engine, Ignore, Tier, tier};

/// What the oracle is asked live in the tier `test`: one probe of each kind, and all that end in a dump of the topics.
const LIVE: [&str; 12] = ["D1", "D2", "D3", "X3", "D5", "D9", "D16", "D17", "D20", "D26", "P4", "S3"];

fn chosen(place: impl Fn(Place) -> bool) -> Vec<Probe> {
    let wanted = env::var("SLUICE_PROBES").unwrap_or_default();
    let wanted: Vec<&str> = wanted.split(',').filter(|id| !id.is_empty()).collect();
    let all = probes().into_iter().filter(|probe| place(probe.place));
    all.filter(|probe| wanted.is_empty() || wanted.contains(&probe.id)).collect()
}

/// What the rows of the tables allow; the text between them only explains.
fn known() -> Result<Known> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../COMPATIBILITY.md");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    Ok(Known::in_text(&rows.join("\n")))
}

/// Two partitions of a source's offsets come in the order of a Java hash map, which follows the run's folder names.
fn ignored() -> Ignore {
    let mut ignore = Ignore::usual();
    ignore.unordered.insert("offsets".to_owned());
    ignore
}

/// Puts all probes to one engine; one that cannot be finished does not keep the others from being put.
fn put(engine: Engine, probes: &[Probe]) -> Result<Vec<Result<Outcome>>> {
    let mut lab = Lab::open(engine)?;
    Ok(probes.iter().map(|probe| lab.put(probe)).collect())
}

/// The oracle's answers: asked for now, or as they were captured.
fn oracle(probes: &[Probe]) -> Result<Vec<Result<Outcome>>> {
    let live = |probe: &Probe| tier() == Tier::Drill || LIVE.contains(&probe.id);
    let asked: Vec<Probe> = probes.iter().filter(|probe| live(probe)).cloned().collect();
    let mut answered = if asked.is_empty() { Vec::new() } else { put(Engine::Oracle, &asked)? }.into_iter();
    let outcome = |probe: &Probe| match live(probe) {
        true => answered.next().context("an answer for each probe")?,
        false => read_golden(&golden_folder(), probe),
    };
    Ok(probes.iter().map(outcome).collect())
}

fn ours(probes: &[Probe]) -> Result<Vec<Result<Outcome>>> {
    let outcomes = put(Engine::Sluice, probes)?;
    if let Some(folder) = env::var_os("SLUICE_ANSWERS").map(PathBuf::from) {
        for (probe, outcome) in probes.iter().zip(&outcomes) {
            if let Ok(outcome) = outcome {
                write_golden(&folder, probe, outcome)?;
            }
        }
    }
    Ok(outcomes)
}

/// What is wrong with one probe, a line for each step or dump: a difference that no row explains, a row without a difference.
fn compare(probe: &Probe, oracle: Result<Outcome>, ours: Result<Outcome>, known: &Known) -> Vec<String> {
    let compared = oracle.context("the oracle").and_then(|oracle| {
        let ours = ours.context("ours")?;
        let found = differences(&oracle, &ours, &ignored())?;
        Ok((found, ours))
    });
    match compared {
        Err(error) => vec![format!("{}: {error:#}", probe.id)],
        Ok((found, ours)) => {
            let mut wrong: Vec<String> = found.iter().filter_map(|difference| unexplained(difference, known)).collect();
            wrong.extend(settled(&ours, &found, known));
            wrong
        }
    }
}

fn unexplained(difference: &Difference, known: &Known) -> Option<String> {
    let texts = known.unexplained(difference);
    (!texts.is_empty()).then(|| format!("{} {}: {}", difference.id, difference.call, texts.join("; ")))
}

/// Steps that a row lists and that are the same. Dumps are left out: what they catch depends on the moment.
fn settled(ours: &Outcome, found: &[Difference], known: &Known) -> Vec<String> {
    let listed = |id: &str| {
        let message = Difference { id: id.to_owned(), call: String::new(), texts: vec!["$.message: any".to_owned()] };
        known.unexplained(&message).is_empty()
    };
    let same = |id: &str| found.iter().all(|difference| difference.id != id);
    let steps = ours.steps.iter().map(|(id, _, _)| id).filter(|id| listed(id) && same(id));
    steps.map(|id| format!("{id} is the same now: take it out of COMPATIBILITY.md")).collect()
}

fn same_answers(place: impl Fn(Place) -> bool) -> Result<()> {
    let (probes, known) = (chosen(place), known()?);
    let (oracle, ours) = thread::scope(|scope| {
        let oracle = scope.spawn(|| oracle(&probes));
        let ours = scope.spawn(|| ours(&probes));
        let joined = |outcome: thread::Result<_>| outcome.unwrap_or_else(|_| Err(anyhow!("a probe panicked")));
        (joined(oracle.join()), joined(ours.join()))
    });
    let pairs = oracle?.into_iter().zip(ours?);
    let wrong: Vec<String> =
        probes.iter().zip(pairs).flat_map(|(probe, (oracle, ours))| compare(probe, oracle, ours, &known)).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("{} answers are not as COMPATIBILITY.md says:\n{}", wrong.len(), wrong.join("\n"))
}

#[test]
fn a_distributed_worker_answers_as_kafka_connect_does() -> Result<()> {
    same_answers(|place| place == Place::Distributed)
}

#[test]
fn a_standalone_worker_answers_as_kafka_connect_does() -> Result<()> {
    same_answers(|place| place == Place::Standalone)
}

#[test]
fn workers_with_other_properties_answer_as_kafka_connect_does() -> Result<()> {
    same_answers(|place| matches!(place, Place::Configured(_)))
}

#[test]
fn health_tells_of_a_broker_that_is_gone_as_kafka_connect_does() -> Result<()> {
    same_answers(|place| matches!(place, Place::Own(_)))
}
