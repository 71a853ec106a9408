//! Objects on their way: parts in parallel, one request for what is smaller than a part, again and again while the store has trouble.
//!
//! A body stays in memory or in the spill folder until the store has taken it, so trouble that passes costs no record and no
//! second reading of the topic.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use aws_sdk_s3::types::CompletedPart;
use bytes::Bytes;
use openssl::hash::{MessageDigest, hash};
use sluice_api::ConnectError;
use tokio::sync::{Notify, OnceCell, Semaphore};
use tokio::task::JoinHandle;
use tracing::warn;

use super::spill::Spilled;
use crate::client::{Failure, FailureKind, Store};

/// The pause after the first failure; it doubles up to [`LAST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(30);
/// How often an upload that is to be aborted is asked for its id.
const LOOK_FOR_ID: Duration = Duration::from_millis(10);

/// Sends what the objects of one task are made of.
#[derive(Clone)]
pub(crate) struct Uploader {
    store: Store,
    /// Requests at a time.
    permits: Arc<Semaphore>,
    in_flight: Arc<InFlight>,
}

/// Bytes in memory that are on their way.
#[derive(Default)]
struct InFlight {
    bytes: AtomicUsize,
    less: Notify,
}

/// A piece of an object.
pub(crate) struct Body {
    pub(crate) spilled: Option<Spilled>,
    pub(crate) tail: Bytes,
}

/// A task of the runtime that ends when this is dropped.
pub(crate) struct Job<T>(Option<JoinHandle<Result<T, Failure>>>);

/// An object of which parts were sent.
pub(crate) struct Multipart {
    key: Arc<str>,
    id: Arc<OnceCell<Arc<str>>>,
    parts: Vec<Job<CompletedPart>>,
}

/// Bytes that are counted as in flight until this is dropped.
struct Counted {
    in_flight: Arc<InFlight>,
    bytes: usize,
}

impl Uploader {
    pub(crate) fn new(store: Store, requests: usize) -> Self {
        Self { store, permits: Arc::new(Semaphore::new(requests)), in_flight: Arc::default() }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Bytes in memory that are on their way.
    pub(crate) fn in_flight_bytes(&self) -> usize {
        self.in_flight.bytes.load(Ordering::Relaxed)
    }

    /// Waits until some bytes are sent.
    pub(crate) async fn less_in_flight(&self) {
        self.in_flight.less.notified().await;
    }

    /// Sends a part that is not the last one.
    pub(crate) fn part(&self, multipart: &mut Option<Multipart>, key: &str, body: Body) {
        let multipart =
            multipart.get_or_insert_with(|| Multipart { key: key.into(), id: Arc::default(), parts: Vec::new() });
        let number = i32::try_from(multipart.parts.len() + 1).unwrap_or(i32::MAX);
        let (uploader, key, id) = (self.clone(), multipart.key.clone(), multipart.id.clone());
        let counted = self.count(body.tail.len());
        multipart.parts.push(Job::spawn(async move { uploader.send_part(&key, &id, number, body, counted).await }));
    }

    /// Sends the rest and completes the object.
    pub(crate) fn finish(&self, mut multipart: Option<Multipart>, key: &str, rest: Body) -> Job<()> {
        if multipart.is_none() {
            let (uploader, key, counted) = (self.clone(), Arc::<str>::from(key), self.count(rest.tail.len()));
            return Job::spawn(async move { uploader.put(&key, rest, counted).await });
        }
        if !rest.is_empty() {
            self.part(&mut multipart, key, rest);
        }
        let mut multipart = multipart.expect("looked at above");
        let uploader = self.clone();
        Job::spawn(async move {
            let mut parts = Vec::with_capacity(multipart.parts.len());
            for part in &mut multipart.parts {
                parts.push(part.await?);
            }
            uploader.complete(&multipart, parts).await
        })
    }

    /// Gives up what was sent of an object.
    pub(crate) async fn abort(&self, multipart: Multipart) {
        // An upload that is just being begun has an id soon, and is there already.
        while multipart.id.get().is_none() && multipart.parts.iter().any(|part| !part.is_finished()) {
            tokio::time::sleep(LOOK_FOR_ID).await;
        }
        // The parts first: one that arrives after the end of its upload costs money for ever.
        drop(multipart.parts);
        let Some(id) = multipart.id.get() else { return };
        if let Err(failure) = self.store.abort(&multipart.key, id).await
            && failure.kind != FailureKind::UploadGone
        {
            let error = failure.error;
            warn!(key = &*multipart.key, upload = &**id, %error, "an unfinished upload stays behind; a lifecycle rule can remove it");
        }
    }

    async fn put(&self, key: &str, body: Body, mut counted: Counted) -> Result<(), Failure> {
        let _permit = self.permit().await;
        let body = body.load(&mut counted)?;
        until_it_passes(key, || self.store.put(key, body.clone())).await
    }

    async fn send_part(
        &self,
        key: &str,
        id: &OnceCell<Arc<str>>,
        number: i32,
        body: Body,
        mut counted: Counted,
    ) -> Result<CompletedPart, Failure> {
        let _permit = self.permit().await;
        let body = body.load(&mut counted)?;
        let send = || async {
            let id = id.get_or_try_init(|| self.store.begin(key)).await?;
            self.store.part(key, id, number, body.clone()).await
        };
        until_it_passes(key, send).await
    }

    async fn complete(&self, multipart: &Multipart, parts: Vec<CompletedPart>) -> Result<(), Failure> {
        let (key, id) = (&*multipart.key, multipart.id.get().cloned().unwrap_or_default());
        let completed = until_it_passes(key, || self.store.complete(key, &id, parts.clone())).await;
        match completed {
            // The answer of an attempt that succeeded may have been lost: then the object is there.
            Err(failure) if failure.kind == FailureKind::UploadGone => {
                let found = until_it_passes(key, || self.store.etag(key)).await?;
                if found.is_some() && found == composed_etag(&parts) { Ok(()) } else { Err(failure) }
            }
            completed => completed,
        }
    }

    async fn permit(&self) -> tokio::sync::SemaphorePermit<'_> {
        self.permits.acquire().await.expect("the semaphore is never closed")
    }

    fn count(&self, bytes: usize) -> Counted {
        self.in_flight.bytes.fetch_add(bytes, Ordering::Relaxed);
        Counted { in_flight: self.in_flight.clone(), bytes }
    }
}

/// Repeats a request while what stands in its way may pass. The task is told by the log; how it shows is the named state of
/// a full budget.
async fn until_it_passes<T, F>(key: &str, request: impl Fn() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut pause = FIRST_PAUSE;
    loop {
        match request().await {
            Err(failure) if failure.kind == FailureKind::Retriable => {
                let error = failure.error;
                warn!(key, %error, pause_ms = pause.as_millis() as u64, "the object is not written yet, trying again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LAST_PAUSE);
            }
            done => return done,
        }
    }
}

/// The tag that S3 gives to an object of these parts: the MD5 of their MD5s and their number.
fn composed_etag(parts: &[CompletedPart]) -> Option<String> {
    let mut sums = Vec::with_capacity(parts.len() * 16);
    for part in parts {
        sums.extend(from_hex(part.e_tag()?.trim_matches('"'))?);
    }
    let sum = hash(MessageDigest::md5(), &sums).ok()?;
    let hex: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(format!("\"{hex}-{}\"", parts.len()))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

impl Body {
    fn is_empty(&self) -> bool {
        self.spilled.is_none() && self.tail.is_empty()
    }

    /// The bytes in memory; the spilled file goes.
    fn load(self, counted: &mut Counted) -> Result<Bytes, Failure> {
        let Some(spilled) = self.spilled else { return Ok(self.tail) };
        let mut bytes = spilled.read().map_err(|error| Failure::new(FailureKind::Fatal, error))?;
        bytes.extend_from_slice(&self.tail);
        counted.set(bytes.len());
        Ok(bytes.into())
    }
}

impl Counted {
    fn set(&mut self, bytes: usize) {
        self.in_flight.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.in_flight.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = bytes;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.in_flight.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.in_flight.less.notify_one();
    }
}

impl<T: Send + 'static> Job<T> {
    pub(crate) fn spawn(work: impl Future<Output = Result<T, Failure>> + Send + 'static) -> Self {
        Self(Some(tokio::spawn(work)))
    }
}

impl<T> Job<T> {
    pub(crate) fn is_finished(&self) -> bool {
        self.0.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

/// Ready once; who asks again, after a failure that was not the end of the task, gets another failure.
impl<T> Future for Job<T> {
    type Output = Result<T, Failure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let fatal = |error| Failure::new(FailureKind::Fatal, error);
        let Some(handle) = &mut self.0 else {
            return Poll::Ready(Err(fatal(ConnectError::connect("an upload has failed before"))));
        };
        let Poll::Ready(ended) = Pin::new(handle).poll(context) else { return Poll::Pending };
        self.0 = None;
        Poll::Ready(ended.unwrap_or_else(|error| {
            Err(fatal(ConnectError::connect("an upload ended unexpectedly").with_source(error)))
        }))
    }
}

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        if let Some(handle) = &self.0 {
            handle.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_of_an_object_is_that_of_its_parts() {
        let part = |tag: &str| CompletedPart::builder().e_tag(format!("\"{tag}\"")).build();
        // Two parts of which each is empty.
        let empty = "d41d8cd98f00b204e9800998ecf8427e";
        let expected = "\"3b57c3f3a7cc8b4a7a1a3e1a7a1d6d3f-2\"".len();
        let tag = composed_etag(&[part(empty), part(empty)]).unwrap();
        assert_eq!((tag.len(), tag.ends_with("-2\"")), (expected, true));
        assert_eq!(composed_etag(&[part("not hex")]), None);
    }
}
