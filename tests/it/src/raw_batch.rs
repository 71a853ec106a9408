//! A record batch that no client would write, produced byte by byte (Produce version 3).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

const TIMEOUT: Duration = Duration::from_secs(30);

/// A batch of one record without key, with the value `raw` and one header of these bytes.
pub(crate) fn with_header(name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut record = vec![0];
    record.extend(varint(0)); // timestamp delta
    record.extend(varint(0)); // offset delta
    record.extend(varint(-1)); // no key
    record.extend(sized(b"raw"));
    record.extend(varint(1));
    record.extend(sized(name));
    record.extend(sized(value));
    let mut records = varint(record.len() as i64);
    records.extend(record);

    // From the attributes on: what the checksum covers.
    let mut body = Vec::new();
    body.extend(0_i16.to_be_bytes()); // attributes: no compression
    body.extend(0_i32.to_be_bytes()); // last offset delta
    body.extend(1_700_000_000_000_i64.to_be_bytes());
    body.extend(1_700_000_000_000_i64.to_be_bytes());
    body.extend((-1_i64).to_be_bytes()); // producer id
    body.extend((-1_i16).to_be_bytes()); // producer epoch
    body.extend((-1_i32).to_be_bytes()); // base sequence
    body.extend(1_i32.to_be_bytes());
    body.extend(records);

    let mut batch = 0_i64.to_be_bytes().to_vec();
    batch.extend((body.len() as i32 + 9).to_be_bytes());
    batch.extend((-1_i32).to_be_bytes()); // leader epoch
    batch.push(2);
    batch.extend(crc32c(&body).to_be_bytes());
    batch.extend(body);
    batch
}

/// Writes a batch to partition 0 and waits for the acknowledgement.
pub(crate) fn produce(bootstrap: &str, topic: &str, batch: &[u8]) -> Result<()> {
    let mut request = Vec::new();
    request.extend(0_i16.to_be_bytes()); // Produce
    request.extend(3_i16.to_be_bytes());
    request.extend(7_i32.to_be_bytes()); // correlation id
    request.extend((-1_i16).to_be_bytes()); // no client id
    request.extend((-1_i16).to_be_bytes()); // no transactional id
    request.extend((-1_i16).to_be_bytes()); // all replicas
    request.extend((TIMEOUT.as_millis() as i32).to_be_bytes());
    request.extend(1_i32.to_be_bytes());
    request.extend((topic.len() as i16).to_be_bytes());
    request.extend(topic.as_bytes());
    request.extend(1_i32.to_be_bytes());
    request.extend(0_i32.to_be_bytes()); // partition
    request.extend((batch.len() as i32).to_be_bytes());
    request.extend(batch);

    let mut stream = TcpStream::connect(bootstrap).context("connecting to the broker")?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(&(request.len() as i32).to_be_bytes())?;
    stream.write_all(&request)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut answer = vec![0; usize::try_from(i32::from_be_bytes(length))?];
    stream.read_exact(&mut answer)?;
    // Correlation id, topics, name, partitions, partition; then the error code.
    let at = 4 + 4 + 2 + topic.len() + 4 + 4;
    let code = answer.get(at..at + 2).context("a short answer")?;
    ensure!(code == [0, 0], "the broker refused the batch with code {code:?}");
    Ok(())
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    let mut out = varint(bytes.len() as i64);
    out.extend(bytes);
    out
}

fn varint(value: i64) -> Vec<u8> {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    let mut out = Vec::new();
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
    out
}

fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 })
    };
    !bytes.iter().fold(u32::MAX, step)
}
