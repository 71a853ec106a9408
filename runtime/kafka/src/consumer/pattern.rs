//! Subscription by pattern: which topics match, looked up again every `metadata.max.age.ms` on a thread of its own.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use sluice_api::java_regex::JavaRegex;

use super::rebalance::Group;
use crate::client_log::{lock, remind};
use crate::error::Error;

/// How long one look at the cluster's topics may take, and the pause before the next try when it failed.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Topics that are the cluster's own (`exclude.internal.topics`).
const INTERNAL: [&str; 3] = ["__consumer_offsets", "__transaction_state", "__share_group_state"];

/// A pattern and when to look next. Shared with the thread that looks.
pub(super) struct PatternSubscription {
    pattern: JavaRegex,
    /// The pattern as it was configured.
    text: String,
    exclude_internal: bool,
    refresh: Duration,
    due: Mutex<Due>,
}

struct Due {
    /// `None` while a look is under way.
    next: Option<Instant>,
    topics: BTreeSet<String>,
}

impl PatternSubscription {
    /// # Errors
    /// A pattern that is not one, or that has parts of Java's grammar which are not supported.
    pub(super) fn new(java_regex: &str, exclude_internal: bool, refresh: Duration) -> Result<Self, Error> {
        let pattern = JavaRegex::new(java_regex).map_err(|error| {
            Error::property("topics.regex", java_regex, format!("a regular expression of Java: {error}"))
        })?;
        let due = Due { next: Some(Instant::now()), topics: BTreeSet::new() };
        Ok(Self { pattern, text: java_regex.to_owned(), exclude_internal, refresh, due: Mutex::new(due) })
    }

    /// When [`refresh_if_due`](Self::refresh_if_due) has something to do; `None` while a look is under way.
    pub(super) fn next(&self) -> Option<Instant> {
        lock(&self.due).next
    }

    /// Starts a look when it is time for one. Does not block.
    pub(super) fn refresh_if_due(self: &Arc<Self>, client: &Arc<BaseConsumer<Group>>, bootstrap: &str) {
        {
            let mut due = lock(&self.due);
            if due.next.is_none_or(|next| next > Instant::now()) {
                return;
            }
            due.next = None;
        }
        let (this, client, bootstrap) = (Arc::clone(self), Arc::clone(client), bootstrap.to_owned());
        let look = move || {
            let pause = this.look(&client, &bootstrap);
            lock(&this.due).next = Some(Instant::now() + pause);
        };
        if let Err(error) = std::thread::Builder::new().name("topic-pattern".to_owned()).spawn(look) {
            tracing::warn!(%error, "looking for topics that match a pattern");
            lock(&self.due).next = Some(Instant::now() + RETRY_PAUSE);
        }
    }

    fn look(&self, client: &BaseConsumer<Group>, bootstrap: &str) -> Duration {
        match self.subscribe(client) {
            Ok(()) => self.refresh,
            Err(error) => {
                remind(bootstrap, "looking for topics that match a pattern", &error);
                RETRY_PAUSE
            }
        }
    }

    fn subscribe(&self, client: &BaseConsumer<Group>) -> Result<(), Error> {
        let metadata = client
            .fetch_metadata(None, LOOKUP_TIMEOUT)
            .map_err(|error| Error::from_client("looking up all topics", &error))?;
        let topics: BTreeSet<String> = metadata
            .topics()
            .iter()
            .map(|topic| topic.name())
            .filter_map(|name| self.wants(name).map(|wants| wants.then(|| name.to_owned())).transpose())
            .collect::<Result<_, _>>()?;
        if lock(&self.due).topics == topics {
            return Ok(());
        }
        tracing::info!(pattern = self.text, topics = topics.len(), "topics that match the pattern changed");
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        if names.is_empty() {
            client.unsubscribe();
        } else {
            client.subscribe(&names).map_err(|error| Error::from_client("subscribing", &error))?;
        }
        lock(&self.due).topics = topics;
        Ok(())
    }

    /// Whether the whole name matches.
    fn wants(&self, topic: &str) -> Result<bool, Error> {
        let matches = self.pattern.matches(topic).map_err(|error| {
            Error::property("topics.regex", &self.text, format!("an expression for the topic {topic}: {error}"))
        })?;
        Ok(matches && !(self.exclude_internal && INTERNAL.contains(&topic)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::PatternSubscription;

    fn wants(regex: &str, topic: &str) -> bool {
        let pattern = PatternSubscription::new(regex, true, Duration::from_secs(300)).expect("a pattern");
        pattern.wants(topic).expect("few steps")
    }

    #[test]
    fn the_whole_name_must_match() {
        assert!(wants("orders|events", "events"));
        assert!(!wants("orders|events", "events2"));
        assert!(wants(r"t-\d+", "t-12"));
        assert!(!wants("b", "abc"));
    }

    #[test]
    fn the_grammar_is_javas() {
        assert!(wants("(?!_|connect-).*(?<!-internal)", "orders"));
        assert!(!wants("(?!_|connect-).*(?<!-internal)", "orders-internal"));
        assert!(wants(r"([a-z]+)-\1", "a-a"));
        assert!(!wants(r"[a-z&&[^t]]+", "t"));
    }

    #[test]
    fn internal_topics_are_left_out() {
        assert!(!wants(".*", "__consumer_offsets"));
        assert!(wants(".*", "__other"));
    }

    #[test]
    fn what_is_not_supported_is_refused_by_name() {
        let error = PatternSubscription::new(r"\X", true, Duration::from_secs(1)).err().expect("an error");
        assert!(error.to_string().contains("topics.regex"), "{error}");
        assert!(error.to_string().contains(r"\X is not supported"), "{error}");
    }
}
