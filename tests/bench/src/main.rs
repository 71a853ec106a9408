//! The side-by-side bench: Apache Kafka Connect and Sluice do the same jobs on the same broker, and one table says what each cost.
//!
//! Both workers get the same properties and, over REST, the same connector JSON. A run counts only when every record arrived once
//! and in order (count and checksum). CPU is the worker process's user plus system time from the creation of the connector until
//! the last record was seen to have arrived; memory is its peak resident set. Figures in the README come from this table alone.

mod arguments;
mod assignment;
mod cluster;
mod corpus;
mod engines;
mod group;
mod idle;
mod job;
mod median;
mod mirror;
mod pipeline;
mod plan;
mod postgres;
mod progress;
mod report;
mod start;
mod table;

use anyhow::{Result, bail};
use clap::Parser;
use sluice_harness::Kafka;

use crate::arguments::Arguments;
use crate::engines::Engines;
use crate::job::Jobs;
use crate::mirror::Mirrors;
use crate::plan::{Plan, Row};
use crate::progress::say;
use crate::report::Report;

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(path) = &arguments.table {
        print!("{}", table::render(&Report::load(path)?));
        return Ok(());
    }
    let plan = Plan::of(&arguments)?;
    let (report, failures) = run(&plan)?;
    print!("{}", table::render(&report));
    if failures.is_empty() { Ok(()) } else { bail!("{} of the runs failed:\n{}", failures.len(), failures.join("\n")) }
}

/// Every run of the plan, the engines in turns so that a slow minute of the machine hits both. A failed run does not end the others.
fn run(plan: &Plan) -> Result<(Report, Vec<String>)> {
    let mut report = Report::new(plan)?;
    if plan.rows.contains(&Row::Assignment) {
        report.assignment = assignment::measure(plan.runs)?;
        report.save(plan.json.as_deref())?;
    }
    if plan.rows == [Row::Assignment] {
        return Ok((report, Vec::new()));
    }
    say("starting a broker");
    let kafka = Kafka::start()?;
    let engines = Engines::new(&kafka, plan);
    let mut jobs = Jobs::new(&kafka, plan)?;
    let mut mirrors = Mirrors::new(&kafka, plan);
    let mut failures = Vec::new();
    for row in &plan.rows {
        for number in 1..=plan.runs {
            for subject in row.subjects(&plan.subjects) {
                let what = format!("{} · {} · run {number} of {}", row.title(), subject.name(), plan.runs);
                say(&what);
                let measured = match row {
                    Row::Source | Row::JsonSource | Row::AvroSource => jobs.source(&engines, *row, subject, number),
                    Row::Sink | Row::JsonSink | Row::AvroSink => jobs.sink(&engines, *row, subject, number),
                    Row::MirrorLargeBatches | Row::MirrorSmallBatches | Row::MirrorLongRecords => {
                        mirrors.measure(&engines, *row, subject, number)
                    }
                    Row::PostgresSnapshot | Row::PostgresTransaction | Row::PostgresSingle => {
                        postgres::measure(&kafka, &engines, plan, *row, subject, number)
                    }
                    Row::Start => start::measure(&engines, subject),
                    Row::Idle | Row::IdleLean => idle::measure(&engines, subject, plan.settle),
                    Row::Cluster1000 | Row::Cluster200Sinks => cluster::measure(&kafka, &engines, plan, *row, subject),
                    Row::Assignment => continue,
                };
                match measured {
                    Ok(figures) => report.add(*row, subject, number, figures),
                    Err(error) => {
                        say(&format!("failed: {error:#}"));
                        failures.push(format!("{what}: {error:#}"));
                    }
                }
                report.save(plan.json.as_deref())?;
            }
        }
    }
    Ok((report, failures))
}
