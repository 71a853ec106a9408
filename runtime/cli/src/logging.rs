//! The log: lines on standard error, levels that `/admin/loggers` changes while the worker runs.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use sluice_herder::Loggers;
use sluice_worker::config::providers::redacted;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt, reload};

/// What the log shows when nobody has said anything: ourselves, and warnings of everything else.
const DEFAULT_LEVELS: [(&str, &str); 2] = [("root", "WARN"), ("sluice", "INFO")];

/// Starts logging and gives the loggers that REST changes. `SLUICE_LOG` sets the level of `sluice`.
pub(crate) fn start() -> Arc<Loggers> {
    let mut levels: BTreeMap<String, String> =
        DEFAULT_LEVELS.iter().map(|(name, level)| ((*name).to_owned(), (*level).to_owned())).collect();
    if let Ok(level) = std::env::var("SLUICE_LOG") {
        levels.insert("sluice".to_owned(), level.to_uppercase());
    }
    let (filter, handle) = reload::Layer::<Targets, Registry>::new(targets(&levels));
    let lines = fmt::layer().with_writer(RedactedStderr::default).with_ansi(std::io::stderr().is_terminal());
    // A layer for all, not a filter of the lines: that one remembers per thread what it last refused, and drops the next line that a
    // callsite no longer asks about (tokio-rs/tracing#2519). A second start (in a test) keeps the first subscriber.
    drop(tracing_subscriber::registry().with(filter).with(lines).try_init());
    let apply = move |levels: &BTreeMap<String, String>| {
        // The layer lives as long as the process.
        drop(handle.reload(targets(levels)));
    };
    Arc::new(Loggers::new(levels, Arc::new(apply)))
}

/// Standard error, without what config providers gave (Invariant 9). A line comes as one write.
#[derive(Default)]
struct RedactedStderr;

impl Write for RedactedStderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(line) {
            Ok(text) => io::stderr().write_all(redacted(text).as_bytes())?,
            Err(_) => io::stderr().write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Kafka's level names as filters. A logger covers the modules below it: `sluice` covers `sluice_worker` and all others.
fn targets(levels: &BTreeMap<String, String>) -> Targets {
    levels.iter().fold(Targets::new(), |targets, (name, level)| match name.as_str() {
        "root" => targets.with_default(filter(level)),
        name => targets.with_target(name, filter(level)),
    })
}

fn filter(level: &str) -> LevelFilter {
    match level {
        "TRACE" | "ALL" => LevelFilter::TRACE,
        "DEBUG" => LevelFilter::DEBUG,
        "INFO" => LevelFilter::INFO,
        "WARN" => LevelFilter::WARN,
        "OFF" => LevelFilter::OFF,
        _ => LevelFilter::ERROR,
    }
}
