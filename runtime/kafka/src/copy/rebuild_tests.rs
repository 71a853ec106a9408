//! Batches that are opened come back with the same records, whatever their codec.

use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, Record, RecordBatchDecoder,
    RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};

use super::super::header::{self, Identity};
use super::super::intake;
use super::super::lane::Lane;
use super::*;
use crate::consumer::TopicPartition;
use crate::fetch::Chunk;

fn record(offset: i64, value: Option<&'static str>) -> Record {
    Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: NO_PRODUCER_ID,
        producer_epoch: NO_PRODUCER_EPOCH,
        timestamp_type: TimestampType::Creation,
        offset,
        sequence: offset as i32,
        timestamp: 1_000 + offset * 3,
        key: (offset % 2 == 0).then(|| Bytes::from(format!("k{offset}"))),
        value: value.map(Bytes::from),
        headers: [
            (StrBytes::from_static_str("h"), Some(Bytes::from_static(b"v"))),
            (StrBytes::from_static_str("n"), None),
        ]
        .into_iter()
        .collect(),
    }
}

fn batch(records: &[Record], compression: Compression) -> Bytes {
    let mut out = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression };
    RecordBatchEncoder::encode(&mut out, records, &options).expect("encodes");
    out.freeze()
}

/// Puts a batch through a lane, from `position` on; what would be sent.
fn through(bytes: Bytes, position: i64) -> Vec<(Parcel, Bytes)> {
    let mut lane = Lane::new(TopicPartition::new("t", 0), TopicPartition::new("t", 0));
    intake::take(&mut lane, position, Chunk::new(bytes, Vec::new()), &std::sync::Arc::default()).expect("takes");
    lane.leader = Some(1);
    lane.set_identity(Identity { id: 42, epoch: 1 });
    let mut sent = Vec::new();
    while let Some((number, sequence, parcel)) = lane.send() {
        let mut whole = BytesMut::new();
        header::write(&mut whole, parcel.batch(), Identity { id: 42, epoch: 1 }, sequence);
        whole.extend_from_slice(&parcel.batch()[HEADER..]);
        lane.answered(number, super::super::lane::Outcome::Appended(Some(0)));
        let (parcel, _) = lane.take_done().expect("done");
        sent.push((parcel, whole.freeze()));
    }
    sent
}

fn read(batch: &Bytes) -> Vec<Record> {
    RecordBatchDecoder::decode(&mut batch.clone()).expect("a sound batch").records
}

fn contents(records: &[Record]) -> Vec<(i64, Option<Bytes>, Option<Bytes>, usize)> {
    records.iter().map(|it| (it.timestamp, it.key.clone(), it.value.clone(), it.headers.len())).collect()
}

const CODECS: [Compression; 5] =
    [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

#[test]
fn a_batch_without_holes_is_the_same_bytes_behind_its_header() {
    for compression in CODECS {
        let records: Vec<Record> = (0..20).map(|offset| record(offset, Some("v"))).collect();
        let bytes = batch(&records, compression);
        let sent = through(bytes.clone(), 0);
        let [(parcel, whole)] = sent.as_slice() else { panic!("one batch") };
        assert_eq!(whole[HEADER..], bytes[HEADER..], "{compression:?}");
        assert_eq!((parcel.runs(), parcel.end()), (&[Run { first: 0, count: 20 }][..], 19));
        let read = read(whole);
        assert_eq!(contents(&read), contents(&records));
        assert!(read.iter().all(|record| record.producer_id == 42 && record.producer_epoch == 1));
        assert_eq!(read.iter().map(|record| record.sequence).collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
    }
}

#[test]
fn holes_are_closed_and_each_run_keeps_its_offsets() {
    for compression in CODECS {
        let whole: Vec<Record> = (0..10).map(|offset| record(offset, (offset != 7).then_some("v"))).collect();
        let kept: Vec<Record> = whole.iter().filter(|it| [2, 3, 7, 9].contains(&it.offset)).cloned().collect();
        // As compaction leaves it: fewer records, the same range of offsets.
        let mut bytes = BytesMut::from(&batch(&kept, compression)[..]);
        let base = i64::from_be_bytes(bytes[..8].try_into().expect("eight"));
        assert_eq!(base, 2);
        bytes[23..27].copy_from_slice(&9_i32.to_be_bytes());
        let crc = crc32c::crc32c(&bytes[21..]);
        bytes[17..21].copy_from_slice(&crc.to_be_bytes());
        let sent = through(bytes.freeze(), 3);
        let [(parcel, whole)] = sent.as_slice() else { panic!("one batch") };
        assert_eq!(contents(&read(whole)), contents(&kept[1..]), "{compression:?}");
        let runs: Vec<(i64, i32)> = parcel.runs().iter().map(|run| (run.first, run.count)).collect();
        assert_eq!((runs, parcel.end()), (vec![(3, 1), (7, 1), (9, 1)], 11));
        assert_eq!(read(whole).iter().map(|it| it.offset).collect::<Vec<_>>(), [0, 1, 2]);
    }
}

#[test]
fn the_time_of_the_log_becomes_the_time_of_each_record() {
    let records: Vec<Record> = (0..3).map(|offset| record(offset, Some("v"))).collect();
    let mut bytes = BytesMut::from(&batch(&records, Compression::None)[..]);
    bytes[22] |= 0x08;
    bytes[35..43].copy_from_slice(&77_000_i64.to_be_bytes());
    let crc = crc32c::crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    let sent = through(bytes.freeze(), 0);
    let read = read(&sent[0].1);
    assert!(read.iter().all(|it| it.timestamp == 77_000 && it.timestamp_type == TimestampType::Creation));
}

#[test]
fn transactional_batches_lose_their_bits_and_markers_are_passed_over() {
    let mut records: Vec<Record> = (0..3).map(|offset| record(offset, Some("v"))).collect();
    for record in &mut records {
        (record.transactional, record.producer_id, record.producer_epoch, record.sequence) =
            (true, 9, 0, record.offset as i32);
    }
    let mut marker = record(3, None);
    (marker.transactional, marker.control, marker.producer_id, marker.producer_epoch) = (true, true, 9, 0);
    marker.key = Some(Bytes::from_static(&[0, 0, 0, 1]));
    let mut bytes = batch(&records, Compression::None).to_vec();
    bytes.extend_from_slice(&batch(&[marker], Compression::None));
    let mut lane = Lane::new(TopicPartition::new("t", 0), TopicPartition::new("t", 0));
    intake::take(&mut lane, 0, Chunk::new(bytes.into(), Vec::new()), &std::sync::Arc::default()).expect("takes");
    let (_, _, parcel) = lane.send().expect("the records");
    let mut whole = BytesMut::new();
    header::write(&mut whole, parcel.batch(), Identity { id: 42, epoch: 1 }, 0);
    whole.extend_from_slice(&parcel.batch()[HEADER..]);
    assert!(read(&whole.freeze()).iter().all(|it| !it.transactional));
    lane.answered(0, super::super::lane::Outcome::Appended(Some(5)));
    let ends: Vec<i64> = std::iter::from_fn(|| lane.take_done().map(|(parcel, _)| parcel.end())).collect();
    assert_eq!(ends, [2, 3]);
}

#[test]
fn halves_have_all_records_and_their_offsets() {
    for compression in CODECS {
        let records: Vec<Record> = (10..21).map(|offset| record(offset, Some("value"))).collect();
        let (parcel, _) = through(batch(&records, compression), 0).remove(0);
        let (first, second) = halves(&parcel).expect("parts");
        assert_eq!((first.count(), second.count(), first.end(), second.end()), (5, 6, 14, 20));
        assert_eq!(second.runs(), [Run { first: 15, count: 6 }]);
        let mut both = Vec::new();
        for half in [&first, &second] {
            let mut whole = BytesMut::new();
            header::write(&mut whole, half.batch(), Identity { id: 1, epoch: 0 }, 0);
            whole.extend_from_slice(&half.batch()[HEADER..]);
            both.extend(read(&whole.freeze()));
        }
        assert_eq!(contents(&both), contents(&records), "{compression:?}");
    }
}

#[test]
fn damaged_bytes_are_named_with_partition_and_offset() {
    let mut bytes = batch(&[record(4, Some("v"))], Compression::None).to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let mut lane = Lane::new(TopicPartition::new("t", 3), TopicPartition::new("t", 3));
    let error = intake::take(&mut lane, 0, Chunk::new(bytes.into(), Vec::new()), &std::sync::Arc::default());
    let error = error.expect_err("refused").to_string();
    assert!(error.starts_with("t-3: the batch at offset 4 is damaged"), "{error}");
}
