//! Short words that the table is written in.

use crate::probe::step::{Place, Probe, Step};
use crate::rest::Call;

pub(super) fn probe(id: &'static str, about: &'static str, steps: Vec<Step>) -> Probe {
    Probe { id, about, place: Place::Distributed, steps }
}

pub(super) fn alone(id: &'static str, about: &'static str, steps: Vec<Step>) -> Probe {
    Probe { id, about, place: Place::Standalone, steps }
}

pub(super) fn configured(
    id: &'static str,
    about: &'static str,
    worker: &'static [(&'static str, &'static str)],
    steps: Vec<Step>,
) -> Probe {
    Probe { id, about, place: Place::Configured(worker), steps }
}

pub(super) fn own(
    id: &'static str,
    about: &'static str,
    broker: &'static [(&'static str, &'static str)],
    steps: Vec<Step>,
) -> Probe {
    Probe { id, about, place: Place::Own(broker), steps }
}

/// A call of any method without a body, recorded.
pub(super) fn ask(method: &str, path: &str) -> Step {
    Call::new(method, path).into()
}

pub(super) fn get(path: &str) -> Step {
    ask("GET", path)
}

pub(super) fn delete(path: &str) -> Step {
    ask("DELETE", path)
}

/// With a JSON body, recorded.
pub(super) fn send(method: &str, path: &str, body: &str) -> Step {
    Call::new(method, path).json(body).into()
}

/// POST /connectors, recorded.
pub(super) fn create(body: &str) -> Step {
    send("POST", "/connectors", body)
}

/// The body of POST /connectors.
pub(super) fn named(name: &str, config: &str) -> String {
    format!("{{\"name\":\"{name}\",\"config\":{config}}}")
}

/// Creates a connector and waits until it and its task run; not recorded.
pub(super) fn running(name: &str, config: &str) -> [Step; 2] {
    [
        Step::Do(Call::new("PUT", &format!("/connectors/{name}/config")).json(config), 201),
        Step::State(name.to_owned(), "RUNNING", 1),
    ]
}

pub(super) fn state(name: &str, state: &'static str, tasks: usize) -> Step {
    Step::State(name.to_owned(), state, tasks)
}

/// The connector and its first task have started so often since the probe's start; not recorded.
pub(super) fn starts(name: &str, instance: usize, task: usize) -> Step {
    let connector = (format!("status-connector-{name}"), "RUNNING", instance);
    Step::Entered(vec![connector, (format!("status-task-{name}-0"), "RUNNING", task)])
}

/// The connector's first task has failed so often since the probe's start; not recorded.
pub(super) fn failed_times(name: &str, times: usize) -> Step {
    Step::Entered(vec![(format!("status-task-{name}-0"), "FAILED", times)])
}

pub(super) fn until(path: &str, status: u16, contains: &str) -> Step {
    Step::Until(path.to_owned(), status, contains.to_owned())
}

/// Not recorded.
pub(super) fn quietly(method: &str, path: &str, status: u16) -> Step {
    Step::Do(Call::new(method, path), status)
}

/// Removes a connector and waits until its status is gone; not recorded.
pub(super) fn removed(name: &str) -> [Step; 2] {
    [quietly("DELETE", &format!("/connectors/{name}"), 204), until(&format!("/connectors/{name}/status"), 404, "")]
}

/// Appends the removal of a connector that the last steps created, once it has a status.
pub(super) fn then_removed(mut steps: Vec<Step>, name: &str) -> Vec<Step> {
    steps.push(until(&format!("/connectors/{name}/status"), 200, ""));
    steps.extend(removed(name));
    steps
}

/// A file source of `{dir}/lines.txt`; `more` are further fields, each with a comma in front.
pub(super) fn source(topic: &str, more: &str) -> String {
    format!(
        "{{\"connector.class\":\"org.apache.kafka.connect.file.FileStreamSourceConnector\",\"tasks.max\":\"1\",\
         \"file\":\"{{dir}}/lines.txt\",\"topic\":\"{topic}\"{more}}}"
    )
}

/// A file sink to `{dir}/out.txt`.
pub(super) fn sink(topics: &str, more: &str) -> String {
    format!(
        "{{\"connector.class\":\"org.apache.kafka.connect.file.FileStreamSinkConnector\",\"tasks.max\":\"1\",\
         \"file\":\"{{dir}}/out.txt\",\"topics\":\"{topics}\"{more}}}"
    )
}

/// Three lines for the source.
pub(super) const LINES: Step = Step::File("lines.txt", "one\ntwo\nthree\n");

/// Joins lists of steps.
pub(super) fn steps<const N: usize>(parts: [Vec<Step>; N]) -> Vec<Step> {
    parts.into_iter().flatten().collect()
}
