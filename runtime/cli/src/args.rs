//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

const EXAMPLES: &str = "\
Examples:
  sluice dev
      A worker on an embedded broker, ready in a second; prints two curl lines to try it.
  sluice connect-distributed config/connect-distributed.properties
      A worker of a Connect group, with the properties file that Kafka Connect takes.
  sluice connect-standalone config/connect-standalone.properties config/connectors/file-source.json
      One process with the connectors of the given files.
  sluice connect-mirror-maker config/connect-mirror-maker.properties
      Mirrors clusters, with the properties file that Kafka's MirrorMaker 2 takes.";

const FAILOVER_EXAMPLES: &str = "\
Examples:
  sluice mirror failover-check mm2.properties
      One line per group and partition: what it has committed, where it goes on, what it reads twice.
  sluice mirror failover-check mm2.properties --clusters B --json

A walk to B and back, with sync.group.offsets.enabled = true on both flows:
  1. Stop the producers and consumers at A, when A still answers; `sluice mirror status` shows when everything is copied.
  2. sluice mirror failover-check mm2.properties --clusters B
  3. Start the consumers at B on A.TOPIC and TOPIC, the producers at B on TOPIC.
  4. The way back is the same from B to A: B->A copies TOPIC of B as B.TOPIC; check with --clusters A.";

const MIRROR_EXAMPLES: &str = "\
Examples:
  sluice connect-mirror-maker mm2.properties
      Runs every flow of the file, for instance of this one:
        clusters = A, B
        A.bootstrap.servers = a1:9092
        B.bootstrap.servers = b1:9092
        A->B.enabled = true
        A->B.topics = orders.*
  sluice connect-mirror-maker mm2.properties --clusters B
      Only the flows to B. With dedicated.mode.enable.internal.rest = true, several such nodes share the work.";

/// A Kafka Connect worker as one native binary.
#[derive(Debug, Parser)]
#[command(name = "sluice", version, about, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Invocation {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a worker of a Connect group; connectors come over REST.
    #[command(after_help = "Example:\n  sluice connect-distributed config/connect-distributed.properties")]
    ConnectDistributed {
        /// Worker properties, as for Kafka's connect-distributed.sh.
        #[arg(value_name = "WORKER.PROPERTIES")]
        worker: PathBuf,
    },
    /// Run one worker with the connectors of the given files.
    #[command(
        after_help = "Example:\n  sluice connect-standalone config/connect-standalone.properties config/connectors/file-source.json"
    )]
    ConnectStandalone {
        /// Worker properties, as for Kafka's connect-standalone.sh.
        #[arg(value_name = "WORKER.PROPERTIES")]
        worker: PathBuf,
        /// Connectors to create: .properties, or JSON as for POST /connectors, or JSON of the config alone.
        #[arg(value_name = "CONNECTOR.PROPERTIES|CONNECTOR.JSON")]
        connectors: Vec<PathBuf>,
    },
    /// Mirror clusters: all flows of a MirrorMaker 2 properties file, without any Connect cluster.
    #[command(after_help = MIRROR_EXAMPLES)]
    ConnectMirrorMaker {
        /// Properties, as for Kafka's connect-mirror-maker.sh.
        #[arg(value_name = "MM2.PROPERTIES")]
        file: PathBuf,
        /// Only flows to these clusters; the node belongs near them. All unless given.
        #[arg(long, value_name = "ALIAS", num_args = 1..)]
        clusters: Vec<String>,
    },
    /// Look at the flows of a MirrorMaker 2 properties file.
    Mirror {
        #[command(subcommand)]
        question: MirrorQuestion,
    },
    /// Run a worker on an embedded single-node broker, to try things out.
    #[command(
        after_help = "Examples:\n  sluice dev\n  sluice dev --data-dir /tmp/sluice --port 8084\n  sluice dev --bootstrap-servers localhost:9092   (a real Kafka instead of the embedded broker)"
    )]
    Dev(DevOptions),
    /// Print a completion script for a shell.
    #[command(after_help = "Example:\n  sluice completions bash > /etc/bash_completion.d/sluice")]
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum MirrorQuestion {
    /// How far each partition is copied.
    #[command(after_help = "Example:\n  sluice mirror status mm2.properties")]
    Status(MirrorFile),
    /// Where each consumer group would go on if the target took over now; ends with 1 when one of them must not be moved.
    #[command(after_help = FAILOVER_EXAMPLES)]
    FailoverCheck(MirrorFile),
}

#[derive(Debug, Args)]
pub(crate) struct MirrorFile {
    /// Properties, as for connect-mirror-maker.
    #[arg(value_name = "MM2.PROPERTIES")]
    pub(crate) file: PathBuf,
    /// Only flows to these clusters.
    #[arg(long, value_name = "ALIAS", num_args = 1..)]
    pub(crate) clusters: Vec<String>,
    /// Prints JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DevOptions {
    /// Where the embedded broker keeps topics; they survive restarts.
    #[arg(long, value_name = "DIR", default_value = "sluice-data")]
    pub(crate) data_dir: PathBuf,
    /// The port of the REST API.
    #[arg(long, default_value_t = 8083)]
    pub(crate) port: u16,
    /// The port of the embedded broker; any free one unless given.
    #[arg(long, value_name = "PORT")]
    pub(crate) broker_port: Option<u16>,
    /// Use this Kafka instead of the embedded broker.
    #[arg(long, value_name = "HOST:PORT,...")]
    pub(crate) bootstrap_servers: Option<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Invocation::command().debug_assert();
    }
}
