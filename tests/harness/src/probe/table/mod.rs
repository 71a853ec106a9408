//! The probes, in the order of appendix D of the reference, then plugins, cases beside that table, standalone.

mod create;
mod lifecycle;
mod offsets;
mod overrides;
mod plugins;
mod providers;
mod server;
mod standalone;
mod tracking;
mod words;

use super::step::Probe;

/// Every probe.
#[must_use]
pub fn probes() -> Vec<Probe> {
    let mut all = server::probes();
    all.extend(create::probes());
    all.extend(lifecycle::probes());
    all.extend(offsets::probes());
    all.extend(overrides::probes());
    all.extend(plugins::probes());
    all.extend(providers::probes());
    all.extend(tracking::probes());
    all.extend(standalone::probes());
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique() {
        let ids: Vec<&str> = probes().iter().map(|probe| probe.id).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    }

    #[test]
    fn every_probe_of_appendix_d_that_this_issue_names_is_there() {
        let ids: BTreeSet<&str> = probes().iter().map(|probe| probe.id).collect();
        let left_out = [27, 28];
        let wanted = (1..=32).filter(|number| !left_out.contains(number)).map(|number| format!("D{number}"));
        let missing: Vec<String> = wanted.filter(|id| !ids.contains(id.as_str())).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
