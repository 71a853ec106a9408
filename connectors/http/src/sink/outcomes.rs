//! Tells the topics of `reporter.*` what became of every record, in the form of Confluent's sink.
//!
//! A result has the record's key and the body of the answer; a failure a sentence, or the body. Headers say which record it was, and of a
//! failure also what was sent and answered. `put` returns after all of it is acknowledged (Invariant 3).

use std::sync::Arc;

use bytes::Bytes;
use sluice_api::connector::{Report, Reports};
use sluice_api::{ConnectError, Result, SinkRecord, SinkTaskContext, Value};

use super::report_keys::{ReportFormat, ReportSettings, TopicSettings};
use crate::client::Answer;
use sluice_api::data::{Decimals, to_json};

/// Writes reports, or nothing when none are asked for.
#[derive(Default)]
pub(super) struct Outcomes {
    open: Option<Open>,
}

struct Open {
    reports: Arc<dyn Reports>,
    results: Option<Topic>,
    errors: Option<Topic>,
    answers_as_errors: bool,
}

struct Topic {
    name: Arc<str>,
    settings: TopicSettings,
}

/// A failed delivery, as far as it is known.
pub(super) struct Undelivered<'a> {
    pub(super) url: &'a str,
    /// What was to be sent of the record.
    pub(super) payload: &'a [u8],
    /// The last answer, if there was one.
    pub(super) answer: Option<&'a Answer>,
    /// In our words.
    pub(super) reason: &'a str,
}

impl Outcomes {
    /// Makes the topics and the client.
    ///
    /// # Errors
    /// The cluster of the topics cannot be used.
    pub(super) async fn open(settings: ReportSettings, context: &SinkTaskContext) -> Result<Self> {
        if settings.is_empty() {
            return Ok(Self::default());
        }
        let reports = context.reports.clone();
        let reports = reports.ok_or_else(|| ConnectError::connect("this worker has no place for `reporter.*`"))?;
        reports.open(&settings.topics(&context.connector), &settings.producer, &settings.admin).await?;
        let topic = |settings: Option<TopicSettings>| {
            settings.map(|settings| Topic { name: settings.name(&context.connector).into(), settings })
        };
        Ok(Self {
            open: Some(Open {
                reports,
                results: topic(settings.results),
                errors: topic(settings.errors),
                answers_as_errors: settings.answers_as_errors,
            }),
        })
    }

    /// The record was delivered.
    ///
    /// # Errors
    /// The topic cannot be written.
    pub(super) fn delivered(&self, record: &SinkRecord, answer: &Bytes) -> Result<()> {
        let Some(open) = &self.open else { return Ok(()) };
        match &open.results {
            Some(topic) => open.reports.send(topic.report(record, answer, place(record))?),
            None => Ok(()),
        }
    }

    /// The record was not delivered and will not be sent again.
    ///
    /// # Errors
    /// The topic cannot be written.
    pub(super) fn failed(&self, record: &SinkRecord, what: &Undelivered<'_>) -> Result<()> {
        let Some(open) = &self.open else { return Ok(()) };
        let Some(topic) = &open.errors else { return Ok(()) };
        let status = what.answer.map_or_else(|| "null".to_owned(), |answer| answer.status.to_string());
        let phrase = what.answer.map_or("", Answer::reason_phrase);
        let body = what.answer.map(|answer| answer.body.clone()).unwrap_or_default();
        let content = String::from_utf8_lossy(&body);
        // With an answer the peer has neither of these.
        let (exception, message) = match what.answer {
            Some(_) => ("null", "null"),
            None => ("java.io.IOException", what.reason),
        };
        let sentence = || {
            format!(
                "Retry time lapsed, unable to process HTTP request. HTTP Response code: {status}, Reason phrase: {phrase}, \
                 Url: {}, Response content: {content}, Exception: {exception}, Error message: {message}",
                what.url
            )
        };
        let value = if open.answers_as_errors { body.clone() } else { sentence().into() };
        let mut headers = place(record);
        let text = |name: &str, value: &str| (name.into(), Some(Bytes::copy_from_slice(value.as_bytes())));
        headers.extend([
            text("error_message", message),
            text("exception", exception),
            text("response_content", &content),
            text("status_code", &status),
            ("payload".into(), Some([b"[", what.payload, b"]"].concat().into())),
            text("reason_phrase", phrase),
            text("url", what.url),
        ]);
        open.reports.send(topic.report(record, &value, headers)?)
    }

    /// Waits until everything is acknowledged.
    ///
    /// # Errors
    /// A report was lost.
    pub(super) async fn settled(&self) -> Result<()> {
        match &self.open {
            Some(open) => open.reports.settled().await,
            None => Ok(()),
        }
    }
}

impl Topic {
    fn report(&self, record: &SinkRecord, body: &Bytes, headers: Vec<(Arc<str>, Option<Bytes>)>) -> Result<Report> {
        let key = match (&record.key, self.settings.key) {
            (Value::Null, _) => None,
            (Value::String(text), ReportFormat::Text | ReportFormat::Bytes) => Some(text.as_bytes().clone()),
            (Value::Bytes(bytes), ReportFormat::Text | ReportFormat::Bytes) => Some(bytes.clone()),
            (key, ReportFormat::Text) => Some(key.to_string().into()),
            (key, _) => Some(to_json(key, record.key_schema.as_ref(), Decimals::Base64)?.into()),
        };
        let value = match self.settings.value {
            ReportFormat::Json => {
                let text = Value::String(String::from_utf8_lossy(body).into_owned().into());
                to_json(&text, None, Decimals::Base64)?.into()
            }
            ReportFormat::Text | ReportFormat::Bytes => body.clone(),
        };
        Ok(Report { topic: self.name.clone(), key, value: Some(value), headers })
    }
}

/// Which record it was.
fn place(record: &SinkRecord) -> Vec<(Arc<str>, Option<Bytes>)> {
    let text = |name: &str, value: String| (name.into(), Some(value.into()));
    vec![
        text("input_record_offset", record.offset.to_string()),
        text("input_record_timestamp", record.timestamp_ms.map_or_else(|| "null".to_owned(), |ms| ms.to_string())),
        text("input_record_partition", record.original_partition().to_string()),
        text("input_record_topic", record.original_topic().to_string()),
    ]
}
