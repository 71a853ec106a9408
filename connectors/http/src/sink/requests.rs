//! From records to requests: bodies, batches, and lanes that keep the order of every key.
//!
//! Records of one key are always in the same lane, a lane sends one request at a time, lanes run next to each other. Inside a lane a
//! record may join an earlier request only when no record of its key can be in between.

use std::collections::HashMap;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use sluice_api::data::java_string_hash;
use sluice_api::{ConnectError, Result, SinkRecord, Value};

use super::settings::{BodyFormat, Nulls, SinkSettings};
use super::template::Depends;
use crate::client::parse_url;
use sluice_api::data::to_json;

/// One request with its records.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    /// Never empty.
    pub(super) items: Vec<Item>,
    bytes: usize,
}

/// A record's share of a body.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// Where the record is in the batch that `put` was given.
    pub(super) index: usize,
    pub(super) body: Bytes,
}

/// Requests in the order in which they are sent.
#[derive(Default)]
pub(super) struct Lane {
    pub(super) deliveries: Vec<Delivery>,
    /// Requests that further records may join.
    open: HashMap<Group, usize>,
}

/// Records of equal groups may share a request. Parts that never differ are left out.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
struct Group {
    url: Option<String>,
    headers: Option<Vec<String>>,
    batch: Option<String>,
}

/// Makes requests as the settings say.
pub(super) struct Planner {
    settings: SinkSettings,
    /// When no record changes it.
    url: Option<Url>,
    headers: Option<HeaderMap>,
    /// Whether records of a key are always of one group, so that requests of several groups may be open.
    interleaves: bool,
}

impl Delivery {
    fn of(method: Method, url: Url, headers: HeaderMap, item: Item) -> Self {
        Self { method, url, headers, bytes: item.body.len(), items: vec![item] }
    }

    /// The same request for some of its records.
    pub(super) fn with_items(&self, items: Vec<Item>) -> Self {
        let bytes = items.iter().map(|item| item.body.len()).sum();
        Self { method: self.method.clone(), url: self.url.clone(), headers: self.headers.clone(), items, bytes }
    }

    /// Two halves, in order.
    pub(super) fn halves(mut self) -> (Self, Self) {
        let second = self.items.split_off(self.items.len() / 2);
        let first = std::mem::take(&mut self.items);
        (self.with_items(first), self.with_items(second))
    }

    /// Where it goes, without what may hold a key.
    pub(super) fn target(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{} {}://{host}{port}{}", self.method, self.url.scheme(), self.url.path())
    }
}

impl Planner {
    /// # Errors
    /// `Config` when what no record changes is not right.
    pub(super) fn new(settings: SinkSettings) -> Result<Self> {
        let url = match settings.url.depends() {
            Depends::Nothing => Some(parse_url(settings.url.source()).map_err(ConnectError::config)?),
            _ => None,
        };
        let templates = settings.headers.iter().map(|(_, value)| value).chain(&settings.batch.group);
        let depends = templates.map(|template| template.depends()).max().unwrap_or(Depends::Nothing);
        let interleaves = depends.max(settings.url.depends()) <= Depends::TopicAndKey;
        let mut planner = Self { url, headers: None, interleaves, settings };
        if planner.settings.headers.iter().all(|(_, value)| value.depends() == Depends::Nothing) {
            let values: Vec<String> =
                planner.settings.headers.iter().map(|(_, value)| value.source().to_owned()).collect();
            planner.headers =
                Some(planner.header_map(&values).map_err(|error| ConnectError::config(error.to_string()))?);
        }
        Ok(planner)
    }

    /// The lanes of a batch; records whose index is in `skip` are left out, those that no request can be made of go to `failed`.
    ///
    /// # Errors
    /// What `failed` returns.
    pub(super) fn lanes(
        &self,
        records: &[SinkRecord],
        skip: impl Fn(&SinkRecord) -> bool,
        failed: impl Fn(&SinkRecord, ConnectError) -> Result<()>,
    ) -> Result<Vec<Lane>> {
        let mut lanes: Vec<Lane> = Vec::new();
        lanes.resize_with(self.settings.concurrency.clamp(1, records.len().max(1)), Lane::default);
        let count = lanes.len();
        for (index, record) in records.iter().enumerate().filter(|(_, record)| !skip(record)) {
            let lane = &mut lanes[lane_of(record, count)];
            if let Err(error) = self.place(lane, record, index) {
                failed(record, error)?;
            }
        }
        lanes.retain(|lane| !lane.deliveries.is_empty());
        Ok(lanes)
    }

    fn place(&self, lane: &mut Lane, record: &SinkRecord, index: usize) -> Result<()> {
        let Some((method, body)) = self.content(record)? else { return Ok(()) };
        let (group, url, headers) = self.address(record)?;
        let item = Item { index, body };
        if method != self.settings.method {
            // A DELETE goes alone, and after what its key has in open requests.
            lane.open.clear();
            lane.deliveries.push(Delivery::of(method, url, headers, item));
            return Ok(());
        }
        if !self.interleaves && !lane.open.contains_key(&group) {
            lane.open.clear();
        }
        let batch = &self.settings.batch;
        match lane.open.get(&group).and_then(|at| lane.deliveries.get_mut(*at)) {
            Some(open) if open.items.len() < batch.max_records && open.bytes + item.body.len() <= batch.max_bytes => {
                open.bytes += item.body.len();
                open.items.push(item);
            }
            _ => {
                lane.open.insert(group, lane.deliveries.len());
                lane.deliveries.push(Delivery::of(method, url, headers, item));
            }
        }
        Ok(())
    }

    /// Method and body; `None` for a null that stands for nothing.
    fn content(&self, record: &SinkRecord) -> Result<Option<(Method, Bytes)>> {
        let settings = &self.settings;
        if !record.value.is_null() {
            let body = self.body(record)?;
            let body = match &settings.bulk {
                Some(bulk) => bulk.lines(record, Some(&body))?,
                None => body,
            };
            return Ok(Some((settings.method.clone(), body)));
        }
        match (settings.nulls, &settings.bulk) {
            (Nulls::Ignore, _) => Ok(None),
            (Nulls::Fail, _) => Err(ConnectError::data("Record value must not be null")),
            (Nulls::Delete, Some(bulk)) => Ok(Some((settings.method.clone(), bulk.lines(record, None)?))),
            (Nulls::Delete, None) => Ok(Some((Method::DELETE, Bytes::new()))),
        }
    }

    fn body(&self, record: &SinkRecord) -> Result<Bytes> {
        let settings = &self.settings.body;
        let body = match (&settings.template, settings.format, &record.value) {
            (Some(template), _, _) => Bytes::from(template.render(record)?),
            (None, BodyFormat::Text | BodyFormat::TextOrJson, Value::String(text)) => text.as_bytes().clone(),
            (None, BodyFormat::Text | BodyFormat::TextOrJson, Value::Bytes(bytes)) => bytes.clone(),
            (None, BodyFormat::Text, value) => Bytes::from(value.to_string()),
            (None, BodyFormat::TextOrJson, value @ (Value::Struct(_) | Value::Map(_)))
            | (None, BodyFormat::Json, value) => {
                to_json(value, record.value_schema.as_ref(), settings.decimals)?.into()
            }
            (None, BodyFormat::TextOrJson, value) => {
                let message = format!("expected a value of text, bytes, a struct or a map, got {}", value.java_class());
                return Err(ConnectError::data(message));
            }
        };
        if settings.rewrites.is_empty() {
            return Ok(body);
        }
        let text = std::str::from_utf8(&body)
            .map_err(|_| ConnectError::data("`regex.patterns` needs text, and the body is no UTF-8"))?;
        let mut text = text.to_owned();
        for (pattern, replacement) in &settings.rewrites {
            text = pattern.replace_all(&text, replacement.as_str()).into_owned();
        }
        Ok(text.into())
    }

    fn address(&self, record: &SinkRecord) -> Result<(Group, Url, HeaderMap)> {
        let mut group = Group::default();
        let url = match &self.url {
            Some(url) => url.clone(),
            None => {
                let text = self.settings.url.render_url(record)?;
                let url = parse_url(&text)
                    .map_err(|reason| ConnectError::data(format!("the address of the record: {reason}")))?;
                group.url = Some(text);
                url
            }
        };
        let headers = match &self.headers {
            Some(headers) => headers.clone(),
            None => {
                let values = self.settings.headers.iter().map(|(_, value)| value.render(record));
                let values = values.collect::<Result<Vec<_>>>()?;
                let headers = self.header_map(&values)?;
                group.headers = Some(values);
                headers
            }
        };
        if let Some(template) = self.settings.batch.group.as_ref().filter(|group| group.depends() != Depends::Nothing) {
            group.batch = Some(template.render(record)?);
        }
        Ok((group, url, headers))
    }

    fn header_map(&self, values: &[String]) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        for ((name, _), value) in self.settings.headers.iter().zip(values) {
            let value = HeaderValue::from_str(value).map_err(|_| {
                ConnectError::data(format!("header `{name}` would have characters that no HTTP header can have"))
            })?;
            headers.append(name, value);
        }
        if !headers.contains_key(CONTENT_TYPE) {
            let default = match (&self.settings.bulk, self.settings.body.format) {
                (Some(_), _) => Some("application/x-ndjson"),
                (None, BodyFormat::Json) => Some("application/json"),
                (None, BodyFormat::Text) => Some("text/plain; charset=UTF-8"),
                (None, BodyFormat::TextOrJson) => None,
            };
            if let Some(default) = default {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(default));
            }
        }
        Ok(headers)
    }
}

/// The same for all records of a key, and for the same record each time it comes. Records without a key have no order to keep.
fn lane_of(record: &SinkRecord, lanes: usize) -> usize {
    if lanes == 1 {
        return 0;
    }
    let hash = match &record.key {
        Value::Null => record.offset,
        Value::String(text) => i64::from(java_string_hash(text)),
        Value::Bytes(bytes) => {
            bytes.iter().fold(1i64, |hash, byte| hash.wrapping_mul(31).wrapping_add(i64::from(*byte)))
        }
        key => i64::from(java_string_hash(&key.to_string())),
    };
    (hash.rem_euclid(lanes as i64)) as usize
}

#[cfg(test)]
#[path = "requests_tests.rs"]
mod tests;
