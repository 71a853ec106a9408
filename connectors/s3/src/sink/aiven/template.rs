//! `file.name.template`: text with `{{variables}}`, which also say what records have an object in common.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sluice_api::{Result, SinkRecord, Value};

use crate::partitioner::record_error;

/// A template with its variables.
#[derive(Clone, Debug)]
pub(crate) struct NameTemplate {
    parts: Vec<Part>,
    zone: TimeZone,
    /// Whether the time is that of the record, not the clock's.
    of_record: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Topic,
    Partition { pads: bool },
    StartOffset { pads: bool },
    Key,
    Time(Unit),
    Date { utc: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Year,
    Month,
    Day,
    Hour,
}

/// Which records have an object in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grouping {
    /// All since the last commit.
    Changelog,
    /// The last one of each key.
    LatestOfKey,
}

/// What stands for the offset while records are grouped; it is in no name.
const OFFSET: char = '\u{1}';
const PADDED_OFFSET: char = '\u{2}';
const VALID: &str = "topic, partition and start_offset with or without key and timestamp; key alone; or key with topic, partition or \
                     both";

impl NameTemplate {
    /// Compiles `text`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str, zone: TimeZone, of_record: bool) -> std::result::Result<Self, String> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once("{{") {
            let (variable, behind) = after.split_once("}}").ok_or("`{{` has no `}}`")?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(variable_of(variable.trim())?);
            rest = behind;
        }
        parts.push(Part::Text(rest.to_owned()));
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        Ok(Self { parts, zone, of_record })
    }

    /// What the variables say about grouping.
    ///
    /// # Errors
    /// A mixture that means nothing.
    pub(crate) fn grouping(&self) -> std::result::Result<Grouping, String> {
        let has = |wanted: fn(&Part) -> bool| self.parts.iter().any(wanted);
        let topic = has(|part| *part == Part::Topic);
        let partition = has(|part| matches!(part, Part::Partition { .. }));
        let offset = has(|part| matches!(part, Part::StartOffset { .. }));
        let time = has(|part| matches!(part, Part::Time(_)));
        let key = has(|part| *part == Part::Key);
        match (topic && partition && offset, offset || time, key) {
            (true, _, _) => Ok(Grouping::Changelog),
            (false, false, true) => Ok(Grouping::LatestOfKey),
            _ => Err(format!("these variables do not go together: valid are {VALID}")),
        }
    }

    /// Whether all records of a topic partition have one name but for the offset.
    pub(crate) fn is_constant(&self) -> bool {
        !self.parts.iter().any(|part| matches!(part, Part::Time(_) | Part::Date { .. } | Part::Key))
    }

    /// Whether a replay gives the same names.
    pub(crate) fn is_deterministic(&self) -> bool {
        self.of_record || !self.parts.iter().any(|part| matches!(part, Part::Time(_) | Part::Date { .. }))
    }

    /// The name of the record's group, in which something stands for the offset.
    ///
    /// # Errors
    /// `Data` when the record lacks what the name is made of.
    pub(crate) fn group(&self, record: &SinkRecord, now_ms: i64, out: &mut String) -> Result<()> {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Topic => out.push_str(&record.topic),
                Part::Partition { pads: true } => written(write!(out, "{:010}", record.partition)),
                Part::Partition { pads: false } => written(write!(out, "{}", record.partition)),
                Part::StartOffset { pads } => out.push(if *pads { PADDED_OFFSET } else { OFFSET }),
                Part::Key => key(&record.key, out),
                Part::Time(unit) => {
                    let time_ms = match self.of_record {
                        true => record.timestamp_ms.ok_or_else(|| record_error(record, "has no timestamp"))?,
                        false => now_ms,
                    };
                    self.time(time_ms, *unit, out);
                }
                Part::Date { utc } => {
                    let zone = if *utc { TimeZone::UTC } else { TimeZone::system() };
                    written(write!(out, "{}", instant(now_ms).to_zoned(zone).date()));
                }
            }
        }
        Ok(())
    }

    fn time(&self, time_ms: i64, unit: Unit, out: &mut String) {
        let time = instant(time_ms).to_zoned(self.zone.clone());
        written(match unit {
            Unit::Year => write!(out, "{:04}", time.year()),
            Unit::Month => write!(out, "{:02}", time.month()),
            Unit::Day => write!(out, "{:02}", time.day()),
            Unit::Hour => write!(out, "{:02}", time.hour()),
        });
    }

    /// The name of the object of a group whose partition's first record is at `offset`.
    pub(crate) fn object(group: &str, offset: i64) -> String {
        group.replace(OFFSET, &offset.to_string()).replace(PADDED_OFFSET, &format!("{offset:020}"))
    }
}

fn instant(time_ms: i64) -> Timestamp {
    Timestamp::from_millisecond(time_ms).unwrap_or(if time_ms < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// The key's text as Java prints it; `null` where there is none.
fn key(key: &Value, out: &mut String) {
    match key {
        // Java prints the address of bytes; their text is what users mean.
        Value::Bytes(bytes) => out.push_str(&String::from_utf8_lossy(bytes)),
        other => written(write!(out, "{other}")),
    }
}

fn variable_of(text: &str) -> std::result::Result<Part, String> {
    let (name, parameter) = match text.split_once(':') {
        Some((name, parameter)) => (name, Some(parameter)),
        None => (text, None),
    };
    let pads = |allowed: bool| match parameter {
        None => Ok(false),
        Some("padding=true") if allowed => Ok(true),
        Some("padding=false") if allowed => Ok(false),
        Some(parameter) => Err(format!("`{parameter}` is no parameter of `{name}`")),
    };
    match name {
        "topic" => pads(false).map(|_| Part::Topic),
        "key" => pads(false).map(|_| Part::Key),
        "partition" => Ok(Part::Partition { pads: pads(true)? }),
        "start_offset" => Ok(Part::StartOffset { pads: pads(true)? }),
        "timestamp" => Ok(Part::Time(match parameter {
            Some("unit=yyyy" | "unit=YYYY") => Unit::Year,
            Some("unit=MM") => Unit::Month,
            Some("unit=dd") => Unit::Day,
            Some("unit=HH") => Unit::Hour,
            _ => return Err("`timestamp` needs `:unit=` and yyyy, MM, dd or HH".into()),
        })),
        "utc_date" => Ok(Part::Date { utc: true }),
        "local_date" => Ok(Part::Date { utc: false }),
        _ => Err(format!("`{name}` is no variable: expected topic, partition, start_offset, timestamp or key")),
    }
}

fn written(result: std::fmt::Result) {
    result.expect("text always takes more text");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::record;

    fn template(text: &str) -> NameTemplate {
        NameTemplate::parse(text, TimeZone::UTC, true).unwrap()
    }

    #[test]
    fn variables_are_filled_in_as_aiven_does() {
        // Its time is 2015-04-02T13:04:47Z.
        let mut one = record(42, None, "v");
        one.key = "k".into();
        let cases = [
            ("{{topic}}-{{partition}}-{{start_offset}}.gz", "t-0-42.gz"),
            (
                "{{ topic }}/{{partition:padding=true}}/{{start_offset:padding=true}}",
                "t/0000000000/00000000000000000042",
            ),
            (
                "y={{timestamp:unit=yyyy}}/{{timestamp:unit=MM}}/{{timestamp:unit=dd}}/{{timestamp:unit=HH}}",
                "y=2015/04/02/13",
            ),
            ("{{key}}.json", "k.json"),
        ];
        for (text, expected) in cases {
            let mut group = String::new();
            template(text).group(&one, 0, &mut group).unwrap();
            assert_eq!(NameTemplate::object(&group, 42), expected, "{text}");
        }
        one.key = Value::Null;
        let mut group = String::new();
        template("{{key}}").group(&one, 0, &mut group).unwrap();
        assert_eq!(group, "null");
    }

    #[test]
    fn variables_say_how_records_are_grouped() {
        let cases = [
            ("{{topic}}-{{partition}}-{{start_offset}}", Some(Grouping::Changelog)),
            ("{{topic}}-{{partition}}-{{key}}-{{start_offset}}", Some(Grouping::Changelog)),
            ("{{topic}}-{{partition}}-{{start_offset}}-{{timestamp:unit=dd}}", Some(Grouping::Changelog)),
            ("{{key}}", Some(Grouping::LatestOfKey)),
            ("{{key}}-{{topic}}", Some(Grouping::LatestOfKey)),
            ("{{topic}}-{{partition}}", None),
            ("{{key}}-{{start_offset}}", None),
            ("fixed", None),
        ];
        for (text, expected) in cases {
            assert_eq!(template(text).grouping().ok(), expected, "{text}");
        }
        for text in ["{{topic", "{{nope}}", "{{timestamp}}", "{{topic:padding=true}}", "{{partition:padding=2}}"] {
            assert!(NameTemplate::parse(text, TimeZone::UTC, true).is_err(), "{text}");
        }
    }
}
