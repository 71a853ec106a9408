//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::engines::Subject;
use crate::plan::Row;

const EXAMPLES: &str = "\
Examples:
  sluice-bench --json bench.json
      Everything at full size, both engines, three runs each: six to eight minutes on two cores.
  sluice-bench --only source,sink --records 300000 --peer none
      The two file jobs at a smaller size, without Kafka Connect.
  sluice-bench --only idle,idle-lean --lean-binary target/lean/release/sluice
      Idle memory of the default build and of one without default features.
  sluice-bench --only cluster-1000,cluster-200-sinks --runs 1
      Three workers of each engine with 1,000 sources, then with 200 sinks; only when asked for.
  sluice-bench --only assignment --runs 5
      What a rebalance costs the leader of the group, up to 100 workers with 100,000 tasks; starts no server.
  sluice-bench --small
      A few thousand records through our worker only, to see that it works: what CI runs.
  sluice-bench --table bench.json
      The table of an earlier run again.

Needs Java 17 and Maven. The table goes to standard output, progress to standard error.";

/// Measures Sluice and Apache Kafka Connect side by side.
#[derive(Debug, Parser)]
#[command(name = "sluice-bench", version, about, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Records of the file jobs [default: 2000000; with --small 5000].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) records: Option<u64>,
    /// Bytes of a record's value.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(16..=500_000))]
    pub(crate) line_bytes: u32,
    /// The rows to measure [default: all that can be].
    #[arg(long, value_name = "ROW", value_delimiter = ',')]
    pub(crate) only: Vec<Row>,
    /// Runs of each row: the table shows the median and the range [default: 3; with --small 1].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) runs: Option<u32>,
    /// A small size, and no peer unless --peer or --engines says so.
    #[arg(long)]
    pub(crate) small: bool,
    /// Whom to compare with.
    #[arg(long, value_enum)]
    pub(crate) peer: Option<Peer>,
    /// Exactly these engines.
    #[arg(long, value_name = "ENGINE", value_delimiter = ',', conflicts_with = "peer")]
    pub(crate) engines: Vec<Subject>,
    /// The `sluice` binary [default: $SLUICE_BIN, or the one beside this program].
    #[arg(long, value_name = "PATH")]
    pub(crate) binary: Option<PathBuf>,
    /// A `sluice` binary without default features, for the row idle-lean [default: $SLUICE_LEAN_BIN].
    #[arg(long, value_name = "PATH")]
    pub(crate) lean_binary: Option<PathBuf>,
    /// Writes the results to a file, after every run.
    #[arg(long, value_name = "PATH")]
    pub(crate) json: Option<PathBuf>,
    /// Measures nothing: prints the table of a file that --json wrote.
    #[arg(long, value_name = "PATH")]
    pub(crate) table: Option<PathBuf>,
}

/// Whom to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Peer {
    /// Apache Kafka Connect.
    Oracle,
    /// Nobody.
    None,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
