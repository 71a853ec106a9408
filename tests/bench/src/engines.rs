//! The workers under test, all started with the same properties.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use sluice_harness::{Engine, Kafka, Properties, Setup, oracle};

use crate::pipeline::Pipeline;
use crate::plan::Plan;

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Subject {
    /// Apache Kafka Connect.
    Oracle,
    /// Our binary.
    Sluice,
    /// Our binary without default features.
    #[value(skip)]
    SluiceLean,
}

impl Subject {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Subject::Oracle => "Kafka Connect",
            Subject::Sluice => "Sluice",
            Subject::SluiceLean => "Sluice, lean build",
        }
    }

    /// For names of connectors, topics and files.
    pub(crate) const fn slug(self) -> &'static str {
        match self {
            Subject::Oracle => "oracle",
            Subject::Sluice => "sluice",
            Subject::SluiceLean => "lean",
        }
    }
}

/// `-Xmx` of connect-distributed.sh.
const HEAP_MB: u32 = 2048;

/// The rest of what Kafka's start scripts give the JVM. The harness starts Java for tests with the cheap compiler and collector; this
/// variable is read after the command line, so it wins.
const JVM_VARIABLE: &str = "_JAVA_OPTIONS";
pub(crate) const JVM_OPTIONS: &str = "-Xms256M -XX:TieredStopAtLevel=4 -XX:-UseSerialGC -XX:+UseG1GC \
    -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent -Djava.awt.headless=true";

/// Makes workers.
#[derive(Debug)]
pub(crate) struct Engines<'a> {
    kafka: &'a Kafka,
    binary: Option<PathBuf>,
    lean_binary: Option<PathBuf>,
}

impl<'a> Engines<'a> {
    pub(crate) fn new(kafka: &'a Kafka, plan: &Plan) -> Self {
        Engines { kafka, binary: plan.binary.clone(), lean_binary: plan.lean_binary.clone() }
    }

    /// A distributed worker with a group and internal topics of its own, and string converters. The flush interval is that of
    /// Kafka's sample properties.
    pub(crate) fn worker(&self, subject: Subject, pipeline: Pipeline) -> Result<Setup> {
        let setup = self.plain_worker(subject)?;
        if (subject, pipeline) != (Subject::Oracle, Pipeline::Avro) {
            return Ok(setup);
        }
        // Apicurio's jars do not say what they provide, so that Kafka Connect has to look into them.
        let jars = oracle::apicurio_jars()?;
        // A folder of jars is one plugin below a folder of plugins.
        let plugins = jars.parent().context("the folder of Apicurio's jars")?.display().to_string();
        Ok(setup.property("plugin.discovery", "hybrid_warn").property("plugin.path", &plugins))
    }

    /// As [`Engines::worker`], with Debezium's connector for PostgreSQL where that is a plugin.
    pub(crate) fn debezium(&self, subject: Subject) -> Result<Setup> {
        let setup = self.plain_worker(subject)?;
        if subject != Subject::Oracle {
            return Ok(setup);
        }
        let jars = oracle::debezium_jars()?;
        let plugins = jars.parent().context("the folder of Debezium's jars")?.display().to_string();
        Ok(setup.property("plugin.discovery", "hybrid_warn").property("plugin.path", &plugins))
    }

    /// A worker whose clones share its group and topics, and the name of the config topic.
    pub(crate) fn member(&self, subject: Subject) -> Result<(Setup, String)> {
        let properties = self.properties();
        let topic = properties.get("config.storage.topic").context("`config.storage.topic`")?.to_owned();
        Ok((self.setup(subject, &properties)?, topic))
    }

    fn plain_worker(&self, subject: Subject) -> Result<Setup> {
        self.setup(subject, &self.properties())
    }

    fn properties(&self) -> Properties {
        Properties::distributed(self.kafka, "bench").with("offset.flush.interval.ms", "10000")
    }

    fn setup(&self, subject: Subject, properties: &Properties) -> Result<Setup> {
        Ok(match subject {
            Subject::Oracle => {
                Setup::distributed(Engine::Oracle, properties).heap_mb(HEAP_MB).env(JVM_VARIABLE, JVM_OPTIONS)
            }
            Subject::Sluice => {
                let setup = Setup::distributed(Engine::Sluice, properties);
                self.binary.iter().fold(setup, |setup, path| setup.binary(path))
            }
            Subject::SluiceLean => {
                let path = self.lean_binary.as_ref().context("no lean binary was named")?;
                Setup::distributed(Engine::Sluice, properties).binary(path)
            }
        })
    }
}
