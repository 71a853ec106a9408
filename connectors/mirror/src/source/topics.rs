//! Which topics are copied.

use crate::config::SourceConfig;

impl SourceConfig {
    /// Whether a topic of the source is copied: selected, not internal, and not one that comes from the target.
    pub(crate) fn copies(&self, topic: &str) -> bool {
        let policy = &self.flow.policy;
        let is_selected = self.topics.accepts(topic) || (self.copy_heartbeats && policy.is_heartbeats_topic(topic));
        is_selected && !policy.is_internal_topic(topic) && !policy.is_cycle(topic, &self.flow.target)
    }

    /// What it is called on the target.
    pub(crate) fn remote(&self, topic: &str) -> String {
        self.flow.policy.remote_topic(&self.flow.source, topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(further: &[(&str, &str)]) -> SourceConfig {
        let base = [("name", "m"), ("source.cluster.alias", "A"), ("target.cluster.alias", "B")];
        let all = base.iter().chain(further).map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        SourceConfig::parse(&all.collect()).expect("valid")
    }

    #[test]
    fn internal_topics_and_cycles_are_left_out() {
        let config = config(&[]);
        for (topic, copied) in [
            ("t", true),
            ("B.t", false),
            ("C.t", true),
            ("C.B.t", false),
            ("heartbeats", true),
            ("B.heartbeats", false),
            ("mm2-offset-syncs.B.internal", false),
            ("A.checkpoints.internal", false),
            ("__consumer_offsets", false),
        ] {
            assert_eq!(config.copies(topic), copied, "{topic}");
        }
        assert_eq!(config.remote("C.t"), "A.C.t");
    }

    #[test]
    fn heartbeats_come_along_unless_that_is_switched_off() {
        assert!(config(&[("topics", "only")]).copies("heartbeats"));
        let without = config(&[("topics", "only"), ("heartbeats.replication.enabled", "false")]);
        assert!(!without.copies("heartbeats") && without.copies("only"));
    }
}
