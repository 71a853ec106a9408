//! Masks for what differs from run to run: addresses, folders, moments, identities, stack traces, prose.

use regex::{Captures, Regex};

use crate::rest::Answer;

/// Replaces volatile parts of texts. The order of fields and everything else stays.
#[derive(Debug)]
pub struct Masks {
    literals: Vec<(String, &'static str)>,
    patterns: Vec<(Regex, &'static str)>,
    trace: Regex,
    plugin: Regex,
}

/// The text of a JSON string, quotes excluded.
const TEXT: &str = r#"(?:[^"\\]|\\.)*"#;

impl Masks {
    /// Masks the worker's address and the run's folder, and the fields that are volatile in every run.
    #[must_use]
    pub fn new(authority: &str, folder: &str) -> Self {
        let pattern = |text: &str| Regex::new(&text.replace("TEXT", TEXT)).expect("a valid pattern");
        let patterns = vec![
            (pattern(r#""documentation":(?:"TEXT"|null)"#), r#""documentation":"<prose>""#),
            (pattern(r#""kafka_cluster_id":"TEXT""#), r#""kafka_cluster_id":"<cluster id>""#),
            (pattern(r#""last_modified":\d+"#), r#""last_modified":"<ms>""#),
            (pattern(r#""discoverTimestamp":\d+"#), r#""discoverTimestamp":"<ms>""#),
            (pattern(r#""creation-timestamp":\d+"#), r#""creation-timestamp":"<ms>""#),
            (pattern(r#""generation":\d+"#), r#""generation":"<generation>""#),
            (pattern(r#"^\{"key":"TEXT","algorithm""#), r#"{"key":"<base64>","algorithm""#),
            // Which plugins are installed differs; those of Apache Kafka are compared, MirrorMaker aside.
            (pattern(r#"([\[,])(?:"(?:com|io|sluice)\.TEXT",)+"#), "$1"),
            (pattern(r#",\{"class":"(?:com|io|sluice)\.TEXT","type":"TEXT","version":"TEXT"\}"#), ""),
            (pattern(r#"\{"class":"(?:com|io|sluice)\.TEXT","type":"TEXT","version":"TEXT"\},"#), ""),
            (pattern(r#",\{"class":"org\.apache\.kafka\.connect\.mirror\.TEXT","type":"TEXT","version":"TEXT"\}"#), ""),
            (pattern(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"), "<instant>"),
        ];
        Masks {
            literals: vec![(authority.to_owned(), "<worker>"), (folder.to_owned(), "<dir>")],
            patterns,
            trace: pattern(r#""trace":"(TEXT)""#),
            plugin: pattern(r"PluginDesc\{(?:[^{}]|\{[^}]*\})*\}(?:, )?"),
        }
    }

    /// Masks a text.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for (from, to) in &self.literals {
            out = out.replace(from, to);
        }
        for (pattern, to) in &self.patterns {
            out = pattern.replace_all(&out, *to).into_owned();
        }
        // Of a stack trace only its first line, exception and message, is comparable.
        out = self
            .trace
            .replace_all(&out, |found: &Captures<'_>| {
                let first = found[1].split("\\n").next().unwrap_or_default().to_owned();
                format!("\"trace\":\"{first}\\n<stack>\"")
            })
            .into_owned();
        // Which connectors are installed differs; the file connectors always are.
        let kept =
            |found: &Captures<'_>| if found[0].contains("connect.file.") { found[0].to_owned() } else { String::new() };
        self.plugin.replace_all(&out, kept).into_owned()
    }

    /// Masks an answer: body, and the headers that name a moment, a server, a length or an address.
    #[must_use]
    pub fn answer(&self, answer: &Answer) -> Answer {
        let header = |(name, value): &(String, String)| {
            let value = match name.to_lowercase().as_str() {
                "date" => "<date>".to_owned(),
                "server" => "<server>".to_owned(),
                "content-length" if value != "0" => "<n>".to_owned(),
                _ => self.text(value),
            };
            (name.clone(), value)
        };
        Answer {
            status: answer.status,
            headers: answer.headers.iter().map(header).collect(),
            body: self.text(&answer.body),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volatile_parts_are_masked_and_the_rest_stays() {
        let masks = Masks::new("127.0.0.1:8083", "/tmp/x");
        let text = r#"{"worker_id":"127.0.0.1:8083","trace":"a.B: \"c\"\n\tat d","generation":7,"file":"/tmp/x/f"}"#;
        let masked =
            r#"{"worker_id":"<worker>","trace":"a.B: \"c\"\n<stack>","generation":"<generation>","file":"<dir>/f"}"#;
        assert_eq!(masks.text(text), masked);
    }

    #[test]
    fn only_the_file_connectors_stay_in_a_list_of_plugins() {
        let masks = Masks::new("h:1", "/tmp/x");
        let text =
            "are: PluginDesc{klass=class org.apache.kafka.connect.file.A, x='y'}, PluginDesc{klass=class z.B, x='y'}";
        assert_eq!(masks.text(text), "are: PluginDesc{klass=class org.apache.kafka.connect.file.A, x='y'}, ");
    }
}
