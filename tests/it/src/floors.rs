//! The floors of the house: a crate uses only crates of lower floors (`package.metadata.sluice.floor`).

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

#[test]
fn no_arrow_points_up() -> Result<()> {
    let floors = floors()?;
    ensure!(floors.len() >= 14, "only {} crates were seen", floors.len());
    let mut upward = Vec::new();
    for (name, (floor, dependencies)) in &floors {
        for dependency in dependencies {
            let Some((below, _)) = floors.get(dependency) else { continue };
            if below >= floor {
                upward.push(format!("{name} (floor {floor}) uses {dependency} (floor {below})"));
            }
        }
    }
    ensure!(upward.is_empty(), "arrows that point up or sideways:\n{}", upward.join("\n"));
    Ok(())
}

#[test]
fn connectors_know_the_contract_alone() -> Result<()> {
    for (name, (_, dependencies)) in floors()?.iter().filter(|(name, _)| name.starts_with("sluice-connector-")) {
        let ours: Vec<&String> = dependencies.iter().filter(|dependency| dependency.starts_with("sluice-")).collect();
        let allowed = |dependency: &str| {
            // Java's key and trust stores are a file format that every connector with TLS reads; they know no worker.
            matches!(dependency, "sluice-api" | "sluice-keystores")
                || (name == "sluice-connector-mirror" && dependency == "sluice-kafka")
                // What JSON and Avro bytes are is said once: objects hold those that the converters write.
                || (name == "sluice-connector-s3" && dependency == "sluice-converters")
        };
        ensure!(ours.iter().all(|dependency| allowed(dependency)), "{name} uses {ours:?}");
    }
    Ok(())
}

/// Crate name to its floor and what it depends on, tests included.
fn floors() -> Result<BTreeMap<String, (u64, Vec<String>)>> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let arguments = ["metadata", "--format-version", "1", "--no-deps", "--offline", "--manifest-path", manifest];
    let output = Command::new(cargo).args(arguments).output().context("running cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("packages")?;
    packages
        .iter()
        .map(|package| {
            let name = package["name"].as_str().context("a name")?.to_owned();
            let floor =
                package["metadata"]["sluice"]["floor"].as_u64().with_context(|| format!("{name} names no floor"))?;
            let dependencies = package["dependencies"].as_array().context("dependencies")?;
            let names = dependencies.iter().filter_map(|dependency| dependency["name"].as_str().map(str::to_owned));
            Ok((name, (floor, names.collect())))
        })
        .collect()
}
