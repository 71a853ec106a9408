//! Topics that a subscription names and that are not there yet.
//!
//! A sink is often created before the source that fills its topic. Java's consumer asks again within a second; librdkafka would
//! after `metadata.max.age.ms`, five minutes. So this looks every second, on a thread of its own, until all of them are there.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use tokio::sync::Notify;

use super::rebalance::Group;
use crate::client_log::{lock, remind};

const PAUSE: Duration = Duration::from_secs(1);
/// How long one look may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The topics of a subscription, and when to look for them next. Shared with the thread that looks.
pub(super) struct MissingTopics {
    topics: Vec<String>,
    /// Told when a look has ended, so that somebody thinks of the next.
    ready: Arc<Notify>,
    look: Mutex<Look>,
}

#[derive(Clone, Copy)]
enum Look {
    At(Instant),
    UnderWay,
    AllThere,
}

impl MissingTopics {
    /// Looks for the first time when the client has had the time to find them by itself.
    pub(super) fn new(topics: &[&str], ready: Arc<Notify>) -> Self {
        let topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
        Self { topics, ready, look: Mutex::new(Look::At(Instant::now() + PAUSE)) }
    }

    /// When [`look_if_due`](Self::look_if_due) has something to do, if at some time.
    pub(super) fn next(&self) -> Option<Instant> {
        match *lock(&self.look) {
            Look::At(next) => Some(next),
            Look::UnderWay | Look::AllThere => None,
        }
    }

    /// One of the topics is gone.
    pub(super) fn look_again(&self) {
        let mut look = lock(&self.look);
        if matches!(*look, Look::AllThere) {
            *look = Look::At(Instant::now() + PAUSE);
        }
    }

    /// Starts a look when it is time for one. Does not block.
    pub(super) fn look_if_due(self: &Arc<Self>, client: &Arc<BaseConsumer<Group>>, bootstrap: &str) {
        {
            let mut look = lock(&self.look);
            if !matches!(*look, Look::At(next) if next <= Instant::now()) {
                return;
            }
            *look = Look::UnderWay;
        }
        let (this, client, bootstrap) = (Arc::clone(self), Arc::clone(client), bootstrap.to_owned());
        let run = move || {
            let all_there = this.are_all_there(&client, &bootstrap);
            *lock(&this.look) = if all_there { Look::AllThere } else { Look::At(Instant::now() + PAUSE) };
            this.ready.notify_one();
        };
        if let Err(error) = std::thread::Builder::new().name("missing-topics".to_owned()).spawn(run) {
            tracing::warn!(%error, "looking for the topics of a subscription");
            *lock(&self.look) = Look::At(Instant::now() + PAUSE);
        }
    }

    /// The answer about all topics is what the client compares its subscription with, so that it joins the group for new ones.
    fn are_all_there(&self, client: &BaseConsumer<Group>, bootstrap: &str) -> bool {
        let metadata = match client.fetch_metadata(None, TIMEOUT) {
            Ok(metadata) => metadata,
            Err(error) => {
                remind(bootstrap, "looking for the topics of a subscription", &error);
                return false;
            }
        };
        let is_there =
            |name: &String| metadata.topics().iter().any(|topic| topic.name() == name && topic.error().is_none());
        self.topics.iter().all(is_there)
    }
}
