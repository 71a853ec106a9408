//! Folders of jars that an oracle may have behind Kafka's: fetched by Maven once per machine.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::kafka::{cached, copy_dependencies, emptied, maven};

const DEBEZIUM: &str = "3.6.3.Final";
const APICURIO: &str = "2.6.13.Final";

/// The jars of Debezium's PostgreSQL connector, with its transforms.
pub fn debezium_jars() -> Result<PathBuf> {
    let home = cached(&format!("debezium-{DEBEZIUM}"), DEBEZIUM, |home| {
        emptied(&home.join("plugin"))?;
        let artifact = format!("-Dartifact=io.debezium:debezium-connector-postgres:{DEBEZIUM}:tar.gz:plugin");
        maven(&["dependency:copy", &artifact, &format!("-DoutputDirectory={}", home.display())])?;
        let archive = home.join(format!("debezium-connector-postgres-{DEBEZIUM}-plugin.tar.gz"));
        let unpacked =
            Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(home.join("plugin")).output().context("tar")?;
        ensure!(unpacked.status.success(), "tar -xzf {}: {}", archive.display(), unpacked.status);
        Ok(())
    })?;
    Ok(home.join("plugin/debezium-connector-postgres"))
}

/// The jars of Apicurio's converters for Kafka Connect with what they need, without Kafka's own.
pub fn apicurio_jars() -> Result<PathBuf> {
    let pom = format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\">
  <modelVersion>4.0.0</modelVersion>
  <groupId>sluice.tests</groupId><artifactId>apicurio-oracle</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies><dependency>
    <groupId>io.apicurio</groupId><artifactId>apicurio-registry-utils-converter</artifactId><version>{APICURIO}</version>
  </dependency></dependencies>
</project>\n"
    );
    let home = cached(&format!("apicurio-converter-{APICURIO}"), &pom, |home| {
        copy_dependencies(&pom, &["-DexcludeGroupIds=org.apache.kafka"], home)
    })?;
    Ok(home.join("lib"))
}
