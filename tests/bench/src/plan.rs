//! What is to be measured: the command line with its defaults filled in.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Peer};
use crate::engines::Subject;
use crate::pipeline::Pipeline;

/// One thing that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Row {
    /// Lines of a file to a topic.
    Source,
    /// The same records from a topic to a file.
    Sink,
    /// Lines through HoistField, InsertField and JsonConverter with schemas to a topic.
    JsonSource,
    /// Structs in JSON with schemas through Flatten and Cast to a file.
    JsonSink,
    /// Lines through HoistField and AvroConverter to a topic.
    AvroSource,
    /// Structs in Avro to a file.
    AvroSink,
    /// MirrorSource, 100-byte records in batches of 1 MB.
    #[value(name = "mirror-1mb")]
    #[serde(rename = "mirror-1mb")]
    MirrorLargeBatches,
    /// MirrorSource, 100-byte records in the 16 KB batches of a Java producer with its default settings.
    #[value(name = "mirror-16kb")]
    #[serde(rename = "mirror-16kb")]
    MirrorSmallBatches,
    /// MirrorSource, 1,000-byte records in batches of 1 MB.
    #[value(name = "mirror-1000")]
    #[serde(rename = "mirror-1000")]
    MirrorLongRecords,
    /// From the start of the process to its first answers.
    Start,
    /// Memory of a distributed worker without connectors.
    Idle,
    /// The same for the build without default features.
    IdleLean,
    /// Three workers with 1,000 file sources: until all run, at rest, after a death.
    #[value(name = "cluster-1000")]
    #[serde(rename = "cluster-1000")]
    Cluster1000,
    /// The same with 200 file sinks.
    #[value(name = "cluster-200-sinks")]
    #[serde(rename = "cluster-200-sinks")]
    Cluster200Sinks,
    /// A table of PostgreSQL by a snapshot to a topic; Debezium is the peer.
    PostgresSnapshot,
    /// Inserts of one transaction to a topic.
    PostgresTransaction,
    /// Transactions of one update each to a topic.
    PostgresSingle,
    /// What a rebalance costs the leader, up to 100 workers with 100,000 tasks. Needs no server.
    Assignment,
}

impl Row {
    const ALL: &[Row] = &[
        Row::Source,
        Row::Sink,
        Row::JsonSource,
        Row::JsonSink,
        Row::AvroSource,
        Row::AvroSink,
        Row::MirrorLargeBatches,
        Row::MirrorSmallBatches,
        Row::MirrorLongRecords,
        Row::Start,
        Row::Idle,
        Row::IdleLean,
        Row::Cluster1000,
        Row::Cluster200Sinks,
        Row::PostgresSnapshot,
        Row::PostgresTransaction,
        Row::PostgresSingle,
        Row::Assignment,
    ];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Row::Source => "file source",
            Row::Sink => "file sink",
            Row::JsonSource => "file source, JSON",
            Row::JsonSink => "file sink, JSON",
            Row::AvroSource => "file source, Avro",
            Row::AvroSink => "file sink, Avro",
            Row::MirrorLargeBatches => "mirror, 1 MB batches",
            Row::MirrorSmallBatches => "mirror, 16 KB batches",
            Row::MirrorLongRecords => "mirror, 1,000-byte records",
            Row::Start => "start",
            Row::Idle => "idle",
            Row::IdleLean => "idle, lean build",
            Row::Cluster1000 => "cluster, 1,000 sources",
            Row::Cluster200Sinks => "cluster, 200 sinks",
            Row::PostgresSnapshot => "PostgreSQL snapshot",
            Row::PostgresTransaction => "PostgreSQL transaction",
            Row::PostgresSingle => "PostgreSQL single",
            Row::Assignment => "assignment",
        }
    }

    /// What stands between connector and topic, if the row is a file job.
    pub(crate) const fn pipeline(self) -> Option<Pipeline> {
        match self {
            Row::Source | Row::Sink => Some(Pipeline::Plain),
            Row::JsonSource | Row::JsonSink => Some(Pipeline::Json),
            Row::AvroSource | Row::AvroSink => Some(Pipeline::Avro),
            Row::MirrorLargeBatches
            | Row::MirrorSmallBatches
            | Row::MirrorLongRecords
            | Row::Start
            | Row::Idle
            | Row::IdleLean
            | Row::Cluster1000
            | Row::Cluster200Sinks
            | Row::PostgresSnapshot
            | Row::PostgresTransaction
            | Row::PostgresSingle
            | Row::Assignment => None,
        }
    }

    /// Whether the row is measured unless others are named: the cluster rows take half an hour, and not every machine has PostgreSQL.
    const fn is_usual(self) -> bool {
        let needs_postgres = matches!(self, Row::PostgresSnapshot | Row::PostgresTransaction | Row::PostgresSingle);
        !(needs_postgres || matches!(self, Row::Cluster1000 | Row::Cluster200Sinks))
    }

    /// Whom this row measures. The lean row is compared with what the peer showed in the idle row.
    pub(crate) fn subjects(self, chosen: &[Subject]) -> Vec<Subject> {
        match self {
            Row::IdleLean => vec![Subject::SluiceLean],
            Row::Assignment => Vec::new(),
            _ => chosen.to_vec(),
        }
    }
}

/// Everything that a run needs to know.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) records: u64,
    pub(crate) line_bytes: u32,
    pub(crate) runs: u32,
    pub(crate) rows: Vec<Row>,
    pub(crate) subjects: Vec<Subject>,
    pub(crate) binary: Option<PathBuf>,
    pub(crate) lean_binary: Option<PathBuf>,
    pub(crate) json: Option<PathBuf>,
    /// How long a worker is left alone before its idle memory is read.
    pub(crate) settle: Duration,
    /// A size that only shows that it works.
    pub(crate) small: bool,
}

impl Plan {
    pub(crate) fn of(arguments: &Arguments) -> Result<Self> {
        let lean_binary =
            arguments.lean_binary.clone().or_else(|| std::env::var_os("SLUICE_LEAN_BIN").map(PathBuf::from));
        let rows = if arguments.only.is_empty() {
            Row::ALL
                .iter()
                .copied()
                .filter(|row| row.is_usual() && (*row != Row::IdleLean || lean_binary.is_some()))
                .collect()
        } else {
            arguments.only.clone()
        };
        ensure!(
            lean_binary.is_some() || !rows.contains(&Row::IdleLean),
            "the row idle-lean needs --lean-binary PATH: build one with `cargo build --release -p sluice-cli --no-default-features`"
        );
        let small = arguments.small;
        Ok(Plan {
            records: arguments.records.unwrap_or(if small { 5_000 } else { 2_000_000 }),
            line_bytes: arguments.line_bytes,
            runs: arguments.runs.unwrap_or(if small { 1 } else { 3 }),
            rows,
            subjects: subjects(arguments),
            binary: arguments.binary.clone(),
            lean_binary,
            json: arguments.json.clone(),
            settle: Duration::from_secs(if small { 1 } else { 10 }),
            small,
        })
    }
}

fn subjects(arguments: &Arguments) -> Vec<Subject> {
    if !arguments.engines.is_empty() {
        return arguments.engines.clone();
    }
    match (arguments.peer, arguments.small) {
        (Some(Peer::None), _) | (None, true) => vec![Subject::Sluice],
        (Some(Peer::Oracle), _) | (None, false) => vec![Subject::Oracle, Subject::Sluice],
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn plan(line: &str) -> Result<Plan> {
        Plan::of(&Arguments::parse_from(["sluice-bench"].into_iter().chain(line.split_whitespace())))
    }

    #[test]
    fn the_small_size_has_no_peer_unless_asked() {
        assert_eq!(plan("--small").expect("a plan").subjects, [Subject::Sluice]);
        assert_eq!(plan("--small --peer oracle").expect("a plan").subjects, [Subject::Oracle, Subject::Sluice]);
        assert_eq!(plan("--engines oracle").expect("a plan").subjects, [Subject::Oracle]);
    }

    #[test]
    fn the_lean_row_needs_its_binary() {
        let error = plan("--only idle-lean").expect_err("no binary").to_string();
        assert!(error.contains("--lean-binary"), "{error}");
        assert_eq!(plan("--lean-binary x --only idle-lean").expect("a plan").rows, [Row::IdleLean]);
    }
}
