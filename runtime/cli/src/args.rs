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
      One process with the connectors of the given files.";

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
