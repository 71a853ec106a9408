//! Puts a probe to a worker.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::dump::{InternalTopics, Marks};
use super::masks::Masks;
use super::step::{Ask, Probe, Step};
use crate::kafka::Kafka;
use crate::rest::{Answer, Call, Rest};
use crate::scratch::Scratch;
use crate::wait::{Seen, wait_until};
use crate::worker::{Engine, Worker};

/// For one awaited condition. A JVM on a busy machine gets its time.
const fn deadline(engine: Engine) -> Duration {
    match engine {
        Engine::Oracle => Duration::from_secs(120),
        Engine::Sluice => Duration::from_secs(40),
    }
}

/// The recorded answers and dumps of one probe, masked.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Step id (`D5.1`), the call as the table has it, the answer.
    pub steps: Vec<(String, Ask, Answer)>,
    /// Dumps of the internal topics by name, as JSON text.
    pub dumps: Vec<(String, String)>,
}

/// The broker that a probe runs on.
#[derive(Debug)]
pub enum Stage<'a> {
    /// Shared: it is not to be killed.
    Shared(&'a Kafka),
    /// The probe's own.
    Own(&'a mut Kafka),
}

impl Stage<'_> {
    const fn kafka(&self) -> &Kafka {
        match self {
            Stage::Shared(kafka) => kafka,
            Stage::Own(kafka) => kafka,
        }
    }

    fn own(&mut self) -> Result<&mut Kafka> {
        match self {
            Stage::Shared(_) => bail!("a probe that kills its broker needs one of its own"),
            Stage::Own(kafka) => Ok(kafka),
        }
    }
}

/// One probe being put to one worker.
#[derive(Debug)]
pub struct Run<'a> {
    rest: &'a Rest,
    deadline: Duration,
    stage: Stage<'a>,
    topics: Option<(InternalTopics, Marks)>,
    scratch: Scratch,
    masks: Masks,
    outcome: Outcome,
}

impl<'a> Run<'a> {
    /// Runs all steps; the error names the step that went wrong.
    pub fn of(probe: &Probe, worker: &'a Worker, stage: Stage<'a>) -> Result<Outcome> {
        let scratch = Scratch::new("probe")?;
        let masks = Masks::new(worker.id(), &scratch.path().display().to_string());
        // Only a probe that looks into the topics needs to know where they end: a standalone worker has none.
        let topics = if probe.steps.iter().any(|step| matches!(step, Step::Dump(_) | Step::Entered(_))) {
            let topics = InternalTopics::of(stage.kafka(), worker.properties())?;
            let marks = topics.marks()?;
            Some((topics, marks))
        } else {
            None
        };
        let deadline = deadline(worker.engine());
        let mut run = Run { rest: worker.rest(), deadline, stage, topics, scratch, masks, outcome: Outcome::default() };
        for (index, step) in probe.steps.iter().enumerate() {
            run.step(probe.id, step).with_context(|| format!("probe {}, entry {}", probe.id, index + 1))?;
        }
        Ok(run.outcome)
    }

    fn step(&mut self, probe: &str, step: &Step) -> Result<()> {
        match step {
            Step::Ask(ask) => self.ask(probe, ask),
            Step::Until(path, status, contains) => self.until(path, *status, contains),
            Step::State(name, state, tasks) => self.rest.wait_state(name, state, *tasks, self.deadline).map(drop),
            Step::Entered(wanted) => self.entered(wanted),
            Step::Do(call, status) => self.call_until(call, *status),
            Step::File(name, contents) => {
                fs::write(self.scratch.join(Path::new(name)), contents).context("writing a file")
            }
            Step::Dump(name) => self.dump(name),
            Step::KillBroker => self.stage.own()?.kill9(),
            Step::RestartBroker => self.stage.own()?.restart(),
        }
    }

    fn ask(&mut self, probe: &str, ask: &Ask) -> Result<()> {
        let call = self.filled(&ask.call);
        let what = format!("{} {} to be answered outside a rebalance", call.method, call.path);
        let answer = wait_until(&what, self.deadline, || match self.rest.send(&call) {
            Ok(answer) if passing(&answer) => Seen::NotYet(answer.body),
            other => Seen::Met(other),
        })??;
        let id = format!("{probe}.{}", self.outcome.steps.len() + 1);
        self.outcome.steps.push((id, ask.clone(), self.masks.answer(&answer)));
        Ok(())
    }

    fn until(&self, path: &str, status: u16, contains: &str) -> Result<()> {
        let (path, contains) = (self.fill(path), self.fill(contains));
        wait_until(&format!("GET {path} to be {status} with `{contains}`"), self.deadline, || {
            match self.rest.get(&path) {
                Ok(answer) if answer.status == status && answer.body.contains(&contains) => Seen::Met(()),
                Ok(answer) => Seen::NotYet(format!("{} {}", answer.status, answer.body)),
                Err(error) => Seen::NotYet(format!("{error:#}")),
            }
        })
    }

    fn entered(&self, wanted: &[(String, &'static str, usize)]) -> Result<()> {
        let (topics, marks) = self.topics.as_ref().context("the run has no internal topics")?;
        wait_until(&format!("{wanted:?} in the status topic"), self.deadline, || {
            for (key, state, times) in wanted {
                let seen = topics.entered(marks, key, state)?;
                ensure!(seen >= *times, "{key} was {state} {seen} times");
            }
            Ok(())
        })
    }

    fn call_until(&self, call: &Call, status: u16) -> Result<()> {
        let call = self.filled(call);
        wait_until(&format!("{} {} to be {status}", call.method, call.path), self.deadline, || {
            self.rest.send(&call).and_then(|answer| answer.expect(status)).map(drop)
        })
    }

    fn dump(&mut self, name: &str) -> Result<()> {
        let (topics, marks) = self.topics.as_ref().context("the run has no internal topics")?;
        self.outcome.dumps.push((name.to_owned(), topics.dump(marks, &self.masks)?));
        Ok(())
    }

    fn filled(&self, call: &Call) -> Call {
        let mut call = call.clone();
        call.path = self.fill(&call.path);
        call.body = call.body.map(|body| self.fill(&body));
        call
    }

    fn fill(&self, text: &str) -> String {
        text.replace("{dir}", &self.scratch.path().display().to_string())
    }
}

/// Answers that only say that a rebalance is under way: the same call gets its real answer a moment later.
fn passing(answer: &Answer) -> bool {
    let texts = [
        "because a rebalance is expected",
        "momentarily due to stale configuration",
        "because of a conflicting operation (e.g. worker rebalance)",
        "because its tasks haven't stopped completely yet",
    ];
    matches!(answer.status, 409 | 500) && texts.iter().any(|text| answer.body.contains(text))
}
