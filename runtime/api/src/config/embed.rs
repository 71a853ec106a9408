//! Putting the keys of one definition under a prefix of another (`transforms.<alias>.`, `topic.creation.<group>.`).

use std::cmp::Ordering;
use std::sync::Arc;

use super::{ConfigDef, ConfigKey, Recommender, Validator};
use crate::Properties;

impl ConfigDef {
    /// Adds every key of `child` under `prefix` and in the groups below `group`, sorted as a form would show them and numbered
    /// from `first_order`. Messages of validators name the key without prefix, as Kafka's do.
    pub fn embed(&mut self, prefix: &str, group: &str, first_order: i32, child: &ConfigDef) {
        for (order, key) in (first_order..).zip(sorted(child)) {
            let mut embedded = key.clone();
            embedded.name = format!("{prefix}{}", key.name);
            embedded.group = Some(key.group.as_ref().map_or_else(|| group.to_owned(), |own| format!("{group}: {own}")));
            embedded.order_in_group = order;
            embedded.dependents = key.dependents.iter().map(|name| format!("{prefix}{name}")).collect();
            embedded.validator = key.validator.as_ref().map(|validator| under_prefix(prefix, validator));
            embedded.recommender = key.recommender.as_ref().map(|inner| {
                Arc::new(UnderPrefix { prefix: prefix.to_owned(), inner: inner.clone() }) as Arc<dyn Recommender>
            });
            self.insert(embedded);
        }
    }
}

fn sorted(def: &ConfigDef) -> Vec<&ConfigKey> {
    let group_rank = |key: &ConfigKey| key.group.as_ref().map(|own| def.groups().iter().position(|group| group == own));
    let mut keys: Vec<&ConfigKey> = def.keys().collect();
    keys.sort_by(|a, b| group_rank(a).cmp(&group_rank(b)).then_with(|| within_group(a, b)));
    keys
}

fn within_group(a: &ConfigKey, b: &ConfigKey) -> Ordering {
    a.order_in_group
        .cmp(&b.order_in_group)
        .then_with(|| b.is_required().cmp(&a.is_required()))
        .then_with(|| a.importance.cmp(&b.importance))
        .then_with(|| a.name.cmp(&b.name))
}

fn under_prefix(prefix: &str, validator: &Validator) -> Validator {
    let (prefix, inner) = (prefix.to_owned(), validator.clone());
    Validator::new(validator.description(), move |name, value| {
        inner.check(name.strip_prefix(&prefix).unwrap_or(name), value)
    })
}

struct UnderPrefix {
    prefix: String,
    inner: Arc<dyn Recommender>,
}

impl UnderPrefix {
    fn own(&self, config: &Properties) -> Properties {
        let own =
            |(name, value): (&String, &String)| Some((name.strip_prefix(&self.prefix)?.to_owned(), value.clone()));
        config.iter().filter_map(own).collect()
    }
}

impl Recommender for UnderPrefix {
    fn valid_values(&self, name: &str, config: &Properties) -> Vec<String> {
        self.inner.valid_values(name.strip_prefix(&self.prefix).unwrap_or(name), &self.own(config))
    }

    fn visible(&self, name: &str, config: &Properties) -> bool {
        self.inner.visible(name.strip_prefix(&self.prefix).unwrap_or(name), &self.own(config))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConfigType, Importance, ParsedValue};

    #[test]
    fn embedded_keys_are_sorted_numbered_and_named_bare_in_messages() {
        let key = |name, importance| ConfigKey::new(name, ConfigType::Int, importance, "");
        let child = ConfigDef::new()
            .define(key("low", Importance::Low).optional())
            .define(key("needed", Importance::Low))
            .define(key("high", Importance::High).default(ParsedValue::Int(1)).validator(Validator::at_least(1)));
        let mut def = ConfigDef::new();
        def.embed("transforms.a.", "Transforms: a", 2, &child);
        let shown: Vec<_> = def.keys().map(|key| (key.name.as_str(), key.order_in_group)).collect();
        assert_eq!(shown, [("transforms.a.needed", 2), ("transforms.a.high", 3), ("transforms.a.low", 4)]);
        assert_eq!(def.groups(), ["Transforms: a"]);
        let high = def.get("transforms.a.high").and_then(|key| key.validator.clone()).expect("it has one");
        assert_eq!(
            high.check("transforms.a.high", &ParsedValue::Int(0)),
            Err("Invalid value 0 for configuration high: Value must be at least 1".into())
        );
    }
}
