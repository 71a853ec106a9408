//! The golden files: written from Apache Kafka Connect's answers, or compared with the answers of a worker.
//!
//! ```sh
//! cargo run --release -p sluice-harness --bin golden -- [write] [D5 P4 …]   # writes them
//! cargo run --release -p sluice-harness --bin golden -- check [D5 P4 …]     # are they still what Kafka Connect answers?
//! cargo run --release -p sluice-harness --bin golden -- sluice [D5 P4 …]    # does Sluice answer the same?
//! ```

use anyhow::{Result, bail};
use sluice_harness::probe::{Difference, Lab, Probe, differences, golden_folder, probes, read_golden, write_golden};
use sluice_harness::{Engine, Ignore};

fn main() -> Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let verb = match arguments.first().map(String::as_str) {
        Some("write" | "check" | "sluice") => arguments.remove(0),
        _ => "write".to_owned(),
    };
    let engine = if verb == "sluice" { Engine::Sluice } else { Engine::Oracle };
    let mut lab = Lab::open(engine)?;
    let mut failed = Vec::new();
    for probe in chosen(&arguments)? {
        let done = if verb == "write" { write(&mut lab, &probe) } else { compare(&mut lab, &probe) };
        match done {
            Ok(text) => println!("{}: {text}", probe.id),
            Err(error) => {
                println!("{}: FAILED: {error:#}", probe.id);
                failed.push(probe.id);
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("{} failed: {failed:?}", failed.len()) }
}

fn chosen(ids: &[String]) -> Result<Vec<Probe>> {
    let all = probes();
    if let Some(id) = ids.iter().find(|id| all.iter().all(|probe| probe.id != **id)) {
        bail!("no such probe: {id}");
    }
    Ok(all.into_iter().filter(|probe| ids.is_empty() || ids.iter().any(|id| id == probe.id)).collect())
}

fn write(lab: &mut Lab, probe: &Probe) -> Result<String> {
    let outcome = lab.put(probe)?;
    write_golden(&golden_folder(), probe, &outcome)?;
    Ok(format!("{} answers", outcome.steps.len()))
}

fn compare(lab: &mut Lab, probe: &Probe) -> Result<String> {
    let golden = read_golden(&golden_folder(), probe)?;
    let found = differences(&golden, &lab.put(probe)?, &Ignore::usual())?;
    if found.is_empty() {
        return Ok(format!("{} answers, all the same", golden.steps.len()));
    }
    let line = |found: &Difference| format!("\n  {} {}: {}", found.id, found.call, found.texts.join("; "));
    let lines: Vec<String> = found.iter().map(line).collect();
    bail!("{} of {} differ{}", lines.len(), golden.steps.len() + golden.dumps.len(), lines.concat())
}
