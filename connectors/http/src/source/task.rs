//! The source task: polls, pages, and what of it is new.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use reqwest::header::{ETAG, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LINK};
use reqwest::{Client, Request, Url};
use serde_json::Value as Json;
use sluice_api::{
    ConnectError, OffsetMap, Properties, Result, Schema, SchemaBuilder, SourceRecord, SourceTask, SourceTaskContext,
    Struct, Value,
};
use tokio::time::Instant;
use tracing::warn;

use super::config::{Direction, Filter, Pages, SourceSettings, headers, parse};
use super::links::next_link;
use super::page::Item;
use super::timestamp;
use crate::client::{Answer, Authorizer, Failure, parse_url};
use crate::problems::Problems;

/// How long a poll waits before it returns without records.
const POLL_WAIT: Duration = Duration::from_millis(500);
/// The pause after a request without an answer; it doubles up to a minute.
const RETRY_PAUSE: Duration = Duration::from_millis(200);
const MAX_RETRY_PAUSE: Duration = Duration::from_secs(60);
/// A poll that finds more pages than this goes round in circles.
const MAX_PAGES: usize = 10_000;

type Offset = BTreeMap<String, String>;

/// A task that polls one address.
#[derive(Default)]
pub(super) struct HttpSourceTask {
    polling: Option<Polling>,
}

struct Polling {
    settings: SourceSettings,
    context: SourceTaskContext,
    client: Client,
    authorizer: Authorizer,
    schemas: [Schema; 2],
    /// Of the last record that was handed out.
    offset: Offset,
    /// What was new when the pages that are being read began.
    seen: Offset,
    /// The next page, and those that were read.
    next_page: Option<Url>,
    pages: HashSet<Url>,
    next_poll: Instant,
    failures: u32,
    /// The last request with what its answer said of its version.
    version: Option<(Url, HeaderMap)>,
    /// Times of the last item before and after the last poll, by which the timer adapts.
    latest: [Option<i64>; 2],
}

#[async_trait(?Send)]
impl SourceTask for HttpSourceTask {
    async fn start(&mut self, context: SourceTaskContext, config: &Properties) -> Result<()> {
        let mut problems = Problems::default();
        let settings = parse(config, &mut problems);
        let settings = problems.into_result(settings)?;
        let stored = context.offsets.offsets(&[OffsetMap::default()]).await?.pop().flatten();
        let stored: Offset = stored
            .iter()
            .flat_map(OffsetMap::iter)
            .map(|(name, value)| (name.to_string(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            .collect();
        let offset = if stored.is_empty() { settings.initial.clone() } else { stored };
        self.polling = Some(Polling {
            client: settings.client.build()?,
            authorizer: Authorizer::new(&settings.auth)?,
            schemas: schemas()?,
            settings,
            context,
            seen: offset.clone(),
            offset,
            next_page: None,
            pages: HashSet::new(),
            next_poll: Instant::now(),
            failures: 0,
            version: None,
            latest: [None; 2],
        });
        Ok(())
    }

    async fn poll(&mut self) -> Result<Vec<SourceRecord>> {
        let polling = self.polling.as_mut().ok_or_else(|| ConnectError::connect("the task was not started"))?;
        let deadline = Instant::now() + POLL_WAIT;
        if polling.next_poll > deadline {
            tokio::time::sleep_until(deadline).await;
            return Ok(Vec::new());
        }
        tokio::time::sleep_until(polling.next_poll).await;
        polling.page().await
    }

    async fn stop(&mut self) -> Result<()> {
        self.polling = None;
        Ok(())
    }
}

impl Polling {
    /// Asks for one page.
    async fn page(&mut self) -> Result<Vec<SourceRecord>> {
        let request = self.request().await?;
        let url = request.url().clone();
        let outcome = match self.client.execute(request).await {
            Ok(response) => Answer::read(response, self.settings.max_answer_bytes).await,
            Err(error) => Err(Failure::of(&error)),
        };
        let answer = match outcome {
            Ok(answer) if is_transient(answer.status) && !self.settings.process.contains(answer.status) => {
                return self.again(&answer.describe());
            }
            Ok(answer) => answer,
            Err(failure) => return self.again(&failure.to_string()),
        };
        self.failures = 0;
        let failed = |reason: &str| ConnectError::connect(format!("the answer of {}: {reason}", shown(&url)));
        if self.settings.skip.contains(answer.status) {
            self.end_of_pages();
            return Ok(Vec::new());
        }
        if !self.settings.process.contains(answer.status) {
            return Err(failed(&answer.describe()));
        }
        if answer.cut {
            return Err(failed(&format!(
                "it is longer than {} bytes (`sluice.max.answer.bytes`)",
                self.settings.max_answer_bytes
            )));
        }
        let json: Json =
            serde_json::from_slice(&answer.body).map_err(|error| failed(&format!("it is no JSON: {error}")))?;
        let items = self.settings.pointers.items(&json).map_err(|reason| failed(&reason))?;
        let records = self.records(items)?;
        self.turn_page(&url, &answer, &json).map_err(|reason| failed(&reason))?;
        Ok(records)
    }

    async fn request(&mut self) -> Result<Request> {
        let settings = &self.settings;
        let field = |name: &str| self.offset.get(name).cloned();
        let wrong = |reason: String| ConnectError::connect(format!("the next request: {reason}"));
        let fill = |template: &super::template::OffsetTemplate| template.render(field).map_err(wrong);
        let url = match &self.next_page {
            Some(url) => url.clone(),
            None => {
                let mut url = parse_url(&fill(&settings.url)?).map_err(wrong)?;
                let params = fill(&settings.params)?;
                for pair in params.split('&').filter(|pair| !pair.is_empty()) {
                    let (name, value) =
                        pair.split_once('=').ok_or_else(|| wrong(format!("expected name=value, got {pair}")))?;
                    url.query_pairs_mut().append_pair(name.trim(), value.trim());
                }
                url
            }
        };
        let mut request = Request::new(settings.method.clone(), url.clone());
        *request.headers_mut() = headers(&fill(&settings.headers)?).map_err(wrong)?;
        let body = fill(&settings.body)?;
        if !body.is_empty() {
            *request.body_mut() = Some(body.into());
        }
        if let Some((_, version)) = self.version.as_ref().filter(|(last, _)| *last == url) {
            request.headers_mut().extend(version.clone());
        }
        self.authorizer.authorize(&self.client, &mut request).await.map_err(|failure| wrong(failure.to_string()))?;
        Ok(request)
    }

    /// A request without a usable answer is repeated; nothing of it was used.
    fn again(&mut self, reason: &str) -> Result<Vec<SourceRecord>> {
        let pause = RETRY_PAUSE.saturating_mul(1 << self.failures.min(10)).min(MAX_RETRY_PAUSE);
        self.failures += 1;
        self.next_poll = Instant::now() + pause;
        warn!(
            connector = &*self.context.connector,
            reason,
            pause_ms = pause.as_millis() as u64,
            "no answer, asking again"
        );
        Ok(Vec::new())
    }

    /// What is new, in ascending order.
    fn records(&mut self, mut items: Vec<Item>) -> Result<Vec<SourceRecord>> {
        let descends =
            items.first().zip(items.last()).is_some_and(|(first, last)| first.timestamp_ms > last.timestamp_ms);
        let descending = match self.settings.direction {
            Direction::Ascending => false,
            Direction::Descending => true,
            Direction::Implicit => descends,
        };
        if descending && self.settings.pages != Pages::One {
            let message = "pages must be in ascending order: after a crash the older ones would be left out";
            return Err(ConnectError::connect(message));
        }
        if descending {
            items.reverse();
        }
        let since = self.seen.get("timestamp").and_then(|text| timestamp::parse(text)).unwrap_or(0);
        let mut reached = false;
        items.retain(|item| {
            let is_later = item.timestamp_ms.is_none_or(|at| at > since);
            let new = match self.settings.filter {
                Filter::Passthrough => true,
                Filter::Timestamp => is_later,
                Filter::Offset => is_later || reached,
            };
            reached |= item.offset == self.seen;
            new
        });
        let partition = Arc::new(OffsetMap::default());
        let records = items.iter().map(|item| self.record(&partition, item)).collect::<Result<Vec<_>>>()?;
        if let Some(last) = items.last() {
            self.offset = last.offset.clone();
        }
        Ok(records)
    }

    fn record(&self, partition: &Arc<OffsetMap>, item: &Item) -> Result<SourceRecord> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let timestamp_ms = item.timestamp_ms.unwrap_or_else(|| i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
        let offset = item.offset.iter().map(|(name, value)| (name.as_str().into(), value.as_str().into())).collect();
        let (topic, plain) = (self.settings.topic.clone(), self.settings.plain_text);
        let [key_schema, value_schema] = if plain { [Schema::STRING, Schema::STRING] } else { self.schemas.clone() };
        let (key, value): (Value, Value) = match plain {
            true => (item.key.as_str().into(), item.value.as_str().into()),
            false => {
                let key = Struct::new(key_schema.clone())?.with("key", item.key.as_str())?;
                let value = Struct::new(value_schema.clone())?.with("value", item.value.as_str())?;
                let value = value.with("key", item.key.as_str())?.with("timestamp", timestamp_ms)?;
                (key.into(), value.into())
            }
        };
        let mut record = SourceRecord::new(partition.clone(), offset, topic, Some(value_schema), value);
        (record.key_schema, record.key, record.timestamp_ms) = (Some(key_schema), key, Some(timestamp_ms));
        Ok(record)
    }

    /// Goes on with the next page, or waits for the next poll.
    fn turn_page(&mut self, url: &Url, answer: &Answer, json: &Json) -> std::result::Result<(), String> {
        let next = match &self.settings.pages {
            Pages::One => None,
            Pages::LinkHeader => answer.headers.get_all(LINK).iter().find_map(|value| next_link(value.to_str().ok()?)),
            Pages::Pointer(pointer) => json.pointer(pointer).and_then(Json::as_str).map(str::to_owned),
        };
        let Some(next) = next.filter(|next| !next.is_empty()) else {
            if self.settings.conditional && self.pages.is_empty() {
                self.version = Some((url.clone(), version(&answer.headers)));
            }
            self.end_of_pages();
            return Ok(());
        };
        let next = url.join(&next).map_err(|error| format!("the next page {next} is no address: {error}"))?;
        self.pages.insert(url.clone());
        if self.pages.contains(&next) || self.pages.len() >= MAX_PAGES {
            return Err(format!(
                "the next page is one that was read already: the server goes round in circles after {} pages",
                self.pages.len()
            ));
        }
        self.next_page = Some(next);
        Ok(())
    }

    fn end_of_pages(&mut self) {
        self.pages.clear();
        self.next_page = None;
        self.seen = self.offset.clone();
        let latest = self.offset.get("timestamp").and_then(|text| timestamp::parse(text));
        self.latest = [self.latest[1], latest];
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let is_old = latest
            .is_some_and(|latest| i128::from(latest) + (self.settings.interval.as_millis() as i128) < now as i128);
        let catching_up = is_old && self.latest[0] != self.latest[1];
        self.next_poll = Instant::now() + if catching_up { self.settings.catchup } else { self.settings.interval };
    }
}

fn is_transient(status: u16) -> bool {
    status == 429 || status >= 500
}

/// Without parameters, which may hold a key.
fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

/// What a request for changes alone says.
fn version(headers: &HeaderMap) -> HeaderMap {
    let mut version = HeaderMap::new();
    for (from, to) in [(ETAG, IF_NONE_MATCH), (LAST_MODIFIED, IF_MODIFIED_SINCE)] {
        if let Some(value) = headers.get(from) {
            version.insert(to, value.clone());
        }
    }
    version
}

fn schemas() -> Result<[Schema; 2]> {
    let optional = |builder: SchemaBuilder, doc: &str| builder.optional().doc(doc).build();
    let key = SchemaBuilder::structure()
        .name("com.github.castorm.kafka.connect.http.Key")
        .doc("Message Key")
        .field("key", optional(SchemaBuilder::string(), "HTTP Record Key")?)
        .build()?;
    let value = SchemaBuilder::structure()
        .name("com.github.castorm.kafka.connect.http.Value")
        .doc("Message Value")
        .field("value", SchemaBuilder::string().doc("HTTP Record Value").build()?)
        .field("key", optional(SchemaBuilder::string(), "HTTP Record Key")?)
        .field("timestamp", optional(SchemaBuilder::int64(), "HTTP Record Timestamp")?)
        .build()?;
    Ok([key, value])
}

#[cfg(test)]
#[path = "task_tests.rs"]
mod tests;
