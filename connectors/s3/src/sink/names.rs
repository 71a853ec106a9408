//! Object names: `[topics.dir/]<topic>/<folder>/<topic><fd><partition><fd><offset><ext>` (connectors.md 1a).

use sluice_api::SinkRecord;

use super::aiven::NameTemplate;

/// What an object holds of its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Values,
    Keys,
    Headers,
}

/// How objects are named.
#[derive(Clone, Debug)]
pub(crate) enum Naming {
    Confluent(Names),
    /// Aiven's: the partitioner has filled the template in but for the offset.
    Template,
}

impl Naming {
    /// The name of an object of the folder or group whose first record is `first`, and the first one of all that are open beside
    /// it is at `head`.
    pub(crate) fn object(&self, first: &SinkRecord, folder: &str, head: i64, part: Part, extension: &str) -> String {
        match self {
            Self::Confluent(names) => {
                names.object([&*first.topic, folder], first.partition, first.offset, part, extension)
            }
            Self::Template => NameTemplate::object(folder, head),
        }
    }
}

/// What names are made of.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// Blank for none.
    pub(crate) topics_dir: String,
    pub(crate) directory_delimiter: String,
    pub(crate) file_delimiter: String,
    /// Digits of the offset.
    pub(crate) pad_width: usize,
}

impl Names {
    /// The name of the object whose first record is at `offset`.
    pub(crate) fn object(
        &self,
        [topic, folder]: [&str; 2],
        partition: i32,
        offset: i64,
        part: Part,
        extension: &str,
    ) -> String {
        let (dd, fd, width) = (&self.directory_delimiter, &self.file_delimiter, self.pad_width);
        let of = match part {
            Part::Values => "",
            Part::Keys => ".keys",
            Part::Headers => ".headers",
        };
        let prefix = self.prefix(topic);
        format!("{prefix}{folder}{dd}{topic}{fd}{partition}{fd}{offset:0width$}{of}{extension}")
    }

    /// What the names of all objects of a topic begin with.
    pub(crate) fn prefix(&self, topic: &str) -> String {
        let dd = &self.directory_delimiter;
        if self.topics_dir.trim().is_empty() {
            format!("{topic}{dd}")
        } else {
            format!("{}{dd}{topic}{dd}", self.topics_dir)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_confluents() {
        let mut names = Names {
            topics_dir: "topics".into(),
            directory_delimiter: "/".into(),
            file_delimiter: "+".into(),
            pad_width: 10,
        };
        let name = |names: &Names, part, extension| names.object(["t", "partition=0"], 0, 42, part, extension);
        assert_eq!(name(&names, Part::Values, ".json.gz"), "topics/t/partition=0/t+0+0000000042.json.gz");
        assert_eq!(name(&names, Part::Keys, ".avro"), "topics/t/partition=0/t+0+0000000042.keys.avro");
        assert_eq!(name(&names, Part::Headers, ".avro"), "topics/t/partition=0/t+0+0000000042.headers.avro");
        names = Names {
            topics_dir: "  ".into(),
            directory_delimiter: "_".into(),
            file_delimiter: "-".into(),
            pad_width: 0,
        };
        assert_eq!(name(&names, Part::Values, ".bin"), "t_partition=0_t-0-42.bin");
    }
}
