//! Sending requests until their fate is known: attempts, pauses, renewed tokens, halved batches, results per record.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Client, Method};
use sluice_api::{Result, SinkRecord};
use tokio::time::{Instant, sleep};
use tracing::debug;

use super::bulk::{Verdict, verdicts};
use super::ledger::{Ledger, RecordId};
use super::outcomes::{Outcomes, Undelivered};
use super::rejects::Rejects;
use super::requests::{Delivery, Item, Lane};
use super::settings::SinkSettings;
use crate::client::{Answer, Authorizer, Failure, Pace};

const MAX_ANSWER_BYTES: usize = 64 * 1024;
const MAX_BULK_ANSWER_BYTES: usize = 32 * 1024 * 1024;
/// Statuses that say that something is wrong with a body, not with the server.
const BODY_AT_FAULT: [u16; 3] = [400, 413, 422];

/// The way to the server, shared by the lanes of a task.
pub(super) struct Exchange {
    settings: SinkSettings,
    client: Client,
    authorizer: Authorizer,
    pace: Pace,
}

/// How a lane ended.
pub(super) enum Ended {
    /// Every record has been delivered or reported.
    Empty,
    /// The next request has to wait this long; the reason is that of the last attempt.
    Later(Duration, String),
}

/// What became of a request.
enum Settled {
    /// With the body of the answer.
    Delivered(Bytes),
    /// The server will not take it: why, and its last answer.
    Refused(String, Option<Answer>),
    /// The server will not take it; parts of it may pass.
    Split,
    /// It has to wait longer than this call may.
    Later(Duration, String),
    /// Results per record: those that are refused, and those to send again.
    Partly { refused: Vec<(usize, String)>, again: Vec<Item>, reason: String, answer: Answer },
}

/// Where the fate of records is told.
#[derive(Clone, Copy)]
pub(super) struct Fates<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) rejects: &'a Rejects,
    pub(super) outcomes: &'a Outcomes,
}

impl Fates<'_> {
    fn delivered(&self, record: &SinkRecord, answer: &Bytes) -> Result<()> {
        self.outcomes.delivered(record, answer)?;
        self.ledger.done(record);
        Ok(())
    }

    /// `target` is for people, the rest for the topic of failures.
    pub(super) fn failed(&self, record: &SinkRecord, target: &str, what: &Undelivered<'_>) -> Result<()> {
        self.outcomes.failed(record, what)?;
        self.rejects.failed(record, format!("{target}{}", what.reason))?;
        self.ledger.done(record);
        Ok(())
    }
}

impl Exchange {
    /// # Errors
    /// `Config` when certificates or credentials cannot be used.
    pub(super) fn new(settings: SinkSettings) -> Result<Self> {
        let client = settings.client.build()?;
        let (authorizer, pace) = (Authorizer::new(&settings.auth)?, Pace::per_second(settings.rate));
        Ok(Self { settings, client, authorizer, pace })
    }

    /// Sends the requests of a lane one after the other.
    ///
    /// # Errors
    /// A record that cannot be delivered ends the task.
    pub(super) async fn run(
        &self,
        lane: Lane,
        records: &[SinkRecord],
        fates: Fates<'_>,
        patience: Instant,
    ) -> Result<Ended> {
        let ledger = fates.ledger;
        let mut waiting: Vec<Delivery> = lane.deliveries;
        waiting.reverse();
        while let Some(delivery) = waiting.pop() {
            let Some(first) = delivery.items.first().map(|item| RecordId::of(&records[item.index])) else { continue };
            let mut retries = ledger.retries(&first);
            let target = delivery.target();
            let failed = |item: &Item, reason: &str, answer: Option<&Answer>| {
                let undelivered = Undelivered { url: delivery.url.as_str(), payload: &item.body, answer, reason };
                fates.failed(&records[item.index], &format!("{target}: "), &undelivered)
            };
            match self.settle(&delivery, records, &mut retries, patience).await {
                Settled::Delivered(answer) => {
                    delivery.items.iter().try_for_each(|item| fates.delivered(&records[item.index], &answer))?;
                }
                Settled::Refused(reason, answer) => {
                    delivery.items.iter().try_for_each(|item| failed(item, &reason, answer.as_ref()))?;
                }
                Settled::Split => {
                    let (one, other) = delivery.halves();
                    waiting.extend([other, one]);
                }
                Settled::Later(pause, reason) => {
                    ledger.set_retries(first, retries);
                    return Ok(Ended::Later(pause, format!("{target}: {reason}")));
                }
                Settled::Partly { refused, again, reason, answer } => {
                    for item in &delivery.items {
                        let refusal = refused.iter().find(|(index, _)| *index == item.index);
                        match refusal {
                            Some((_, reason)) => failed(item, reason, Some(&answer))?,
                            None if again.iter().any(|one| one.index == item.index) => {}
                            None => fates.delivered(&records[item.index], &answer.body)?,
                        }
                    }
                    if again.is_empty() {
                        continue;
                    }
                    if retries >= self.settings.retry.max_retries {
                        again.iter().try_for_each(|item| failed(item, &tried(&reason, retries), Some(&answer)))?;
                        continue;
                    }
                    retries += 1;
                    let rest = delivery.with_items(again);
                    ledger.set_retries(RecordId::of(&records[rest.items[0].index]), retries);
                    let pause = self.settings.retry.pause(retries, None);
                    if Instant::now() + pause > patience {
                        return Ok(Ended::Later(pause, format!("{target}: {reason}")));
                    }
                    sleep(pause).await;
                    waiting.push(rest);
                }
            }
        }
        Ok(Ended::Empty)
    }

    async fn settle(
        &self,
        delivery: &Delivery,
        records: &[SinkRecord],
        retries: &mut u32,
        patience: Instant,
    ) -> Settled {
        let mut renewed = false;
        loop {
            let (reason, answer) = match self.exchange(delivery, records).await {
                Ok((answer, _)) if answer.is_success() => match self.judge(delivery, &answer) {
                    Ok(settled) => return settled,
                    Err(failure) => (failure.to_string(), Some(answer)),
                },
                Ok((answer, sent)) => {
                    if !renewed && self.authorizer.renew(answer.status, sent.as_ref()).await {
                        renewed = true;
                        continue;
                    }
                    if self.settings.batch.split && delivery.items.len() > 1 && BODY_AT_FAULT.contains(&answer.status) {
                        return Settled::Split;
                    }
                    let reason = answer.describe();
                    if !self.settings.retry.on.contains(answer.status) {
                        return Settled::Refused(reason, Some(answer));
                    }
                    (reason, Some(answer))
                }
                Err(failure) => (failure.to_string(), None),
            };
            if *retries >= self.settings.retry.max_retries {
                return Settled::Refused(tried(&reason, *retries), answer);
            }
            *retries += 1;
            let asked = answer.as_ref().filter(|answer| !answer.is_success()).map(|answer| &answer.headers);
            let pause = self.settings.retry.pause(*retries, asked);
            debug!(reason, pause_ms = pause.as_millis() as u64, retry = *retries, "a request is sent again");
            if Instant::now() + pause > patience {
                return Settled::Later(pause, reason);
            }
            sleep(pause).await;
        }
    }

    /// One attempt: the answer, and the credential that was sent.
    async fn exchange(
        &self,
        delivery: &Delivery,
        records: &[SinkRecord],
    ) -> std::result::Result<(Answer, Option<HeaderValue>), Failure> {
        self.pace.turn().await;
        let mut request = reqwest::Request::new(delivery.method.clone(), delivery.url.clone());
        *request.headers_mut() = self.headers(delivery, records);
        if delivery.method != Method::DELETE {
            *request.body_mut() = Some(self.body(delivery).into());
        }
        self.authorizer.authorize(&self.client, &mut request).await?;
        let sent = request.headers().get(AUTHORIZATION).cloned();
        let response = self.client.execute(request).await.map_err(|error| Failure::of(&error))?;
        let limit = if self.settings.bulk.is_some() { MAX_BULK_ANSWER_BYTES } else { MAX_ANSWER_BYTES };
        Ok((Answer::read(response, limit).await?, sent))
    }

    fn headers(&self, delivery: &Delivery, records: &[SinkRecord]) -> HeaderMap {
        let mut headers = delivery.headers.clone();
        if let Some(name) = &self.settings.idempotency_header {
            let (first, last) = (&delivery.items[0], &delivery.items[delivery.items.len() - 1]);
            let (first, last) = (&records[first.index], &records[last.index]);
            let mut text = format!("{}-{}-{}", first.original_topic(), first.original_partition(), first.offset);
            if delivery.items.len() > 1 {
                text.push_str(&format!("-{}-{}-{}", last.original_partition(), last.offset, delivery.items.len()));
            }
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        }
        headers
    }

    fn body(&self, delivery: &Delivery) -> Bytes {
        let batch = &self.settings.batch;
        let [prefix, separator, suffix] = match (&self.settings.bulk, batch.enabled) {
            (None, true) => [&*batch.prefix, &*batch.separator, &*batch.suffix],
            _ => [""; 3],
        };
        if delivery.items.len() == 1 && prefix.is_empty() && suffix.is_empty() {
            return delivery.items[0].body.clone();
        }
        let bytes = delivery.items.iter().map(|item| item.body.len() + separator.len()).sum::<usize>();
        let mut body = BytesMut::with_capacity(prefix.len() + bytes + suffix.len());
        body.put_slice(prefix.as_bytes());
        for (at, item) in delivery.items.iter().enumerate() {
            if at > 0 {
                body.put_slice(separator.as_bytes());
            }
            body.put_slice(&item.body);
        }
        body.put_slice(suffix.as_bytes());
        body.freeze()
    }

    /// What a successful answer means.
    fn judge(&self, delivery: &Delivery, answer: &Answer) -> std::result::Result<Settled, Failure> {
        if self.settings.bulk.is_none() {
            return Ok(Settled::Delivered(answer.body.clone()));
        }
        if answer.cut {
            return Err(Failure::new(format!("the answer is longer than {MAX_BULK_ANSWER_BYTES} bytes")));
        }
        let (mut refused, mut again, mut last) = (Vec::new(), Vec::new(), String::new());
        for (item, verdict) in delivery.items.iter().zip(verdicts(&answer.body, delivery.items.len())?) {
            match verdict {
                Verdict::Done => {}
                Verdict::Refused(reason) => refused.push((item.index, reason)),
                Verdict::Later(reason) => {
                    again.push(item.clone());
                    last = reason;
                }
            }
        }
        Ok(match refused.is_empty() && again.is_empty() {
            true => Settled::Delivered(answer.body.clone()),
            false => Settled::Partly { refused, again, reason: last, answer: answer.clone() },
        })
    }
}

fn tried(reason: &str, retries: u32) -> String {
    format!("{reason} ({} attempts)", u64::from(retries) + 1)
}
