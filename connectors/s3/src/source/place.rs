//! Where an object's records belong, by its name: the layout of Confluent's sink, a template of Aiven's, or patterns per topic.

use sluice_api::java_regex::JavaRegex;
use sluice_api::{ConnectError, Result};

use super::stream::Compression;
use crate::sink::Names;

/// What an object's name says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) topic: String,
    pub(crate) partition: Option<i32>,
    /// The offset of the first record, which orders the objects of a partition.
    pub(crate) start_offset: i64,
    pub(crate) part: Part,
    /// What objects of the same records have in common.
    pub(crate) stem: String,
}

/// Which part of the records the object holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Values,
    Keys,
    Headers,
}

/// How names are read.
pub(crate) enum Layout {
    /// What the sink under Confluent's names wrote.
    Restore {
        names: Names,
        /// What the names of values end with, before the compression.
        extension: String,
        tombstones: String,
    },
    /// `topic.regex.list`: the first pattern that the whole name matches says the topic.
    Patterns(Vec<(String, JavaRegex)>),
    /// `file.name.template`, and the topic where the template has none.
    Template { template: Box<Template>, topic: Option<String> },
}

impl Layout {
    /// The place of the object `key`; `None` when it is none of ours.
    ///
    /// # Errors
    /// `Connect` when a pattern takes too many steps.
    pub(crate) fn place(&self, key: &str) -> Result<Option<Place>> {
        match self {
            Self::Restore { names, extension, .. } => Ok(restored(names, extension, key)),
            Self::Patterns(patterns) => {
                for (topic, pattern) in patterns {
                    if pattern.matches(key).map_err(|error| too_long(key, &error))? {
                        let topic = topic.clone();
                        let stem = key.to_owned();
                        return Ok(Some(Place { topic, partition: None, start_offset: 0, part: Part::Values, stem }));
                    }
                }
                Ok(None)
            }
            Self::Template { template, topic } => template.place(key, topic.as_deref()),
        }
    }

    /// Whether an object in this folder has keys and no values.
    pub(crate) fn is_tombstones(&self, key: &str) -> bool {
        match self {
            Self::Restore { names, tombstones, .. } => {
                let delimiter = &names.directory_delimiter;
                key.contains(&format!("{delimiter}{tombstones}{delimiter}"))
            }
            Self::Patterns(_) | Self::Template { .. } => false,
        }
    }
}

/// `file.name.template` of Aiven's source: a pattern in which `{{topic}}`, `{{partition}}`, `{{start_offset}}` and `{{timestamp}}`
/// stand for parts, and which the name has somewhere.
pub(crate) struct Template {
    pattern: JavaRegex,
    /// What stands for the parts that the template has, in the order topic, partition, start offset.
    parts: String,
    has: [bool; 3],
}

/// Between the parts: it is in no name.
const BETWEEN: char = '\u{0}';

impl Template {
    /// # Errors
    /// What is wrong with the pattern.
    pub(crate) fn new(text: &str) -> std::result::Result<Self, String> {
        let parts = [
            ("{{topic}}", "topic", "(?<topic>[a-zA-Z0-9\\-_.]+)"),
            ("{{partition}}", "partition", "(?<partition>\\d+)"),
            ("{{start_offset}}", "startOffset", "(?<startOffset>\\d+)"),
        ];
        let mut pattern = text.replace("{{timestamp}}", "(?:\\d+)");
        let has = parts.map(|(variable, _, _)| text.contains(variable));
        let mut replacement = String::new();
        for (variable, group, regex) in parts {
            // A variable that stands there twice means the same both times.
            pattern = pattern.replacen(variable, regex, 1).replace(variable, &format!("\\k<{group}>"));
            if text.contains(variable) {
                replacement.push_str(&format!("${{{group}}}"));
            }
            replacement.push(BETWEEN);
        }
        let pattern = JavaRegex::new(&format!("(?s)^.*?(?:{pattern}).*$")).map_err(|error| error.to_string())?;
        Ok(Self { pattern, parts: replacement, has })
    }

    fn place(&self, key: &str, topic: Option<&str>) -> Result<Option<Place>> {
        if key.contains(BETWEEN) || !self.pattern.matches(key).map_err(|error| too_long(key, &error))? {
            return Ok(None);
        }
        let found = self.pattern.replace_first(key, &self.parts).map_err(|error| too_long(key, &error))?;
        let mut found = found.split(BETWEEN).zip(self.has).map(|(part, has)| has.then_some(part));
        let [named, partition, start_offset] = [(); 3].map(|()| found.next().flatten());
        let Some(topic) = topic.or(named) else { return Ok(None) };
        let number = |digits: Option<&str>| digits.map(str::parse::<i64>).transpose();
        // Digits that are no number are a name of something else.
        let (Ok(partition), Ok(start_offset)) = (number(partition), number(start_offset)) else { return Ok(None) };
        let partition = match partition.map(i32::try_from).transpose() {
            Ok(partition) => partition,
            Err(_) => return Ok(None),
        };
        let start_offset = start_offset.unwrap_or_default();
        let (topic, stem) = (topic.to_owned(), key.to_owned());
        Ok(Some(Place { topic, partition, start_offset, part: Part::Values, stem }))
    }
}

fn too_long(key: &str, error: &impl std::fmt::Display) -> ConnectError {
    ConnectError::connect(format!("the name `{key}` cannot be compared with the pattern: {error}"))
}

/// `…/<topic><fd><partition><fd><offset>[.keys|.headers]<extension>`.
fn restored(names: &Names, extension: &str, key: &str) -> Option<Place> {
    let file = match names.directory_delimiter.is_empty() {
        true => key,
        false => key.rsplit_once(&names.directory_delimiter).map_or(key, |(_, file)| file),
    };
    let (rest, tail) = file.rsplit_once(&names.file_delimiter)?;
    let (topic, partition) = rest.rsplit_once(&names.file_delimiter)?;
    let digits = tail.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(tail.len());
    let stem = key[..key.len() - tail.len() + digits].to_owned();
    let (offset, tail) = tail.split_at(digits);
    let (part, tail) = match (tail.strip_prefix(".keys"), tail.strip_prefix(".headers")) {
        (Some(tail), _) => (Part::Keys, tail),
        (_, Some(tail)) => (Part::Headers, tail),
        _ => (Part::Values, tail),
    };
    let (plain, _) = compression_of(tail);
    if !key.starts_with(&names.prefix(topic)) || (part == Part::Values && plain != extension) {
        return None;
    }
    let (topic, partition) = (topic.to_owned(), Some(partition.parse().ok()?));
    Some(Place { topic, partition, start_offset: offset.parse().ok()?, part, stem })
}

/// The name without the ending of a compression, and the compression.
pub(crate) fn compression_of(name: &str) -> (&str, Compression) {
    match (name.strip_suffix(".gz"), name.strip_suffix(".zst")) {
        (Some(plain), _) => (plain, Compression::Gzip),
        (_, Some(plain)) => (plain, Compression::Zstd),
        _ => (name, Compression::None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(layout: &Layout, key: &str) -> Option<(String, Option<i32>, i64, Part)> {
        layout.place(key).unwrap().map(|place| (place.topic, place.partition, place.start_offset, place.part))
    }

    fn names() -> Names {
        Names {
            topics_dir: "topics".into(),
            directory_delimiter: "/".into(),
            file_delimiter: "+".into(),
            pad_width: 10,
        }
    }

    #[test]
    fn the_sinks_names_are_read_back() {
        let layout = Layout::Restore { names: names(), extension: ".json".into(), tombstones: "tombstone".into() };
        let t = |partition, offset, part| Some(("a+b".to_owned(), Some(partition), offset, part));
        let cases = [
            ("topics/a+b/partition=3/a+b+3+0000000042.json", t(3, 42, Part::Values)),
            ("topics/a+b/year=2026/month=01/a+b+3+0000000042.json.gz", t(3, 42, Part::Values)),
            ("topics/a+b/partition=3/a+b+3+0000000042.keys.avro", t(3, 42, Part::Keys)),
            ("topics/a+b/partition=3/a+b+3+0000000042.headers.json.gz", t(3, 42, Part::Headers)),
            ("topics/a+b/partition=3/a+b+3+0000000042.avro", None),
            ("topics/other/partition=3/a+b+3+0000000042.json", None),
            ("elsewhere/a+b/partition=3/a+b+3+0000000042.json", None),
            ("topics/a+b/partition=3/_SUCCESS", None),
        ];
        for (key, expected) in cases {
            assert_eq!(place(&layout, key), expected, "{key}");
        }
        assert!(layout.is_tombstones("topics/a+b/tombstone/a+b+0+0.keys.avro"));
    }

    #[test]
    fn patterns_say_the_topic_in_their_order() {
        let pattern = |text| JavaRegex::new(text).unwrap();
        let layout = Layout::Patterns(vec![("logs".into(), pattern(".*\\.log")), ("rest".into(), pattern(".*"))]);
        assert_eq!(place(&layout, "x/a.log").unwrap().0, "logs");
        assert_eq!(place(&layout, "x/a.txt").unwrap().0, "rest");
    }

    #[test]
    fn a_template_says_topic_partition_and_offset() {
        let layout = |text, topic: Option<&str>| Layout::Template {
            template: Box::new(Template::new(text).unwrap()),
            topic: topic.map(str::to_owned),
        };
        let whole = layout("{{topic}}-{{partition}}-{{start_offset}}", None);
        let expected = Some(("my-topic.v1".to_owned(), Some(7), 120, Part::Values));
        assert_eq!(place(&whole, "prefix/my-topic.v1-00007-00000000000000000120.gz"), expected);
        assert_eq!(place(&whole, "prefix/nothing"), None);
        assert_eq!(place(&whole, "t-99999999999999999999-1"), None);
        let named = layout("data/.*\\.jsonl", Some("fixed"));
        assert_eq!(place(&named, "data/2026/x.jsonl"), Some(("fixed".to_owned(), None, 0, Part::Values)));
        assert!(Template::new("(").is_err());
    }
}
