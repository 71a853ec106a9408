//! The `sluice` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    sluice_cli::main_with(Vec::new())
}
