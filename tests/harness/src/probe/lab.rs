//! The workers and brokers that the probes of one engine run on.

use std::path::Path;

use anyhow::Result;

use super::run::{Outcome, Run, Stage};
use super::step::{Place, Probe};
use crate::kafka::Kafka;
use crate::scratch::Scratch;
use crate::worker::{Engine, Properties, Setup, Worker};

/// A broker, and the workers of one engine on it, each started when a probe first needs it.
///
/// A probe that goes wrong leaves connectors behind: its worker is thrown away, and the next probe gets a new one with a group
/// and internal topics of its own.
#[derive(Debug)]
pub struct Lab {
    engine: Engine,
    // Before the broker: workers end first when the value is dropped.
    distributed: Option<Worker>,
    standalone: Option<(Worker, Scratch)>,
    kafka: Kafka,
}

impl Lab {
    /// Starts the broker. Consumer groups have the names of the probes' connectors, so two engines cannot share one.
    pub fn open(engine: Engine) -> Result<Self> {
        Ok(Lab { engine, distributed: None, standalone: None, kafka: Kafka::start()? })
    }

    /// Puts one probe.
    pub fn put(&mut self, probe: &Probe) -> Result<Outcome> {
        match probe.place {
            Place::Distributed => {
                let outcome = self.put_distributed(probe);
                if outcome.is_err() {
                    self.distributed = None;
                }
                outcome
            }
            Place::Standalone => {
                let outcome = self.put_standalone(probe);
                if outcome.is_err() {
                    self.standalone = None;
                }
                outcome
            }
            Place::Configured(properties) => self.put_configured(probe, properties),
            Place::Own(properties) => self.put_on_own(probe, properties),
        }
    }

    fn put_distributed(&mut self, probe: &Probe) -> Result<Outcome> {
        if self.distributed.is_none() {
            let properties = Properties::distributed(&self.kafka, "probes");
            self.distributed = Some(Setup::distributed(self.engine, &properties).start()?);
        }
        let worker = self.distributed.as_ref().expect("it was just started");
        Run::of(probe, worker, Stage::Shared(&self.kafka))
    }

    fn put_standalone(&mut self, probe: &Probe) -> Result<Outcome> {
        if self.standalone.is_none() {
            let scratch = Scratch::new("standalone")?;
            let properties = Properties::standalone(&self.kafka, &scratch.join("offsets"));
            self.standalone = Some((Setup::standalone::<&Path>(self.engine, &properties, &[]).start()?, scratch));
        }
        let (worker, _) = self.standalone.as_ref().expect("it was just started");
        Run::of(probe, worker, Stage::Shared(&self.kafka))
    }

    fn put_configured(&self, probe: &Probe, more: &[(&str, &str)]) -> Result<Outcome> {
        let properties = Properties::distributed(&self.kafka, "probes");
        let properties = more.iter().fold(properties, |properties, (key, value)| properties.with(key, value));
        let worker = Setup::distributed(self.engine, &properties).start()?;
        Run::of(probe, &worker, Stage::Shared(&self.kafka))
    }

    fn put_on_own(&self, probe: &Probe, broker: &[(&str, &str)]) -> Result<Outcome> {
        let mut kafka = Kafka::start_with(broker)?;
        let worker = Setup::distributed(self.engine, &Properties::distributed(&kafka, "probes")).launch()?;
        Run::of(probe, &worker, Stage::Own(&mut kafka))
    }
}
