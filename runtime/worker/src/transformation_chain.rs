//! The transformations of one task, in their order, each with its predicate.
//!
//! The source and the sink task own one each; records go through it between connector and converter.

use sluice_api::{ConnectError, Predicate, SinkRecord, SourceRecord, Transformation};
use sluice_plugins::Registry;

use crate::config::{PredicateConfig, TransformConfig};

/// A transformation as it was configured.
pub(crate) struct Step {
    /// The class, for error reports.
    pub(crate) class: String,
    transformation: Box<dyn Transformation>,
    predicate: Option<Condition>,
}

struct Condition {
    predicate: Box<dyn Predicate>,
    negate: bool,
}

/// The transformations of `transforms`, in order.
#[derive(Default)]
pub(crate) struct TransformationChain {
    pub(crate) steps: Vec<Step>,
}

impl TransformationChain {
    /// The chain that a connector's config asks for.
    pub(crate) fn new(transforms: &[TransformConfig], registry: &Registry) -> Result<Self, ConnectError> {
        let steps = transforms.iter().map(|transform| step(transform, registry)).collect::<Result<_, _>>()?;
        Ok(Self { steps })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

impl Step {
    /// The record to go on with, `None` when it was dropped.
    pub(crate) fn apply_source(&mut self, record: SourceRecord) -> Result<Option<SourceRecord>, ConnectError> {
        if let Some(condition) = &mut self.predicate
            && condition.predicate.test_source(&record)? == condition.negate
        {
            return Ok(Some(record));
        }
        self.transformation.apply_source(record)
    }

    /// As [`Step::apply_source`].
    pub(crate) fn apply_sink(&mut self, record: SinkRecord) -> Result<Option<SinkRecord>, ConnectError> {
        if let Some(condition) = &mut self.predicate
            && condition.predicate.test_sink(&record)? == condition.negate
        {
            return Ok(Some(record));
        }
        self.transformation.apply_sink(record)
    }
}

fn step(config: &TransformConfig, registry: &Registry) -> Result<Step, ConnectError> {
    let TransformConfig { alias, class, properties, predicate } = config;
    let unknown = || ConnectError::config(format!("`transforms.{alias}.type`: no transformation is called {class}"));
    let plugin = registry.transformation(class).ok_or_else(unknown)?;
    let predicate =
        predicate.as_ref().map(|(predicate, negate)| condition(predicate, *negate, registry)).transpose()?;
    Ok(Step { class: plugin.class().to_owned(), transformation: plugin.create(properties)?, predicate })
}

fn condition(config: &PredicateConfig, negate: bool, registry: &Registry) -> Result<Condition, ConnectError> {
    let PredicateConfig { alias, class, properties } = config;
    let unknown = || ConnectError::config(format!("`predicates.{alias}.type`: no predicate is called {class}"));
    let plugin = registry.predicate(class).ok_or_else(unknown)?;
    Ok(Condition { predicate: plugin.create(properties)?, negate })
}
