use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use sluice_api::{OffsetMap, Value};
use tokio::sync::Semaphore;

use super::OffsetWriter;
use crate::Error;
use crate::offset::OffsetBackingStore;

type Batch = Vec<(Bytes, Option<Bytes>)>;

/// Notes every batch, and answers it when it is given a permit: `true` means success.
struct GatedStore {
    batches: Mutex<Vec<Batch>>,
    answers: Mutex<Vec<bool>>,
    permits: Semaphore,
}

impl GatedStore {
    fn new() -> Arc<Self> {
        Arc::new(Self { batches: Mutex::default(), answers: Mutex::default(), permits: Semaphore::new(0) })
    }

    fn answer(&self, success: bool) {
        self.answers.lock().expect("no panic").insert(0, success);
        self.permits.add_permits(1);
    }

    fn batches(&self) -> Vec<Vec<(String, Option<String>)>> {
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
        let entry = |(key, value): &(Bytes, Option<Bytes>)| (text(key), value.as_ref().map(text));
        self.batches.lock().expect("no panic").iter().map(|batch| batch.iter().map(entry).collect()).collect()
    }
}

#[async_trait]
impl OffsetBackingStore for GatedStore {
    async fn start(&self) -> Result<(), Error> {
        Ok(())
    }

    async fn stop(&self) {}

    async fn get(&self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, Error> {
        Ok(vec![None; keys.len()])
    }

    async fn set(&self, values: Batch) -> Result<(), Error> {
        self.batches.lock().expect("no panic").push(values);
        self.permits.acquire().await.expect("never closed").forget();
        match self.answers.lock().expect("no panic").pop() {
            Some(true) => Ok(()),
            _ => Err(Error::Closed("gone".to_owned())),
        }
    }

    async fn connector_offsets(&self, _connector: &str) -> Result<Vec<(OffsetMap, Option<OffsetMap>)>, Error> {
        Ok(Vec::new())
    }
}

fn partition(name: &str) -> Arc<OffsetMap> {
    Arc::new(OffsetMap::single("f", Value::from(name)))
}

fn position(position: i64) -> OffsetMap {
    OffsetMap::single("p", Value::Int64(position))
}

fn entry(name: &str, position: i64) -> (String, Option<String>) {
    (format!(r#"["c",{{"f":"{name}"}}]"#), Some(format!(r#"{{"p":{position}}}"#)))
}

#[tokio::test]
async fn only_the_last_offset_of_a_partition_is_flushed() {
    let store = GatedStore::new();
    let writer = OffsetWriter::new(store.clone(), "c");
    assert!(!writer.begin_flush(), "nothing to flush");
    writer.flush().await.expect("nothing to flush");
    for number in 0..3 {
        writer.offset(partition("a"), position(number));
        writer.offset(partition("b"), position(number * 10));
    }
    store.answer(true);
    assert!(writer.begin_flush());
    writer.flush().await.expect("answered");
    assert_eq!(store.batches(), [[entry("a", 2), entry("b", 20)]]);
    assert!(!writer.begin_flush(), "flushed offsets are forgotten");
}

// Invariant 1: an offset that comes during a flush is not part of it, and nothing is lost when it fails.
#[tokio::test]
async fn a_failed_flush_merges_back_below_newer_offsets() {
    let store = GatedStore::new();
    let writer = OffsetWriter::new(store.clone(), "c");
    writer.offset(partition("a"), position(1));
    writer.offset(partition("b"), position(1));
    assert!(writer.begin_flush());
    writer.offset(partition("a"), position(2));
    store.answer(false);
    assert!(writer.flush().await.is_err());
    assert!(writer.begin_flush());
    store.answer(true);
    writer.flush().await.expect("answered");
    assert_eq!(store.batches(), [[entry("a", 1), entry("b", 1)], [entry("a", 2), entry("b", 1)]]);
}

#[tokio::test]
async fn a_flush_that_was_cancelled_does_not_finish_the_next_one() {
    let store = GatedStore::new();
    let writer = Arc::new(OffsetWriter::new(store.clone(), "c"));
    writer.offset(partition("a"), position(1));
    assert!(writer.begin_flush());
    let late = tokio::spawn({
        let writer = writer.clone();
        async move { writer.flush().await }
    });
    while store.batches().is_empty() {
        tokio::task::yield_now().await;
    }
    writer.cancel_flush();
    assert!(writer.begin_flush(), "the offset is collected again");
    store.answer(true);
    late.await.expect("no panic").expect("answered");
    store.answer(true);
    writer.flush().await.expect("answered");
    assert_eq!(store.batches(), [[entry("a", 1)], [entry("a", 1)]]);
    assert!(!writer.begin_flush());
}

#[tokio::test]
async fn a_dropped_flush_is_repeated() {
    let store = GatedStore::new();
    let writer = OffsetWriter::new(store.clone(), "c");
    writer.offset(partition("a"), position(1));
    assert!(writer.begin_flush());
    {
        let flush = writer.flush();
        tokio::pin!(flush);
        assert!(futures_poll_once(flush.as_mut()).await.is_none(), "the store has not answered");
    }
    assert!(writer.begin_flush());
    store.answer(true);
    writer.flush().await.expect("answered");
    assert_eq!(store.batches().len(), 2);
}

async fn futures_poll_once<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    std::future::poll_fn(move |context| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut future).poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn an_offset_that_cannot_be_serialized_blocks_until_it_is_replaced() {
    let store = GatedStore::new();
    let writer = OffsetWriter::new(store.clone(), "c");
    writer.offset(partition("a"), OffsetMap::single("p", Value::Array(Vec::new())));
    for _ in 0..2 {
        assert!(writer.begin_flush());
        assert!(matches!(writer.flush().await, Err(Error::Invalid(_))));
    }
    writer.offset(partition("a"), None::<OffsetMap>);
    assert!(writer.begin_flush());
    store.answer(true);
    writer.flush().await.expect("answered");
    assert_eq!(store.batches(), [[(entry("a", 0).0, None)]]);
}

#[test]
fn a_partition_is_the_same_in_any_order_of_fields() {
    let writer = OffsetWriter::new(GatedStore::new(), "c");
    let fields =
        [("t".into(), Value::from("x")), ("n".into(), Value::Float64(f64::NAN)), ("p".into(), Value::Int32(1))];
    let turned: OffsetMap = fields.iter().rev().cloned().collect();
    writer.offset(Arc::new(fields.into_iter().collect()), position(1));
    writer.offset(Arc::new(turned), position(2));
    assert_eq!(writer.collected().pending.len(), 1);
}
