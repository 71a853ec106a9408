//! Turns the pieces of a chunk into records: decodes them, puts lines together that belong together, reads JSON.
//!
//! Invariant 3: what cannot be a record goes to the topic for it, or fails by name after everything before it was handed out.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytestring::ByteString;
use sluice_api::{ConnectError, Result, Schema, SourceRecord, Value};

use super::chunk::Piece;
use super::config::{Action, Cleanup, FollowConfig, Format};
use super::follower::Follower;
use super::json;

/// Takes the pieces of one chunk.
pub(super) struct Taker<'a> {
    config: &'a FollowConfig,
    follower: &'a mut Follower,
    records: &'a mut Vec<SourceRecord>,
    /// The position of the chunk.
    start: u64,
    timestamp_ms: i64,
    /// Lines to which more may belong, and where they end.
    pending: Option<(String, u64)>,
    failed: Option<ConnectError>,
}

impl<'a> Taker<'a> {
    pub(super) fn new(
        config: &'a FollowConfig,
        follower: &'a mut Follower,
        records: &'a mut Vec<SourceRecord>,
    ) -> Self {
        Self {
            config,
            start: follower.position,
            follower,
            records,
            timestamp_ms: now_ms(),
            pending: None,
            failed: None,
        }
    }

    /// The end of the chunk; `complete` says that nothing more belongs to its last lines. Returns where lines end that may be
    /// continued, which come again with the next chunk.
    ///
    /// # Errors
    /// What could not be a record. Everything before it was taken.
    pub(super) fn finish(mut self, complete: bool) -> Result<Option<u64>> {
        if complete && self.failed.is_none() {
            self.flush();
        }
        let unfinished = self.pending.map(|(_, end)| end);
        self.failed.map_or(Ok(unfinished), Err)
    }

    /// Takes the piece that ends `end` bytes after the beginning of the chunk. After a failure nothing more is taken.
    pub(super) fn take(&mut self, piece: Piece, end: usize) {
        if self.failed.is_some() {
            return;
        }
        let end = self.start + end as u64;
        match piece {
            Piece::Line(text) if self.config.encoding.is_none() => self.line(text, end),
            Piece::Line(text) => self.decoded(text.as_bytes(), end),
            Piece::Malformed(bytes) if self.config.encoding.is_some() => self.decoded(&bytes, end),
            Piece::Malformed(bytes) => self.malformed(&bytes, end, false),
            Piece::Part(bytes, continues) => self.part(&bytes, end, continues),
        }
    }

    fn decoded(&mut self, bytes: &[u8], end: u64) {
        match self.decode(bytes) {
            Some(text) => self.line(text, end),
            None => self.malformed(bytes, end, false),
        }
    }

    /// `None` when the bytes are not what the encoding says.
    fn decode(&self, bytes: &[u8]) -> Option<ByteString> {
        match self.config.encoding {
            None => std::str::from_utf8(bytes).ok().map(Into::into),
            Some(encoding) => {
                encoding.decode_without_bom_handling_and_without_replacement(bytes).map(|text| text.into_owned().into())
            }
        }
    }

    fn line(&mut self, text: ByteString, end: u64) {
        let Some(multiline) = &self.config.multiline else { return self.record(text, end) };
        match &mut self.pending {
            Some((lines, lines_end)) if !multiline.start.is_match(&text) => {
                if lines.len() + 1 + text.len() <= self.config.max_line_bytes {
                    lines.push('\n');
                    lines.push_str(&text);
                    *lines_end = end;
                    return;
                }
                if self.config.long_lines != Action::Split {
                    return self.too_long();
                }
                let whole = self.pending.take();
                if let Some((lines, end)) = whole {
                    let topic = self.config.topic.clone();
                    self.push(&topic, Value::String(lines.into()), end, false, &[("line.continues", "true")]);
                }
            }
            Some(_) => self.flush(),
            None => {}
        }
        if self.failed.is_none() {
            self.pending = Some((text.to_string(), end));
        }
    }

    /// Hands out the lines that belong together.
    fn flush(&mut self) {
        if let Some((lines, end)) = self.pending.take() {
            self.record(lines.into(), end);
        }
    }

    fn record(&mut self, text: ByteString, end: u64) {
        let topic = self.config.topic.clone();
        if self.config.format == Format::Lines {
            return self.push(&topic, Value::String(text), end, false, &[]);
        }
        // An empty line is no record; its bytes are passed over with the next one.
        if text.trim().is_empty() {
            self.follower.position = end;
            return;
        }
        match (json::value(&text), &self.config.dead_letter_topic) {
            (Ok(value), _) => self.push(&topic, value, end, false, &[]),
            (Err(_), Some(topic)) if self.config.malformed == Action::DeadLetter => {
                self.push(&topic.clone(), Value::String(text), end, false, &[]);
            }
            (Err(error), _) => {
                let (path, at) = (self.follower.path_text(), self.follower.position);
                self.failed = Some(ConnectError::data(format!(
                    "{path} is not JSON in the line at byte {at}: {error}. Every line before it was delivered; correct the line, or set \
                     `malformed.line.action` to dead.letter"
                )));
            }
        }
    }

    fn too_long(&mut self) {
        let (path, at, most) = (self.follower.path_text(), self.follower.position, self.config.max_line_bytes);
        self.failed = Some(ConnectError::connect(format!(
            "{path} has a line of more than {most} bytes (`max.line.bytes`) at byte {at}. Every line before it was delivered; raise \
             the limit, or set `max.line.action` to split or dead.letter"
        )));
    }

    fn part(&mut self, bytes: &bytes::Bytes, end: u64, continues: bool) {
        let topic = match self.config.long_lines {
            Action::Split => Some(self.config.topic.clone()),
            Action::DeadLetter => self.config.dead_letter_topic.clone(),
            Action::Fail => None,
        };
        self.flush();
        if self.failed.is_some() {
            return;
        }
        let Some(topic) = topic else { return self.too_long() };
        let headers: &[(&str, &str)] = if continues { &[("line.continues", "true")] } else { &[] };
        match self.decode(bytes) {
            Some(text) => self.push(&topic, Value::String(text), end, continues, headers),
            None => self.malformed(bytes, end, continues),
        }
    }

    fn malformed(&mut self, bytes: &[u8], end: u64, continues: bool) {
        self.flush();
        if self.failed.is_some() {
            return;
        }
        let Some(topic) = self.config.dead_letter_topic.clone().filter(|_| self.config.malformed == Action::DeadLetter)
        else {
            let encoding = self.config.encoding.unwrap_or(encoding_rs::UTF_8);
            let valid = match self.config.encoding {
                None => std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len) as u64,
                Some(_) => 0,
            };
            let (path, at, name) = (self.follower.path_text(), self.follower.position + valid, encoding.name());
            self.failed = Some(ConnectError::connect(format!(
                "{path} is not {name} at byte {at}: a line with these bytes cannot be a string without being changed. Every line before \
                 it was delivered; correct the line, or set `malformed.line.action` to dead.letter"
            )));
            return;
        };
        let more = [("line.encoding", "base64"), ("line.continues", "true")];
        self.push(
            &topic,
            Value::String(STANDARD.encode(bytes).into()),
            end,
            continues,
            &more[..1 + usize::from(continues)],
        );
    }

    fn push(&mut self, topic: &Arc<str>, value: Value, end: u64, inside: bool, headers: &[(&str, &str)]) {
        let follower = &mut *self.follower;
        let schema = matches!(value, Value::String(_)).then_some(Schema::STRING);
        let offset = follower.offset(end, inside);
        let mut record = SourceRecord::new(follower.partition.clone(), offset, topic.clone(), schema, value);
        record.timestamp_ms = Some(self.timestamp_ms);
        record.token = follower.slot;
        for (name, value) in headers {
            // A header of text without a schema always fits.
            record.headers.add(*name, None, (*value).into()).unwrap_or_default();
        }
        if self.config.headers {
            let path = Value::String(follower.path_text().clone());
            record.headers.add("file.path", None, path).unwrap_or_default();
            let offset = i64::try_from(follower.position).unwrap_or(i64::MAX);
            record.headers.add("file.offset", None, offset.into()).unwrap_or_default();
        }
        (follower.position, follower.inside) = (end, inside);
        follower.outstanding += usize::from(self.config.cleanup != Cleanup::None);
        self.records.push(record);
    }
}

fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}
