//! Confluent's client for Python, in a virtual environment of its own, installed once per machine.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::kafka::{cached, emptied, needs};

/// What is installed.
pub const PYTHON_CLIENT: &str = "confluent-kafka[avro,protobuf,json]==2.16.0";

/// Runs a Python script with Confluent's client and gives what it printed.
///
/// # Errors
/// When Python or its package for virtual environments is missing, or the script failed; its stderr is in the error.
pub fn python(script: &str, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>> {
    python_with("confluent-kafka", &[PYTHON_CLIENT], script, arguments, input)
}

/// As [`python`], with these packages in an environment of that name.
///
/// # Errors
/// As for [`python`].
pub fn python_with(name: &str, packages: &[&str], script: &str, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>> {
    needs("python3", "--version", "python3")?;
    let home = cached(&format!("python-{name}"), &packages.join(" "), |home| {
        let venv = home.join("venv");
        emptied(&venv)?;
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv), "python3 -m venv (Debian package python3-venv)")?;
        run(
            Command::new(venv.join("bin/pip")).args(["install", "-q", "--disable-pip-version-check"]).args(packages),
            "pip install",
        )
    })?;
    let mut child = Command::new(home.join("venv/bin/python"))
        .args(["-c", script])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("starting python")?;
    let mut stdin = child.stdin.take().context("python's stdin")?;
    let input = input.to_vec();
    // From a thread of its own: a script may answer before it has read everything.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().context("waiting for python")?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "python: {}\n{stderr}", output.status);
    let written = writer.join().map_err(|_| anyhow::anyhow!("the thread that writes to python panicked"))?;
    written.context("writing to python")?;
    Ok(output.stdout)
}

fn run(command: &mut Command, what: &str) -> Result<()> {
    let output = command.output().with_context(|| format!("running {what}"))?;
    ensure!(output.status.success(), "{what}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    Ok(())
}
