//! How topics are called on the other side (`ReplicationPolicy`; connect-plugins.md 4.1).

use sluice_api::Properties;

/// `replication.policy.class` of the default policy.
pub(crate) const DEFAULT_CLASS: &str = "org.apache.kafka.connect.mirror.DefaultReplicationPolicy";
/// `replication.policy.class` of the policy without renaming.
pub(crate) const IDENTITY_CLASS: &str = "org.apache.kafka.connect.mirror.IdentityReplicationPolicy";
/// What separates a cluster's alias from a topic's name.
pub(crate) const SEPARATOR: &str = "replication.policy.separator";
/// Whether internal topics have that separator too.
pub(crate) const INTERNAL_SEPARATOR: &str = "replication.policy.internal.topic.separator.enabled";

const HEARTBEATS: &str = "heartbeats";

/// Names of topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReplicationPolicy {
    separator: String,
    internal_separator: String,
    /// Set for the identity policy: the alias of the source, where every topic then comes from.
    identity: Option<String>,
}

impl ReplicationPolicy {
    /// The policy that `properties` ask for. The class was validated before; any other than the identity is the default.
    pub(crate) fn of(properties: &Properties) -> Self {
        let get = |key: &str| properties.get(key).map(String::as_str);
        let separator = get(SEPARATOR).unwrap_or(".").to_owned();
        // Kafka looks at this key only when there is a separator to be told apart from.
        let own = get(SEPARATOR).is_some()
            && get(INTERNAL_SEPARATOR).is_some_and(|flag| flag.trim().eq_ignore_ascii_case("false"));
        let internal_separator = if own { ".".to_owned() } else { separator.clone() };
        let identity = is_identity(get("replication.policy.class").unwrap_or_default())
            .then(|| get("source.cluster.alias").unwrap_or_default().to_owned());
        Self { separator, internal_separator, identity }
    }

    /// What a topic of the cluster `source` is called on the target.
    pub(crate) fn remote_topic(&self, source: &str, topic: &str) -> String {
        match &self.identity {
            Some(_) if !topic.ends_with(HEARTBEATS) => topic.to_owned(),
            _ => format!("{source}{}{topic}", self.separator),
        }
    }

    /// The cluster that a topic was copied from, by its name; `None` for one that is at home here.
    pub(crate) fn topic_source<'a>(&'a self, topic: &'a str) -> Option<&'a str> {
        match &self.identity {
            Some(alias) if !topic.ends_with(HEARTBEATS) => Some(alias),
            _ => self.split(topic).map(|(source, _)| source),
        }
    }

    /// What the topic is called where it was copied from.
    pub(crate) fn upstream_topic<'a>(&'a self, topic: &'a str) -> Option<&'a str> {
        match &self.identity {
            Some(_) if !topic.ends_with(HEARTBEATS) => Some(topic),
            _ => self.split(topic).map(|(_, upstream)| upstream),
        }
    }

    /// What the topic is called where it is at home.
    pub(crate) fn original_topic<'a>(&'a self, mut topic: &'a str) -> &'a str {
        while let Some(upstream) = self.upstream_topic(topic).filter(|upstream| *upstream != topic) {
            topic = upstream;
        }
        topic
    }

    /// The topic with heartbeats.
    pub(crate) fn heartbeats_topic(&self) -> &'static str {
        HEARTBEATS
    }

    /// The topic with offset syncs, by the alias of the cluster at the other end.
    pub(crate) fn offset_syncs_topic(&self, alias: &str) -> String {
        let separator = &self.internal_separator;
        format!("mm2-offset-syncs{separator}{alias}{separator}internal")
    }

    /// The topic with offset ranges, by the alias of the cluster at the other end.
    pub(crate) fn offset_ranges_topic(&self, alias: &str) -> String {
        let separator = &self.internal_separator;
        format!("mm2-offset-ranges{separator}{alias}{separator}internal")
    }

    /// The topic with checkpoints of groups of the cluster `alias`.
    pub(crate) fn checkpoints_topic(&self, alias: &str) -> String {
        let separator = &self.internal_separator;
        format!("{alias}{separator}checkpoints{separator}internal")
    }

    /// Whether it has heartbeats, its own or copied ones.
    pub(crate) fn is_heartbeats_topic(&self, topic: &str) -> bool {
        self.original_topic(topic) == HEARTBEATS
    }

    /// Whether it belongs to Kafka, to Connect or to the mirror.
    pub(crate) fn is_internal_topic(&self, topic: &str) -> bool {
        topic.ends_with(&format!("{}internal", self.internal_separator))
            || topic.starts_with("__")
            || topic.starts_with('.')
            || topic.ends_with("-internal")
            || topic.ends_with(".internal")
    }

    /// Whether copying `topic` to the cluster `target` would bring records back to where they come from.
    pub(crate) fn is_cycle<'a>(&'a self, mut topic: &'a str, target: &str) -> bool {
        loop {
            match self.topic_source(topic) {
                None => return false,
                Some(source) if source == target => return true,
                Some(_) => match self.upstream_topic(topic).filter(|upstream| *upstream != topic) {
                    None => return false,
                    Some(upstream) => topic = upstream,
                },
            }
        }
    }

    /// Source and the rest. As Java splits: parts without text at the end do not count, so `A.` has no source.
    fn split<'a>(&self, topic: &'a str) -> Option<(&'a str, &'a str)> {
        if self.separator.is_empty() {
            return None;
        }
        let (source, upstream) = topic.split_once(&self.separator)?;
        let has_more = upstream.split(&self.separator).any(|part| !part.is_empty());
        has_more.then_some((source, upstream))
    }
}

/// Whether a class name is that of the identity policy, also without its package.
pub(crate) fn is_identity(class: &str) -> bool {
    let class = class.trim();
    class == IDENTITY_CLASS || class == "IdentityReplicationPolicy"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(properties: &[(&str, &str)]) -> ReplicationPolicy {
        ReplicationPolicy::of(&properties.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn the_default_policy_puts_the_alias_in_front() {
        let policy = policy(&[]);
        assert_eq!(policy.remote_topic("A", "t"), "A.t");
        for (topic, source, upstream, original) in [
            ("t", None, None, "t"),
            ("A.t", Some("A"), Some("t"), "t"),
            ("B.A.t", Some("B"), Some("A.t"), "t"),
            ("A.", None, None, "A."),
            ("A..", None, None, "A.."),
            (".x", Some(""), Some("x"), "x"),
        ] {
            assert_eq!(policy.topic_source(topic), source, "{topic}");
            assert_eq!(policy.upstream_topic(topic), upstream, "{topic}");
            assert_eq!(policy.original_topic(topic), original, "{topic}");
        }
        assert_eq!(policy.offset_syncs_topic("B"), "mm2-offset-syncs.B.internal");
        assert_eq!(policy.checkpoints_topic("A"), "A.checkpoints.internal");
        assert!(policy.is_heartbeats_topic("B.A.heartbeats"));
    }

    #[test]
    fn internal_topics_may_keep_the_dot() {
        let all = policy(&[(SEPARATOR, "__")]);
        assert_eq!(all.offset_syncs_topic("B"), "mm2-offset-syncs__B__internal");
        assert_eq!(all.checkpoints_topic("A"), "A__checkpoints__internal");
        assert_eq!(all.remote_topic("A", "t"), "A__t");
        let kept = policy(&[(SEPARATOR, "__"), (INTERNAL_SEPARATOR, "false")]);
        assert_eq!(kept.offset_syncs_topic("B"), "mm2-offset-syncs.B.internal");
        assert_eq!(kept.heartbeats_topic(), "heartbeats");
    }

    #[test]
    fn the_identity_policy_renames_heartbeats_alone() {
        let class = [("replication.policy.class", IDENTITY_CLASS), ("source.cluster.alias", "A")];
        let policy = policy(&class);
        assert_eq!(policy.remote_topic("A", "t"), "t");
        assert_eq!((policy.topic_source("t"), policy.upstream_topic("t")), (Some("A"), Some("t")));
        assert_eq!(policy.original_topic("t"), "t");
        assert_eq!(policy.remote_topic("A", "heartbeats"), "A.heartbeats");
        assert_eq!(policy.remote_topic("A", "myheartbeats"), "A.myheartbeats");
        assert_eq!(policy.topic_source("heartbeats"), None);
        assert!(policy.is_heartbeats_topic("A.heartbeats"));
        assert!(!policy.is_cycle("t", "B"), "it cannot see one");
    }

    #[test]
    fn a_topic_that_has_been_at_the_target_is_a_cycle() {
        let policy = policy(&[]);
        for (topic, is_cycle) in [("t", false), ("B.t", true), ("C.t", false), ("C.B.t", true), ("B.", false)] {
            assert_eq!(policy.is_cycle(topic, "B"), is_cycle, "{topic}");
        }
    }

    #[test]
    fn internal_topics_are_known_by_their_names() {
        let policy = policy(&[]);
        for topic in ["__consumer_offsets", ".x", "mm2-configs.A.internal", "connect-internal"] {
            assert!(policy.is_internal_topic(topic), "{topic}");
        }
        assert!(!policy.is_internal_topic("internal") && !policy.is_internal_topic("t"));
    }
}
