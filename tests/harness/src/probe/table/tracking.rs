//! The topics that a connector uses (KIP-558), where noting them or forgetting them is switched off.

use super::words::{LINES, ask, configured, get, running, source, steps, then_removed, until};
use crate::probe::step::{Probe, Step};

pub(super) fn probes() -> Vec<Probe> {
    vec![
        configured("X8", "topic tracking switched off", &[("topic.tracking.enable", "false")], topics("x8", false)),
        configured(
            "X9",
            "topic tracking without resets",
            &[("topic.tracking.allow.reset", "false")],
            topics("x9", true),
        ),
    ]
}

fn topics(name: &str, tracked: bool) -> Vec<Step> {
    let path = format!("/connectors/{name}/topics");
    let asked = vec![
        get(&path),
        ask("PUT", &format!("{path}/reset")),
        get("/connectors/nobody/topics"),
        ask("PUT", "/connectors/nobody/topics/reset"),
        Step::Dump("used"),
    ];
    let noted = if tracked { vec![until(&path, 200, &format!("\"{name}\"]"))] } else { Vec::new() };
    steps([
        vec![LINES],
        running(name, &source(name, "")).into(),
        vec![until(&format!("/connectors/{name}/offsets"), 200, "position")],
        noted,
        then_removed(asked, name),
    ])
}
