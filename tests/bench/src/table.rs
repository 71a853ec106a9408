//! The table in Markdown.

use crate::assignment;
use crate::engines::Subject;
use crate::median::Spread;
use crate::plan::Row;
use crate::report::{Measure, Report};

/// One line: its row and what of it.
const LINES: &[(Row, Measure, &str)] = &[
    (Row::Source, Measure::RecordsPerSecond, "file source: records/s"),
    (Row::Source, Measure::CpuSecondsPerMillion, "file source: CPU seconds per million records"),
    (Row::Source, Measure::PeakRssBytes, "file source: peak memory"),
    (Row::Sink, Measure::RecordsPerSecond, "file sink: records/s"),
    (Row::Sink, Measure::CpuSecondsPerMillion, "file sink: CPU seconds per million records"),
    (Row::Sink, Measure::PeakRssBytes, "file sink: peak memory"),
    (Row::JsonSource, Measure::RecordsPerSecond, "source, 2 transforms, JSON with schemas: records/s"),
    (
        Row::JsonSource,
        Measure::CpuSecondsPerMillion,
        "source, 2 transforms, JSON with schemas: CPU seconds per million records",
    ),
    (Row::JsonSource, Measure::PeakRssBytes, "source, 2 transforms, JSON with schemas: peak memory"),
    (Row::JsonSink, Measure::RecordsPerSecond, "sink, JSON with schemas, 2 transforms: records/s"),
    (
        Row::JsonSink,
        Measure::CpuSecondsPerMillion,
        "sink, JSON with schemas, 2 transforms: CPU seconds per million records",
    ),
    (Row::JsonSink, Measure::PeakRssBytes, "sink, JSON with schemas, 2 transforms: peak memory"),
    (Row::AvroSource, Measure::RecordsPerSecond, "source, Avro: records/s"),
    (Row::AvroSource, Measure::CpuSecondsPerMillion, "source, Avro: CPU seconds per million records"),
    (Row::AvroSource, Measure::PeakRssBytes, "source, Avro: peak memory"),
    (Row::AvroSink, Measure::RecordsPerSecond, "sink, Avro: records/s"),
    (Row::AvroSink, Measure::CpuSecondsPerMillion, "sink, Avro: CPU seconds per million records"),
    (Row::AvroSink, Measure::PeakRssBytes, "sink, Avro: peak memory"),
    (Row::MirrorLargeBatches, Measure::RecordsPerSecond, "mirror, 1 MB batches: records/s"),
    (Row::MirrorLargeBatches, Measure::MegabytesPerSecond, "mirror, 1 MB batches: MB/s"),
    (Row::MirrorLargeBatches, Measure::CpuSecondsPerMillion, "mirror, 1 MB batches: CPU seconds per million records"),
    (Row::MirrorLargeBatches, Measure::PeakRssBytes, "mirror, 1 MB batches: peak memory"),
    (Row::MirrorSmallBatches, Measure::RecordsPerSecond, "mirror, 16 KB batches: records/s"),
    (Row::MirrorSmallBatches, Measure::MegabytesPerSecond, "mirror, 16 KB batches: MB/s"),
    (Row::MirrorSmallBatches, Measure::CpuSecondsPerMillion, "mirror, 16 KB batches: CPU seconds per million records"),
    (Row::MirrorSmallBatches, Measure::PeakRssBytes, "mirror, 16 KB batches: peak memory"),
    (Row::MirrorLongRecords, Measure::RecordsPerSecond, "mirror, 1,000-byte records: records/s"),
    (Row::MirrorLongRecords, Measure::MegabytesPerSecond, "mirror, 1,000-byte records: MB/s"),
    (
        Row::MirrorLongRecords,
        Measure::CpuSecondsPerMillion,
        "mirror, 1,000-byte records: CPU seconds per million records",
    ),
    (Row::MirrorLongRecords, Measure::PeakRssBytes, "mirror, 1,000-byte records: peak memory"),
    (Row::PostgresSnapshot, Measure::RecordsPerSecond, "PostgreSQL, snapshot: rows/s"),
    (Row::PostgresSnapshot, Measure::CpuSecondsPerMillion, "PostgreSQL, snapshot: CPU seconds per million rows"),
    (Row::PostgresSnapshot, Measure::PeakRssBytes, "PostgreSQL, snapshot: peak memory"),
    (Row::PostgresTransaction, Measure::RecordsPerSecond, "PostgreSQL, one transaction: rows/s"),
    (
        Row::PostgresTransaction,
        Measure::CpuSecondsPerMillion,
        "PostgreSQL, one transaction: CPU seconds per million rows",
    ),
    (Row::PostgresTransaction, Measure::PeakRssBytes, "PostgreSQL, one transaction: peak memory"),
    (Row::PostgresSingle, Measure::RecordsPerSecond, "PostgreSQL, transactions of one row: rows/s"),
    (
        Row::PostgresSingle,
        Measure::CpuSecondsPerMillion,
        "PostgreSQL, transactions of one row: CPU seconds per million rows",
    ),
    (Row::PostgresSingle, Measure::PeakRssBytes, "PostgreSQL, transactions of one row: peak memory"),
    (Row::Start, Measure::PluginsSeconds, "start to `GET /connector-plugins` 200"),
    (Row::Start, Measure::HealthSeconds, "start to `GET /health` 200"),
    (Row::Idle, Measure::IdleRssBytes, "idle distributed worker: memory"),
    (Row::IdleLean, Measure::IdleRssBytes, "idle distributed worker, lean build: memory"),
    (Row::Cluster1000, Measure::Connectors, "3 workers, file sources: connectors"),
    (Row::Cluster1000, Measure::AllRunningSeconds, "3 workers, file sources: start until all RUNNING"),
    (Row::Cluster1000, Measure::SettleSeconds, "3 workers, file sources: all RUNNING after one dies (delay 5 s)"),
    (Row::Cluster1000, Measure::ClusterRssBytes, "3 workers, file sources: memory of the three"),
    (Row::Cluster1000, Measure::RestCpuPercent, "3 workers, file sources: CPU at rest of the busiest, % of a core"),
    (Row::Cluster200Sinks, Measure::Connectors, "3 workers, file sinks: connectors"),
    (Row::Cluster200Sinks, Measure::AllRunningSeconds, "3 workers, file sinks: start until all RUNNING"),
    (Row::Cluster200Sinks, Measure::SettleSeconds, "3 workers, file sinks: all RUNNING after one dies (delay 5 s)"),
    (Row::Cluster200Sinks, Measure::ClusterRssBytes, "3 workers, file sinks: memory of the three"),
    (Row::Cluster200Sinks, Measure::RestCpuPercent, "3 workers, file sinks: CPU at rest of the busiest, % of a core"),
];

/// The table with a line that says how it was measured.
pub(crate) fn render(report: &Report) -> String {
    if report.samples.is_empty() {
        return assignment::render(&report.assignment);
    }
    let mut text = format!("| | Kafka Connect {} | Sluice | ratio |\n| --- | ---: | ---: | ---: |\n", report.kafka);
    for &(row, measure, title) in LINES {
        let (peer, ours) = spreads(report, row, measure);
        if peer.is_none() && ours.is_none() {
            continue;
        }
        let cells = [title.to_owned(), cell(measure, peer), cell(measure, ours), ratio(measure, peer, ours)];
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    text + &footnote(report) + &assignment::render(&report.assignment)
}

fn spreads(report: &Report, row: Row, measure: Measure) -> (Option<Spread>, Option<Spread>) {
    let (peer_row, ours) = match row {
        Row::IdleLean => (Row::Idle, Subject::SluiceLean),
        row => (row, Subject::Sluice),
    };
    let spread = |row, subject| Spread::of(report.figures(row, subject, measure));
    let ours = spread(row, ours);
    // The peer has no lean build: its idle figure is repeated only where there is one of ours to compare with.
    let peer = if row == Row::IdleLean && ours.is_none() { None } else { spread(peer_row, Subject::Oracle) };
    (peer, ours)
}

fn cell(measure: Measure, spread: Option<Spread>) -> String {
    let Some(Spread { median, least, most }) = spread else { return "–".to_owned() };
    if least < most {
        format!("{} ({}–{})", figure(measure, median), figure(measure, least), figure(measure, most))
    } else {
        figure(measure, median)
    }
}

fn figure(measure: Measure, value: f64) -> String {
    match measure {
        Measure::RecordsPerSecond => format!("{:.0} k", value / 1e3),
        Measure::MegabytesPerSecond => format!("{value:.0}"),
        Measure::CpuSecondsPerMillion => format!("{value:.2}"),
        Measure::PeakRssBytes | Measure::IdleRssBytes | Measure::ClusterRssBytes if value >= 1e9 => {
            format!("{:.2} GB", value / 1e9)
        }
        Measure::PeakRssBytes | Measure::IdleRssBytes | Measure::ClusterRssBytes => format!("{:.1} MB", value / 1e6),
        Measure::Connectors => format!("{value:.0}"),
        Measure::RestCpuPercent => format!("{value:.1} %"),
        Measure::AllRunningSeconds | Measure::SettleSeconds => format!("{value:.1} s"),
        Measure::PluginsSeconds | Measure::HealthSeconds if value >= 1.0 => format!("{value:.1} s"),
        Measure::PluginsSeconds | Measure::HealthSeconds => format!("{value:.3} s"),
    }
}

/// How many times better ours is.
fn ratio(measure: Measure, peer: Option<Spread>, ours: Option<Spread>) -> String {
    let (Some(peer), Some(ours)) = (peer, ours) else { return "–".to_owned() };
    let (times, word) = match measure {
        Measure::Connectors => return String::new(),
        Measure::RecordsPerSecond | Measure::MegabytesPerSecond => (ours.median / peer.median, "more"),
        Measure::PluginsSeconds | Measure::HealthSeconds | Measure::AllRunningSeconds | Measure::SettleSeconds => {
            (peer.median / ours.median, "sooner")
        }
        _ => (peer.median / ours.median, "less"),
    };
    if times >= 10.0 { format!("{times:.0}x {word}") } else { format!("{times:.1}x {word}") }
}

fn footnote(report: &Report) -> String {
    let Report { taken, machine, kafka, java, records, line_bytes, runs, .. } = report;
    let runs = if *runs == 1 { "One run".to_owned() } else { format!("Median of {runs} runs (least–most)") };
    format!(
        "\n{runs}, {taken}, {machine}; one Apache Kafka {kafka} broker on the same machine; {records} records of {line_bytes} bytes, \
         StringConverter unless the row says otherwise, one partition, one task, `acks=all`, no compression. Same worker properties and connector JSON for both; every \
         record checked by count and checksum. CPU: user and system time of the worker process from the creation of the connector until \
         the last record arrived. Kafka Connect on Java {java} with the JVM options of `connect-distributed.sh` (2 GB heap, G1) and its quickest \
         `plugin.discovery`, `service_load`. Avro: Apicurio's converter in Kafka Connect, Apicurio's registry for both.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut report = Report {
            taken: "today".to_owned(),
            machine: "2 cores".to_owned(),
            kafka: "4.3.0".to_owned(),
            java: "17".to_owned(),
            records: 1000,
            line_bytes: 100,
            runs: 2,
            samples: Vec::new(),
            assignment: Vec::new(),
        };
        for (run, cpu) in [(1, 10.0), (2, 11.0)] {
            report.add(Row::Source, Subject::Oracle, run, vec![(Measure::CpuSecondsPerMillion, cpu)]);
        }
        report.add(Row::Source, Subject::Sluice, 1, vec![(Measure::CpuSecondsPerMillion, 1.4)]);
        report.add(Row::Idle, Subject::Oracle, 1, vec![(Measure::IdleRssBytes, 4e8)]);
        report.add(Row::IdleLean, Subject::SluiceLean, 1, vec![(Measure::IdleRssBytes, 2e7)]);
        report
    }

    #[test]
    fn a_line_has_the_median_the_range_and_the_ratio() {
        let text = render(&report());
        let line = "| file source: CPU seconds per million records | 10.50 (10.00–11.00) | 1.40 | 7.5x less |";
        assert!(text.lines().any(|found| found == line), "{text}");
    }

    #[test]
    fn what_was_not_measured_has_no_line() {
        assert!(!render(&report()).contains("file sink"));
    }

    #[test]
    fn the_lean_build_is_compared_with_the_peers_idle_figure() {
        let text = render(&report());
        assert!(text.contains("lean build: memory | 400.0 MB | 20.0 MB | 20x less |"), "{text}");
    }

    #[test]
    fn a_result_file_gives_the_same_table_again() {
        let report = report();
        let text = serde_json::to_string(&report).expect("json");
        assert_eq!(render(&serde_json::from_str(&text).expect("a report")), render(&report));
    }
}
