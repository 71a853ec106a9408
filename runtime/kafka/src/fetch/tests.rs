//! Batches as Kafka's clients write them, whole, cut, damaged and compressed, through the reader of a fetch.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType as Stamped};
use proptest::prelude::*;

use super::chunk::{Aborted, Chunk};
use super::names::Names;
use super::{batch, message_set};
use crate::consumer::{ConsumerRecord, TimestampType, TopicPartition};
use crate::error::{Error, ErrorKind};

fn partition() -> TopicPartition {
    TopicPartition::new("t", 3)
}

fn plain(offset: i64, value: &str) -> Record {
    Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: -1,
        producer_id: -1,
        producer_epoch: -1,
        sequence: -1,
        timestamp_type: Stamped::Creation,
        offset,
        timestamp: 1_000 + offset,
        key: (offset % 2 == 0).then(|| Bytes::from(format!("k{offset}"))),
        value: Some(Bytes::from(value.to_owned())),
        headers: [("h".into(), Some(Bytes::from_static(b"v"))), ("none".into(), None)].into_iter().collect(),
    }
}

fn encoded(records: &[Record], compression: Compression) -> Bytes {
    let mut bytes = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression };
    RecordBatchEncoder::encode(&mut bytes, records, &options).expect("encodes");
    bytes.freeze()
}

/// What is read from `position` on, and where that ends.
fn read_from(mut position: i64, bytes: Bytes, aborted: Vec<Aborted>) -> Result<(Vec<ConsumerRecord>, i64), Error> {
    let (mut chunk, mut names, mut records) = (Chunk::new(bytes, aborted), Names::default(), Vec::new());
    while let Some(record) = chunk.next(&partition(), &mut position, &mut names)? {
        records.push(record);
    }
    Ok((records, position))
}

fn values(records: &[ConsumerRecord]) -> Vec<String> {
    let text = |record: &ConsumerRecord| String::from_utf8(record.value.clone().unwrap_or_default().to_vec());
    records.iter().map(|record| text(record).expect("UTF-8")).collect()
}

#[test]
fn records_come_as_they_were_written_whatever_their_compression() {
    let written: Vec<Record> =
        (5..400).map(|offset| plain(offset, &format!("value {offset} {}", "x".repeat(90)))).collect();
    for codec in [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd] {
        let bytes = encoded(&written, codec);
        assert_eq!(batch::last_offset(&bytes), Ok(Some(399)), "{codec:?}");
        let (read, position) = read_from(0, bytes, Vec::new()).expect("reads");
        assert_eq!((read.len(), position), (395, 400), "{codec:?}");
        for (read, written) in read.iter().zip(&written) {
            assert_eq!((&*read.topic, read.partition, read.offset), ("t", 3, written.offset));
            assert_eq!((&read.key, &read.value), (&written.key, &written.value), "{codec:?}");
            assert_eq!((read.timestamp_ms, read.timestamp_type), (Some(written.timestamp), TimestampType::CreateTime));
            let headers: Vec<_> = read.headers.iter().map(|(name, value)| (&**name, value.as_deref())).collect();
            assert_eq!(headers, [("h", Some(&b"v"[..])), ("none", None)]);
        }
    }
}

#[test]
fn reading_begins_at_the_position_and_a_batch_that_was_cut_comes_again() {
    let (first, second) =
        (encoded(&[plain(10, "a"), plain(11, "b")], Compression::None), encoded(&[plain(12, "c")], Compression::None));
    let whole = Bytes::from([&first[..], &second[..]].concat());
    let (read, position) = read_from(11, whole.clone(), Vec::new()).expect("reads");
    assert_eq!((values(&read), position), (vec!["b".to_owned(), "c".to_owned()], 13));
    for length in first.len()..whole.len() {
        let cut = whole.slice(..length);
        assert_eq!(batch::last_offset(&cut), Ok(Some(11)));
        let (read, position) = read_from(10, cut, Vec::new()).expect("reads");
        assert_eq!((read.len(), position), (2, 12), "cut at {length}");
    }
}

#[test]
fn a_damaged_batch_is_an_error_that_names_it() {
    let whole = encoded(&[plain(7, "a")], Compression::None);
    for at in 21..whole.len() {
        let mut bytes = whole.to_vec();
        bytes[at] ^= 1;
        let error = read_from(7, bytes.into(), Vec::new()).expect_err("damaged");
        assert_eq!(error.kind(), ErrorKind::CorruptRecord);
        assert!(error.to_string().starts_with("t-3: the batch at offset 7 is damaged"), "{error}");
    }
}

fn of_transaction(offset: i64, value: &str, producer_id: i64) -> Record {
    Record { transactional: true, producer_id, producer_epoch: 0, sequence: offset as i32, ..plain(offset, value) }
}

fn marker(offset: i64, producer_id: i64, kind: u8) -> Record {
    let key = Some(Bytes::copy_from_slice(&[0, 0, 0, kind]));
    let value = Some(Bytes::from_static(&[0, 0, 0, 0, 0, 0]));
    Record { control: true, key, value, headers: Default::default(), ..of_transaction(offset, "", producer_id) }
}

/// Invariant 4: what a transaction gave up is never handed on, what is beside it always is.
#[test]
fn transactions_that_were_given_up_and_their_markers_are_not_read() {
    let log = [
        of_transaction(0, "a0", 1),
        of_transaction(1, "b1", 2),
        of_transaction(2, "a2", 1),
        marker(3, 1, 0),
        of_transaction(4, "a4", 1),
        marker(5, 2, 1),
        marker(6, 1, 1),
        plain(7, "p7"),
    ];
    for codec in [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd] {
        // Markers are never compressed.
        let codec_of = |record: &Record| if record.control { Compression::None } else { codec };
        let bytes: Vec<u8> =
            log.iter().flat_map(|record| encoded(std::slice::from_ref(record), codec_of(record))).collect();
        let aborted = vec![Aborted { producer_id: 1, first_offset: 0 }];
        let (read, position) = read_from(0, bytes.clone().into(), aborted).expect("reads");
        assert_eq!((values(&read).join(" "), position), ("b1 a4 p7".to_owned(), 8), "{codec:?}");
        let (read, _) = read_from(0, bytes.into(), Vec::new()).expect("reads");
        assert_eq!(values(&read).join(" "), "a0 b1 a2 a4 p7", "{codec:?}: nothing is said to be given up");
    }
}

/// A message of an old format, from its checksum on.
fn message(magic: i8, attributes: i8, value: &[u8]) -> Bytes {
    let mut body = BytesMut::new();
    body.put_i8(magic);
    body.put_i8(attributes);
    if magic == 1 {
        body.put_i64(42);
    }
    body.put_i32(-1);
    body.put_i32(value.len() as i32);
    body.put_slice(value);
    let mut crc = flate2::Crc::new();
    crc.update(&body);
    Bytes::from([&crc.sum().to_be_bytes()[..], &body].concat())
}

fn with_offset(offset: i64, message: &Bytes) -> Vec<u8> {
    [&offset.to_be_bytes()[..], &(message.len() as i32).to_be_bytes(), message].concat()
}

#[test]
fn messages_of_the_formats_before_are_read_with_their_offsets() {
    let gzip = |bytes: &[u8]| {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("written");
        encoder.finish().expect("written")
    };
    // Format 0 has absolute offsets within a set, format 1 has offsets from its first.
    for (magic, inner) in [(0, [8, 9]), (1, [0, 1])] {
        let set =
            [with_offset(inner[0], &message(magic, 0, b"x")), with_offset(inner[1], &message(magic, 0, b"y"))].concat();
        let bytes =
            [with_offset(7, &message(magic, 0, b"w")), with_offset(9, &message(magic, 1, &gzip(&set)))].concat();
        assert_eq!(batch::last_offset(&bytes.clone().into()), Ok(Some(9)));
        let (read, position) = read_from(8, bytes.into(), Vec::new()).expect("reads");
        assert_eq!((values(&read).join(" "), position), ("x y".to_owned(), 10), "format {magic}");
        assert_eq!(read.iter().map(|record| record.offset).collect::<Vec<_>>(), [8, 9]);
        assert_eq!(read[0].timestamp_ms, (magic == 1).then_some(42));
    }
}

#[test]
fn a_message_that_is_cut_or_damaged_is_an_error() {
    let whole = message(1, 0, b"value");
    assert!(message_set::read(0, whole.clone()).is_ok());
    for length in 0..whole.len() {
        message_set::read(0, whole.slice(..length)).expect_err("cut");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let bytes = Bytes::from(bytes);
        drop(batch::last_offset(&bytes));
        drop(read_from(0, bytes, Vec::new()));
    }

    /// Records with any bytes in them, behind a checksum that holds.
    #[test]
    fn a_batch_of_any_records_is_answered(body in proptest::collection::vec(any::<u8>(), 0..200), count in any::<i32>(), codec in 0_u8..8) {
        let mut sealed = BytesMut::new();
        sealed.put_i16(codec.into());
        sealed.put_i32(1);
        sealed.put_slice(&[0; 16]);
        sealed.put_i64(-1);
        sealed.put_slice(&[0xff; 6]);
        sealed.put_i32(count);
        sealed.put_slice(&body);
        let mut bytes = BytesMut::new();
        bytes.put_i64(0);
        bytes.put_i32(9 + sealed.len() as i32);
        bytes.put_i32(-1);
        bytes.put_i8(2);
        bytes.put_u32(crc32c::crc32c(&sealed));
        bytes.put_slice(&sealed);
        drop(read_from(0, bytes.freeze(), Vec::new()));
    }
}
