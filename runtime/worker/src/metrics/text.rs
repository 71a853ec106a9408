//! Prometheus text format 0.0.4.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Collects samples; families come out sorted and each under one `# TYPE` line, whatever the order of the calls.
#[derive(Default)]
pub(crate) struct Text {
    families: BTreeMap<String, Vec<String>>,
}

impl Text {
    /// One sample of `kafka_connect_<group>_<attribute>`, both with dashes as Kafka writes them.
    pub(crate) fn sample(&mut self, group: &str, attribute: &str, labels: &[(&str, &str)], value: f64) {
        let name = format!("kafka_connect_{group}_{attribute}").replace('-', "_");
        let mut line = name.clone();
        for (at, (label, text)) in labels.iter().enumerate() {
            let opening = if at == 0 { '{' } else { ',' };
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            write!(line, "{opening}{label}=\"{text}\"").expect("a String takes everything");
        }
        if !labels.is_empty() {
            line.push('}');
        }
        writeln!(line, " {}", number(value)).expect("a String takes everything");
        self.families.entry(name).or_default().push(line);
    }

    pub(crate) fn finish(self) -> String {
        let mut text = String::new();
        for (name, lines) in self.families {
            let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
            writeln!(text, "# TYPE {name} {kind}").expect("a String takes everything");
            text.extend(lines);
        }
        text
    }
}

fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn a_family_is_declared_once_and_labels_are_escaped() {
        let mut text = Text::default();
        let name = "source-record-write-total";
        text.sample("source-task-metrics", name, &[("connector", "a\"b"), ("task", "0")], 3.0);
        text.sample("connect-worker-metrics", "task-count", &[], 1.0);
        text.sample("source-task-metrics", name, &[("connector", "c"), ("task", "0")], f64::NAN);
        assert_eq!(
            text.finish(),
            "# TYPE kafka_connect_connect_worker_metrics_task_count gauge\n\
             kafka_connect_connect_worker_metrics_task_count 1\n\
             # TYPE kafka_connect_source_task_metrics_source_record_write_total counter\n\
             kafka_connect_source_task_metrics_source_record_write_total{connector=\"a\\\"b\",task=\"0\"} 3\n\
             kafka_connect_source_task_metrics_source_record_write_total{connector=\"c\",task=\"0\"} NaN\n"
        );
    }
}
