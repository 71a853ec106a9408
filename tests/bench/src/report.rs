//! The results: every run with its figures, and what is to be known about the machine. A JSON file on request.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sluice_harness::KAFKA_VERSION;

use crate::assignment::Round;
use crate::engines::Subject;
use crate::plan::{Plan, Row};

/// What a figure says. The names are those of the JSON file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Measure {
    RecordsPerSecond,
    MegabytesPerSecond,
    CpuSecondsPerMillion,
    PeakRssBytes,
    PluginsSeconds,
    HealthSeconds,
    IdleRssBytes,
    Connectors,
    AllRunningSeconds,
    SettleSeconds,
    ClusterRssBytes,
    RestCpuPercent,
}

/// The figures of one run.
pub(crate) type Figures = Vec<(Measure, f64)>;

/// One run of one row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) row: Row,
    pub(crate) subject: Subject,
    pub(crate) run: u32,
    pub(crate) figures: Figures,
}

/// All runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// When, as an HTTP date.
    pub(crate) taken: String,
    pub(crate) machine: String,
    pub(crate) kafka: String,
    pub(crate) java: String,
    pub(crate) records: u64,
    pub(crate) line_bytes: u32,
    pub(crate) runs: u32,
    pub(crate) samples: Vec<Sample>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) assignment: Vec<Round>,
}

impl Report {
    pub(crate) fn new(plan: &Plan) -> Result<Self> {
        Ok(Report {
            taken: httpdate::fmt_http_date(SystemTime::now()),
            machine: machine(),
            kafka: KAFKA_VERSION.to_owned(),
            java: java_version()?,
            records: plan.records,
            line_bytes: plan.line_bytes,
            runs: plan.runs,
            samples: Vec::new(),
            assignment: Vec::new(),
        })
    }

    pub(crate) fn add(&mut self, row: Row, subject: Subject, run: u32, figures: Figures) {
        self.samples.push(Sample { row, subject, run, figures });
    }

    /// The figures of all runs of one row for one subject.
    pub(crate) fn figures(&self, row: Row, subject: Subject, measure: Measure) -> Vec<f64> {
        let samples = self.samples.iter().filter(|sample| sample.row == row && sample.subject == subject);
        let figures = samples.flat_map(|sample| &sample.figures);
        figures.filter(|(found, _)| *found == measure).map(|(_, figure)| *figure).collect()
    }

    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is not a result file of this bench", path.display()))
    }

    pub(crate) fn save(&self, path: Option<&Path>) -> Result<()> {
        let Some(path) = path else { return Ok(()) };
        let text = serde_json::to_string_pretty(self)?;
        fs::write(path, text + "\n").with_context(|| format!("writing {}", path.display()))
    }
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = proc_field("/proc/meminfo", "MemTotal").and_then(|kib| kib.split(' ').next()?.parse::<u64>().ok());
    let memory = memory.map(|kib| format!(", {} GiB", kib.div_ceil(1 << 20))).unwrap_or_default();
    let model = proc_field("/proc/cpuinfo", "model name").map(|model| format!(" ({model})")).unwrap_or_default();
    format!("{cores} cores{model}{memory}")
}

fn proc_field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The version in quotes of the first line of `java -version`.
fn java_version() -> Result<String> {
    let output = Command::new("java").arg("-version").output().context("running `java -version`")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok(said.split('"').nth(1).unwrap_or("of unknown version").to_owned())
}
