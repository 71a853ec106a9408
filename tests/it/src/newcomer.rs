//! The first thing that anybody does: `sluice dev`, two REST calls, and a file is copied through a topic.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use sluice_harness::{Random, Scratch, Seen, Sluice, Worker, count, wait_until};

/// Less than the five minutes after which a Kafka client looks for new topics unasked.
const COPIED: Duration = Duration::from_secs(180);

#[test]
fn a_file_copied_through_the_embedded_broker_is_the_same_byte_for_byte() -> Result<()> {
    let scratch = Scratch::new("newcomer")?;
    let (input, output) = (scratch.join("in.txt"), scratch.join("out.txt"));
    write_difficult_text(&input, count(50_000, 1_000_000))?;
    let worker = Sluice::dev(&scratch.join("data")).start()?;
    copy(&worker, &input, &output)?;
    wait_until_equal(&input, &output)
}

/// As `sluice dev` prints it: the two calls, then the lines. The sink is there before its topic.
#[test]
fn lines_that_are_written_after_the_two_calls_are_copied() -> Result<()> {
    let scratch = Scratch::new("newcomer-later")?;
    let (input, output) = (scratch.join("in.txt"), scratch.join("out.txt"));
    let worker = Sluice::dev(&scratch.join("data")).start()?;
    copy(&worker, &input, &output)?;
    worker.rest().wait_running("file-out", 1, COPIED)?;
    fs::write(&input, "one\ntwo\n")?;
    wait_until_equal(&input, &output)
}

#[test]
fn what_was_copied_before_a_restart_is_not_copied_again() -> Result<()> {
    let scratch = Scratch::new("newcomer-again")?;
    let (input, output) = (scratch.join("in.txt"), scratch.join("out.txt"));
    fs::write(&input, "one\ntwo\n")?;
    let mut worker = Sluice::dev(&scratch.join("data")).start()?;
    copy(&worker, &input, &output)?;
    wait_until_equal(&input, &output)?;
    ensure!(worker.stop()?.success(), "{}", worker.logs());
    fs::OpenOptions::new().append(true).open(&input)?.write_all(b"three\n")?;
    worker.restart()?;
    worker.rest().wait_running("file-in", 1, COPIED)?;
    wait_until_equal(&input, &output)
}

/// The two REST calls. Carriage returns are kept, so that the copy is exact.
fn copy(worker: &Worker, input: &Path, output: &Path) -> Result<()> {
    let source =
        json!({ "connector.class": "FileStreamSource", "file": input, "topic": "lines", "keep.carriage.return": true });
    worker.rest().put_connector("file-in", &source)?.expect(201)?;
    let sink = json!({ "connector.class": "FileStreamSink", "file": output, "topics": "lines" });
    worker.rest().put_connector("file-out", &sink)?.expect(201)?;
    Ok(())
}

fn wait_until_equal(input: &Path, output: &Path) -> Result<()> {
    let wanted = fs::read(input)?;
    wait_until("the copy to be as long as the file", COPIED, || match fs::metadata(output) {
        Ok(copy) if copy.len() >= wanted.len() as u64 => Seen::Met(()),
        Ok(copy) => Seen::NotYet(format!("{} of {} bytes", copy.len(), wanted.len())),
        Err(error) => Seen::NotYet(error.to_string()),
    })?;
    let copied = fs::read(output)?;
    let differs_at = wanted.iter().zip(&copied).position(|(one, other)| one != other);
    ensure!(differs_at.is_none(), "the copy differs at byte {differs_at:?}");
    ensure!(copied.len() == wanted.len(), "{} bytes were copied to {}", wanted.len(), copied.len());
    Ok(())
}

/// Lines with characters of one to four bytes, empty lines, carriage returns, and one line of 1,000,000 bytes.
fn write_difficult_text(path: &Path, lines: usize) -> Result<()> {
    const WORDS: [&str; 6] = ["plain", "naïve", "日本語", "😀🚀", "tab\there", "\"quoted\\\""];
    let mut random = Random::of("newcomer");
    let mut text = std::io::BufWriter::new(fs::File::create(path)?);
    for number in 0..lines {
        let word = WORDS[random.range(0, WORDS.len() as u64) as usize];
        match random.range(0, 10) {
            0 => writeln!(text)?,
            1 => write!(text, "{number} {word}\r\n")?,
            _ => writeln!(text, "{number} {word} {}", "-".repeat(random.range(0, 60) as usize))?,
        }
        if number == lines / 2 {
            writeln!(text, "{}", "é".repeat(500_000))?;
        }
    }
    Ok(text.flush()?)
}
