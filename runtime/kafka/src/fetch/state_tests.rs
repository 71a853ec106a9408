//! Who is asked for what, and which answers count.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::ResponseError;
use tokio::time::Instant;

use super::chunk::Chunk;
use super::fetcher::{FetchConfig, Start};
use super::lineage::Lineage;
use super::request::{Answer, Asked, Trouble, request, request_by_id};
use super::state::{Leader, State};
use crate::consumer::TopicPartition;
use crate::wire::FetchById;

const PAUSE: Duration = Duration::from_millis(100);

fn tp(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition::new(topic, partition)
}

/// Partitions that begin at offset 10, led by broker 1.
fn state(partitions: &[TopicPartition]) -> State {
    let mut state = State::default();
    state.assign(partitions.iter().map(|tp| (tp.clone(), Start::At(10))));
    for partition in state.partitions.values_mut() {
        partition.leader = Some(Leader { node: 1, epoch: 5 });
    }
    state
}

fn config() -> FetchConfig {
    FetchConfig {
        max_wait: Duration::from_millis(500),
        min_bytes: 1,
        max_bytes: 1 << 20,
        partition_bytes: 1 << 20,
        queued_bytes: 1 << 20,
        read_committed: false,
        rack: String::new(),
        reset: None,
        lineage: None,
    }
}

/// One batch with one record of this value.
fn chunk(offset: i64, value: &str) -> Answer {
    let mut record = vec![0, 0, 0, 1, (value.len() as u8) << 1];
    record.extend_from_slice(value.as_bytes());
    record.push(0);
    let mut sealed = BytesMut::new();
    sealed.put_i16(0);
    sealed.put_i32(0);
    sealed.put_slice(&[0; 16]);
    sealed.put_i64(-1);
    sealed.put_slice(&[0xff; 6]);
    sealed.put_i32(1);
    sealed.put_u8((record.len() as u8) << 1);
    sealed.put_slice(&record);
    let mut bytes = BytesMut::new();
    bytes.put_i64(offset);
    bytes.put_i32(9 + sealed.len() as i32);
    bytes.put_i32(-1);
    bytes.put_i8(2);
    bytes.put_u32(crc32c::crc32c(&sealed));
    bytes.put_slice(&sealed);
    Answer::Records { chunk: Box::new(Chunk::new(bytes.freeze(), Vec::new())), next: Some((offset + 1, -1)) }
}

fn read(state: &mut State) -> Vec<String> {
    let mut records = Vec::new();
    state.read(100, usize::MAX, &mut records).expect("reads");
    let text = |value: Option<Bytes>| String::from_utf8(value.unwrap_or_default().to_vec()).expect("UTF-8");
    records.into_iter().map(|record| text(record.value)).collect()
}

fn only(state: &State, node: i32) -> Asked {
    let asked = state.ask(node, Instant::now());
    assert_eq!(asked.len(), 1, "{asked:?}");
    asked[0].clone()
}

#[tokio::test(start_paused = true)]
async fn an_answer_counts_while_the_partition_is_where_it_was_when_it_was_asked() {
    let (mut state, now) = (state(&[tp("t", 0)]), Instant::now());
    let asked = only(&state, 1);
    assert_eq!((asked.offset, asked.leader_epoch), (10, 5));
    state.seek(&asked.tp, Start::At(3));
    assert!(state.answered(&asked, chunk(10, "before the seek"), now, PAUSE).is_none());
    let asked = only(&state, 1);
    assert!(state.answered(&asked, chunk(3, "after it"), now, PAUSE).is_none());
    assert!(state.answered(&asked, chunk(3, "asked of two brokers"), now, PAUSE).is_none());
    assert_eq!(read(&mut state), ["after it"]);
    assert_eq!((only(&state, 1).offset, state.positions()), (4, vec![(tp("t", 0), 4)]));
    let asked = only(&state, 1);
    state.revoke(&[tp("t", 0)]);
    assert!(state.answered(&asked, chunk(4, "of a partition that is gone"), now, PAUSE).is_none());
    assert!(!state.is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_lags_behind_does_not_send_the_partition_back() {
    let (mut state, now) = (state(&[tp("t", 0)]), Instant::now());
    let asked = only(&state, 1);
    assert!(state.answered(&asked, Answer::AskReplica(2), now, PAUSE).is_none());
    assert_eq!((state.targets(now), only(&state, 2).from_replica), (vec![2], true));
    let asked = only(&state, 2);
    assert!(
        state.answered(&asked, Answer::Trouble(Trouble::OutOfRange), now, PAUSE).is_none(),
        "the leader knows better"
    );
    tokio::time::advance(PAUSE).await;
    let asked = only(&state, 1);
    assert_eq!((asked.offset, asked.from_replica), (10, false));
    let trouble = state.answered(&asked, Answer::Trouble(Trouble::OutOfRange), Instant::now(), PAUSE);
    assert!(matches!(trouble, Some(Trouble::OutOfRange)) && state.reset(&asked, Start::Earliest));
    assert_eq!(state.starts_to_look_up(Instant::now()).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_nobody_knows_has_its_partitions_looked_up_again() {
    let (mut state, now) = (state(&[tp("t", 0), tp("u", 0)]), Instant::now());
    let asked = state.ask(1, now);
    state.answered(&asked[0], Answer::AskReplica(2), now, PAUSE);
    assert_eq!(state.targets(now), [1, 2]);
    state.forget_broker(2);
    assert_eq!((state.targets(now), state.topics_to_look_up()), (vec![1], vec!["t"]));
    let moved = Answer::Trouble(Trouble::LeaderMoved);
    state.answered(&asked[1], moved, now, PAUSE);
    assert_eq!(state.topics_to_look_up(), ["t", "u"]);
}

#[tokio::test(start_paused = true)]
async fn a_paused_partition_is_not_asked_and_holds_up_no_other() {
    let (mut state, now) = (state(&[tp("t", 0), tp("t", 1)]), Instant::now());
    for (asked, value) in state.ask(1, now).iter().zip(["zero", "one"]) {
        state.answered(asked, chunk(10, value), now, PAUSE);
    }
    state.set_paused(&tp("t", 0), true);
    assert_eq!(only(&state, 1).tp, tp("t", 1));
    assert_eq!(read(&mut state), ["one"]);
    assert!(!state.is_ready() && state.waiting_bytes() == 0);
    state.set_paused(&tp("t", 0), false);
    assert!(state.is_ready() && state.waiting_bytes() > 0);
    assert_eq!(read(&mut state), ["zero"]);
}

#[tokio::test(start_paused = true)]
async fn who_brought_records_comes_last_in_the_next_request() {
    let (mut state, now) = (state(&[tp("t", 0), tp("u", 0), tp("t", 1)]), Instant::now());
    let asked = state.ask(1, now);
    let topics = |state: &State| -> Vec<String> {
        let request = request(&config(), &state.ask(1, now));
        request.topics.iter().map(|topic| topic.topic.to_string()).collect()
    };
    assert_eq!(topics(&state), ["t", "u", "t"], "the broker fills its answer from the front");
    state.answered(&asked[0], chunk(10, "x"), now, PAUSE);
    let asked = state.ask(1, now);
    let order: Vec<String> = asked.iter().map(|asked| asked.tp.to_string()).collect();
    assert_eq!(order, ["u-0", "t-1", "t-0"]);
    state.answered(&asked[1], chunk(10, "y"), now, PAUSE);
    assert_eq!(topics(&state), ["u", "t"]);
}

#[tokio::test(start_paused = true)]
async fn trouble_that_passes_is_tried_again_after_the_pause() {
    let (mut state, now) = (state(&[tp("t", 0)]), Instant::now());
    let asked = only(&state, 1);
    let passing = Answer::Trouble(Trouble::Passing(ResponseError::OffsetNotAvailable));
    assert!(matches!(state.answered(&asked, passing, now, PAUSE), Some(Trouble::Passing(_))));
    assert!(state.targets(now).is_empty());
    assert_eq!(state.next_retry(now), Some(now + PAUSE));
    tokio::time::advance(PAUSE).await;
    assert_eq!(state.targets(Instant::now()), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_topic_with_another_id_is_another_log() {
    let (mut state, tp) = (state(&[tp("t", 0)]), tp("t", 0));
    let (old, new) = (Lineage::id(1), Lineage::id(2));
    assert_eq!(state.found_id(&tp, old), None, "what is found first is the log that is read");
    assert_eq!(state.found_id(&tp, old), None);
    assert_eq!(state.found_id(&tp, new), Some(old));
    assert_eq!(state.begin_again(&tp, new, Start::Earliest), Some(10));
    assert_eq!(state.starts_to_look_up(Instant::now()).len(), 1);
    assert_eq!(state.found_id(&tp, new), None);
}

#[tokio::test(start_paused = true)]
async fn each_fetch_says_which_epoch_was_read_and_goes_back_where_the_log_has_lost_it() {
    let (mut state, now, tp) = (state(&[tp("t", 0)]), Instant::now(), tp("t", 0));
    state.set_lineage(&tp, Lineage { topic_id: Some(Lineage::id(1)), leader_epoch: 3 });
    let asked = only(&state, 1);
    let FetchById(sent) = request_by_id(&config(), std::slice::from_ref(&asked));
    let topic = &sent.topics[0];
    assert_eq!((topic.topic_id, topic.partitions[0].last_fetched_epoch), (Lineage::id(1), 3));
    let Answer::Records { chunk, .. } = chunk(10, "x") else { unreachable!("records") };
    state.answered(&asked, Answer::Records { chunk, next: Some((11, 4)) }, now, PAUSE);
    let asked = only(&state, 1);
    assert_eq!((asked.offset, asked.lineage.leader_epoch), (11, 4));
    let diverged = || Answer::Trouble(Trouble::Diverged { epoch: 3, end: 9 });
    let trouble = state.answered(&asked, diverged(), now, PAUSE);
    assert!(matches!(trouble, Some(Trouble::Diverged { epoch: 3, end: 9 })));
    assert!(!state.go_back(&asked, 3, 9), "what was fetched is read first");
    read(&mut state);
    assert!(state.go_back(&asked, 3, 9));
    let asked = only(&state, 1);
    assert_eq!((asked.offset, asked.lineage), (9, Lineage { topic_id: Some(Lineage::id(1)), leader_epoch: 3 }));
}
