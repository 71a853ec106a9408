//! The `sluice` binary without its `main`: reads the command line, wires the crates together, and ends with Kafka Connect's exit codes.
//!
//! Called by `main.rs`, and by binaries of tests that need a plugin more ([`main_with`]).

mod args;
mod cluster_id;
mod dev;
mod distributed;
mod logging;
mod mirror_maker;
mod mirror_status;
mod plugins;
mod properties;
mod rest;
mod runtime;
mod signals;
mod standalone;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use sluice_api::ConnectorPlugin;
use sluice_worker::config::providers::redacted;

use args::{Command, Invocation};

/// A run that did not begin, or ended by itself. The number is the exit code that Kafka Connect uses for it.
#[derive(Debug)]
enum Failure {
    /// 1: the command line is wrong, or the herder gave up.
    Herder(anyhow::Error),
    /// 2: the worker could not start.
    Startup(anyhow::Error),
    /// 3: the worker started, but what it was told to run could not be created.
    Connectors(anyhow::Error),
}

/// What the binary does, with these connector classes besides the built-in ones.
#[must_use]
pub fn main_with(further: Vec<Box<dyn ConnectorPlugin>>) -> ExitCode {
    let invocation = Invocation::parse();
    let ended = match invocation.command {
        Command::ConnectDistributed { worker } => distributed::run(&worker, further),
        Command::ConnectStandalone { worker, connectors } => standalone::run(&worker, &connectors, further),
        Command::ConnectMirrorMaker { file, clusters } => mirror_maker::run(&file, &clusters, further),
        Command::Mirror { question } => mirror_status::run(&question),
        Command::Dev(options) => dev::run(options, further),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Invocation::command(), "sluice", &mut std::io::stdout());
            Ok(())
        }
    };
    let (code, error) = match ended {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Herder(error)) => (1, error),
        Err(Failure::Startup(error)) => (2, error),
        Err(Failure::Connectors(error)) => (3, error),
    };
    // Invariant 9: what is wrong may be what a config provider gave.
    eprintln!("sluice: {}", redacted(&format!("{error:#}")));
    ExitCode::from(code)
}
