//! Golden files: the oracle's answers to one probe.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{Ask, Outcome, Probe, Step};
use crate::rest::{Answer, pretty};

/// `tests/golden` of this checkout.
#[must_use]
pub fn golden_folder() -> PathBuf {
    let here =
        env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    // The harness, the tests and the bench are siblings of the folder.
    here.parent().map_or_else(|| here.join("golden"), |tests| tests.join("golden"))
}

/// The oracle's outcome of one probe as the golden files have it.
///
/// # Errors
/// If a file is missing, or was written for other steps than the probe has now.
pub fn read_golden(folder: &Path, probe: &Probe) -> Result<Outcome> {
    let rest = read(&rest_file(folder, probe))?;
    let asks = probe.steps.iter().filter_map(|step| match step {
        Step::Ask(ask) => Some(ask.clone()),
        _ => None,
    });
    let asks: Vec<_> = asks.collect();
    let steps = rest["steps"].as_array().context("a golden file without steps")?;
    ensure!(
        steps.len() == asks.len(),
        "{} has {} steps, the probe {}: write it anew",
        probe.id,
        steps.len(),
        asks.len()
    );
    let mut outcome = Outcome::default();
    for (step, ask) in steps.iter().zip(asks) {
        let request = format!("{} {}", ask.call.method, ask.call.path);
        ensure!(
            step["request"] == *request,
            "{} is about {}, not {request}: write it anew",
            step["step"],
            step["request"]
        );
        let (id, answer) = answer_of(step)?;
        outcome.steps.push((id, ask, answer));
    }
    for step in &probe.steps {
        if let Step::Dump(name) = step {
            outcome.dumps.push(((*name).to_owned(), read(&dump_file(folder, probe, name))?.to_string()));
        }
    }
    Ok(outcome)
}

/// Writes `rest/ID.json` and, for every dump, `topics/ID-NAME.json`.
pub fn write_golden(folder: &Path, probe: &Probe, outcome: &Outcome) -> Result<()> {
    for name in ["rest", "topics"] {
        fs::create_dir_all(folder.join(name)).context("creating the golden folder")?;
    }
    fs::write(rest_file(folder, probe), pretty(&text(probe, outcome)) + "\n").context("writing a golden file")?;
    for (name, dump) in &outcome.dumps {
        fs::write(dump_file(folder, probe, name), pretty(dump) + "\n").context("writing a dump")?;
    }
    Ok(())
}

fn rest_file(folder: &Path, probe: &Probe) -> PathBuf {
    folder.join("rest").join(format!("{}.json", probe.id))
}

fn dump_file(folder: &Path, probe: &Probe, name: &str) -> PathBuf {
    folder.join("topics").join(format!("{}-{name}.json", probe.id))
}

fn read(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("parsing {}", path.display()))
}

fn answer_of(step: &Value) -> Result<(String, Answer)> {
    let id = step["step"].as_str().context("a step without its id")?.to_owned();
    let status = step["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    let lines = step["headers"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let headers =
        lines.filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned())));
    let body = match step.get("text").and_then(Value::as_str) {
        Some(text) => text.to_owned(),
        None => step.get("json").map(Value::to_string).unwrap_or_default(),
    };
    Ok((id, Answer { status: status.context("a step without its status")?, headers: headers.collect(), body }))
}

/// The file as compact JSON text. Bodies that are JSON go in as they are, so that the order of their fields stays.
fn text(probe: &Probe, outcome: &Outcome) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let steps: Vec<String> = outcome.steps.iter().map(|(id, ask, answer)| step_text(id, ask, answer)).collect();
    format!("{{\"probe\":{},\"about\":{},\"steps\":[{}]}}", quoted(probe.id), quoted(probe.about), steps.join(","))
}

fn step_text(id: &str, ask: &Ask, answer: &Answer) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let mut fields = vec![
        format!("\"step\":{}", quoted(id)),
        format!("\"request\":{}", quoted(&format!("{} {}", ask.call.method, ask.call.path))),
    ];
    let unusual = |(name, value): &&(String, String)| {
        !(matches!(name.as_str(), "Accept" | "Content-Type") && value == "application/json")
    };
    let headers: Vec<String> =
        ask.call.headers.iter().filter(unusual).map(|(name, value)| quoted(&format!("{name}: {value}"))).collect();
    if !headers.is_empty() {
        fields.push(format!("\"request_headers\":[{}]", headers.join(",")));
    }
    if let Some(body) = &ask.call.body {
        fields.push(format!("\"request_body\":{}", quoted(body)));
    }
    if !ask.racy.is_empty() {
        fields.push(format!("\"depends_on_the_moment\":{:?}", ask.racy));
    }
    let headers: Vec<String> = answer.headers.iter().map(|(name, value)| quoted(&format!("{name}: {value}"))).collect();
    fields.push(format!("\"status\":{},\"headers\":[{}]", answer.status, headers.join(",")));
    fields.push(match answer.json() {
        Ok(_) => format!("\"json\":{}", answer.body),
        Err(_) => format!("\"text\":{}", quoted(&answer.body)),
    });
    format!("{{{}}}", fields.join(","))
}
