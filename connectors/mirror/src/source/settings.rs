//! Settings of topics that are created, and of those that are there.

use indexmap::IndexMap;
use sluice_kafka::wire::{SettingChange, TopicSetting};

use crate::config::SourceConfig;

impl SourceConfig {
    /// The settings of a topic that is created: what was set at the source, not what Kafka brings along unless that is asked for.
    pub(super) fn settings_of_new(&self, settings: &[TopicSetting]) -> IndexMap<String, String> {
        let kept = settings.iter().filter(|setting| self.takes(setting));
        let kept = kept.filter(|setting| self.defaults_from_source || !setting.is_default);
        kept.filter_map(|setting| Some((setting.name.clone(), setting.value.clone()?))).collect()
    }

    /// What makes the settings of a topic that is there like those of the source.
    pub(super) fn changes(&self, settings: &[TopicSetting]) -> Vec<SettingChange> {
        let kept = settings.iter().filter(|setting| self.takes(setting));
        let change = |setting: &TopicSetting| match setting.is_default && !self.defaults_from_source {
            true => Some(SettingChange::Delete(setting.name.clone())),
            false => Some(SettingChange::Set(setting.name.clone(), setting.value.clone()?)),
        };
        kept.filter_map(change).collect()
    }

    fn takes(&self, setting: &TopicSetting) -> bool {
        !setting.is_read_only && !setting.is_sensitive && !setting.is_static && self.settings.accepts(&setting.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(further: &[(&str, &str)]) -> SourceConfig {
        let base = [("source.cluster.alias", "A")];
        let all = base.iter().chain(further).map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        SourceConfig::parse(&all.collect()).expect("valid")
    }

    fn setting(name: &str, value: &str, is_default: bool) -> TopicSetting {
        TopicSetting {
            name: name.to_owned(),
            value: Some(value.to_owned()),
            is_default,
            is_static: false,
            is_read_only: false,
            is_sensitive: false,
        }
    }

    fn settings() -> Vec<TopicSetting> {
        let of_broker = TopicSetting { is_static: true, ..setting("segment.bytes", "1", false) };
        vec![
            setting("cleanup.policy", "compact", false),
            setting("retention.ms", "604800000", true),
            setting("min.insync.replicas", "2", false),
            of_broker,
        ]
    }

    #[test]
    fn what_was_set_is_copied_and_defaults_are_those_of_the_target() {
        let config = config(&[]);
        assert_eq!(config.settings_of_new(&settings()).keys().collect::<Vec<_>>(), ["cleanup.policy"]);
        assert_eq!(
            config.changes(&settings()),
            [
                SettingChange::Set("cleanup.policy".to_owned(), "compact".to_owned()),
                SettingChange::Delete("retention.ms".to_owned()),
            ]
        );
    }

    #[test]
    fn defaults_of_the_source_can_be_asked_for() {
        let config = config(&[("use.defaults.from", "source")]);
        assert_eq!(config.settings_of_new(&settings()).keys().collect::<Vec<_>>(), ["cleanup.policy", "retention.ms"]);
        assert!(
            config
                .changes(&settings())
                .contains(&SettingChange::Set("retention.ms".to_owned(), "604800000".to_owned()))
        );
    }
}
