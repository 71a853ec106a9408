//! Programs in Go, built once per machine into the cache.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::kafka::{cached, needs};

/// What the programs need at least, and what is fetched where the machine's Go is older (Debian 12 has 1.19).
const GO: (u32, &str) = (25, "1.25.0");

/// The program `name` of `package@version`.
pub(super) fn program(name: &str, package: &str, version: &str) -> Result<PathBuf> {
    needs("go", "version", "golang-go")?;
    let home = cached(&format!("{name}-{version}"), version, |home| {
        let go = new_enough_go(home)?;
        let mut command = Command::new(go);
        command.env("GOBIN", home).env("GOTOOLCHAIN", "local").env("GOFLAGS", "-trimpath");
        run(command.args(["install", "-ldflags", "-s -w", &format!("{package}@{version}")]).current_dir(home)).map(drop)
    })?;
    Ok(home.join(name))
}

/// The machine's Go, or a newer one: toolchains are modules, which any Go fetches and verifies.
fn new_enough_go(home: &Path) -> Result<PathBuf> {
    let said = run(Command::new("go").arg("version"))?;
    let minor =
        said.split("go1.").nth(1).and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok());
    if minor.is_some_and(|minor: u32| minor >= GO.0) {
        return Ok("go".into());
    }
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => bail!("Go {} is not fetched for {other}: install it by hand", GO.1),
    };
    let module = format!("golang.org/toolchain@v0.0.1-go{}.linux-{arch}", GO.1);
    let answer = run(Command::new("go").args(["mod", "download", "-json", &module]).current_dir(home))?;
    let folder =
        serde_json::from_str::<Value>(&answer)?["Dir"].as_str().context("no folder of the toolchain")?.to_owned();
    // Modules have no executable files.
    for programs in ["bin", &format!("pkg/tool/linux_{arch}")] {
        let Ok(entries) = fs::read_dir(Path::new(&folder).join(programs)) else { continue };
        for entry in entries.flatten() {
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o755)).context("making Go executable")?;
        }
    }
    Ok(Path::new(&folder).join("bin/go"))
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("running {command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
