//! What objects hold, read from the server's folder without S3, against what is on the topic.

use std::collections::BTreeMap;
use std::io::Read;

use anyhow::{Context, Result, bail, ensure};
use sluice_harness::{Kafka, S3Server};

/// Values by partition and offset.
pub(super) type Values = BTreeMap<i32, BTreeMap<i64, String>>;

/// Everything on the topic.
pub(super) fn on_topic(kafka: &Kafka, topic: &str) -> Result<Values> {
    let mut values = Values::new();
    for record in kafka.topics().read(topic)? {
        values.entry(record.partition).or_default().insert(record.offset, record.value_text());
    }
    Ok(values)
}

/// Everything in objects of lines named by topic, partition and offset. Each record is there once, and the offsets of an object
/// follow each other from the one in its name.
pub(super) fn in_objects(server: &S3Server, topic: &str, value_of: fn(&str) -> String) -> Result<Values> {
    let mut values = Values::new();
    for (name, bytes) in server.objects()? {
        let (partition, start) = place(&name, topic)?;
        let text = text(&name, &bytes)?;
        ensure!(text.ends_with('\n'), "{name} does not end with a line end");
        for (line, offset) in text.lines().zip(start..) {
            let twice = values.entry(partition).or_default().insert(offset, value_of(line));
            ensure!(twice.is_none(), "offset {offset} of partition {partition} is in {name} and in another object");
        }
    }
    Ok(values)
}

fn text(name: &str, bytes: &[u8]) -> Result<String> {
    if !name.ends_with(".gz") {
        return Ok(String::from_utf8(bytes.to_vec())?);
    }
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).with_context(|| format!("reading {name}"))?;
    Ok(text)
}

/// `…/t+0+0000000042.json`: partition and first offset.
fn place(name: &str, topic: &str) -> Result<(i32, i64)> {
    let file = name.rsplit('/').next().unwrap_or_default();
    let stem = file.split('.').next().unwrap_or_default();
    let parts: Vec<&str> = stem.split('+').collect();
    let [of, partition, offset] = parts[..] else { bail!("{name} is no name of Confluent's") };
    ensure!(of == topic, "{name} is of another topic");
    Ok((partition.parse()?, offset.parse()?))
}

/// The records of `all` in whole objects of `flush_size`.
pub(super) fn whole(all: &Values, flush_size: usize) -> Values {
    let cut = |of: &BTreeMap<i64, String>| {
        of.iter().take(of.len() / flush_size * flush_size).map(|(offset, value)| (*offset, value.clone())).collect()
    };
    all.iter()
        .map(|(partition, of)| (*partition, cut(of)))
        .filter(|(_, of): &(_, BTreeMap<_, _>)| !of.is_empty())
        .collect()
}

/// What differs, in a line.
pub(super) fn compare(found: &Values, expected: &Values) -> Result<()> {
    for (partition, of) in expected {
        let have = found.get(partition);
        for (offset, value) in of {
            match have.and_then(|have| have.get(offset)) {
                None => bail!("offset {offset} of partition {partition} is in no object"),
                Some(other) if other != value => {
                    bail!("offset {offset} of partition {partition} is {other:?} instead of {value:?}")
                }
                Some(_) => {}
            }
        }
    }
    let count = |values: &Values| values.values().map(BTreeMap::len).sum::<usize>();
    ensure!(count(found) == count(expected), "{} records instead of {}", count(found), count(expected));
    Ok(())
}
