//! What a probe consists of.

use crate::rest::Call;

/// The worker that a probe needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A distributed worker that probes share.
    Distributed,
    /// A standalone worker that probes share.
    Standalone,
    /// A distributed worker of the probe's own with these further properties, on the broker that probes share.
    Configured(&'static [(&'static str, &'static str)]),
    /// A distributed worker and a broker of the probe's own, which is started with these broker properties.
    Own(&'static [(&'static str, &'static str)]),
}

/// A sequence of steps with an id (`D5`: appendix D of the reference; `P`: plugins and validation; `S`: standalone;
/// `X`: cases beside that table).
#[derive(Clone, Debug)]
pub struct Probe {
    /// Name of the golden file.
    pub id: &'static str,
    /// What it shows.
    pub about: &'static str,
    /// Where it runs.
    pub place: Place,
    /// The steps. In all texts `{dir}` is the run's temporary folder.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug)]
pub enum Step {
    /// A call whose answer is recorded and compared.
    Ask(Ask),
    /// Waits until a GET answers with this status and a body that contains this text; not recorded.
    Until(String, u16, String),
    /// Waits until the connector and so many tasks are in a state; not recorded.
    State(String, &'static str, usize),
    /// Waits until the status topic has told so often of a key's state since the probe's start: what `GET …/status` shows may
    /// still be the state from before a restart; not recorded.
    Entered(Vec<(String, &'static str, usize)>),
    /// A call that is repeated until it has this status (a rebalance may be under way); not recorded.
    Do(Call, u16),
    /// Writes a file in the temporary folder.
    File(&'static str, &'static str),
    /// Records the three internal topics since the probe's start under a name.
    Dump(&'static str),
    /// `kill -9` of the broker ([`Place::Own`] only).
    KillBroker,
    /// Starts the broker again.
    RestartBroker,
}

/// A recorded call.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The call.
    pub call: Call,
    /// Statuses that are all right when the answer depends on the moment; empty means: exactly the oracle's answer.
    pub racy: &'static [u16],
}

impl From<Call> for Step {
    fn from(call: Call) -> Self {
        Step::Ask(Ask { call, racy: &[] })
    }
}

impl Step {
    /// The answer depends on the moment: these statuses are all right, the body is not compared.
    #[must_use]
    pub fn racy(self, statuses: &'static [u16]) -> Self {
        match self {
            Step::Ask(ask) => Step::Ask(Ask { racy: statuses, ..ask }),
            other => other,
        }
    }
}
