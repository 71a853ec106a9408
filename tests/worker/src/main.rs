//! The worker with connectors that only tests want: a source of several tasks whose records say who wrote them.
//!
//! Started by the harness in place of `sluice`; the connectors know `sluice-api` alone, as any connector does.

mod counter;

use std::process::ExitCode;

fn main() -> ExitCode {
    sluice_cli::main_with(vec![Box::new(counter::CounterPlugin)])
}
