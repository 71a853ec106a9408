//! Keys and the definition that holds them.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;

use super::{ParsedValue, Validator};
use crate::Properties;

/// The type of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigType {
    /// `true` or `false`, in any case.
    Boolean,
    /// Text, trimmed.
    String,
    /// 32 bit.
    Int,
    /// 16 bit.
    Short,
    /// 64 bit.
    Long,
    /// Floating point.
    Double,
    /// Comma separated.
    List,
    /// A class name.
    Class,
    /// Text that is never shown.
    Password,
}

impl ConfigType {
    /// The name in REST bodies and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Int => "INT",
            Self::Short => "SHORT",
            Self::Long => "LONG",
            Self::Double => "DOUBLE",
            Self::List => "LIST",
            Self::Class => "CLASS",
            Self::Password => "PASSWORD",
        }
    }
}

/// How important a key is to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Importance {
    /// Most users set it.
    High,
    /// Some do.
    Medium,
    /// Few do.
    Low,
}

impl Importance {
    /// The name in REST bodies.
    pub fn name(self) -> &'static str {
        match self {
            Self::High => "HIGH",
            Self::Medium => "MEDIUM",
            Self::Low => "LOW",
        }
    }
}

/// How wide a form shows the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// Unsaid.
    None,
    /// A number.
    Short,
    /// A name.
    Medium,
    /// A line.
    Long,
}

impl Width {
    /// The name in REST bodies.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Short => "SHORT",
            Self::Medium => "MEDIUM",
            Self::Long => "LONG",
        }
    }
}

/// Offers values for a key, given what is set so far.
pub trait Recommender: Send + Sync {
    /// The values to offer.
    fn valid_values(&self, name: &str, config: &Properties) -> Vec<String>;
    /// Whether a form should show the key.
    fn visible(&self, _name: &str, _config: &Properties) -> bool {
        true
    }
}

/// One key.
#[derive(Clone)]
pub struct ConfigKey {
    /// The name.
    pub name: String,
    /// The type.
    pub config_type: ConfigType,
    /// The default; `None` means that the key is required, `Some(Null)` that it has none but may be left out.
    pub default: Option<ParsedValue>,
    /// What values are right.
    pub validator: Option<Validator>,
    /// The importance.
    pub importance: Importance,
    /// What the key does, for people.
    pub documentation: String,
    /// The group in a form.
    pub group: Option<String>,
    /// The place in the group, -1 without group.
    pub order_in_group: i32,
    /// The width in a form.
    pub width: Width,
    /// The name in a form.
    pub display_name: String,
    /// Keys whose recommendations depend on this one.
    pub dependents: Vec<String>,
    /// What a form may offer.
    pub recommender: Option<Arc<dyn Recommender>>,
}

impl ConfigKey {
    /// A required key without group; the other attributes are set by the methods below.
    pub fn new(name: impl Into<String>, config_type: ConfigType, importance: Importance, documentation: &str) -> Self {
        let name = name.into();
        Self {
            display_name: name.clone(),
            name,
            config_type,
            default: None,
            validator: None,
            importance,
            documentation: documentation.to_owned(),
            group: None,
            order_in_group: -1,
            width: Width::None,
            dependents: Vec::new(),
            recommender: None,
        }
    }

    /// Makes the key optional with this default.
    #[must_use]
    pub fn default(mut self, value: ParsedValue) -> Self {
        self.default = Some(value);
        self
    }

    /// Makes the key optional without default.
    #[must_use]
    pub fn optional(self) -> Self {
        self.default(ParsedValue::Null)
    }

    /// Sets what values are right.
    #[must_use]
    pub fn validator(mut self, validator: Validator) -> Self {
        self.validator = Some(validator);
        self
    }

    /// Sets where a form shows the key.
    #[must_use]
    pub fn group(mut self, group: &str, order: i32, width: Width, display_name: &str) -> Self {
        self.group = Some(group.to_owned());
        self.order_in_group = order;
        self.width = width;
        self.display_name = display_name.to_owned();
        self
    }

    /// Names keys whose recommendations depend on this one.
    #[must_use]
    pub fn dependents(mut self, names: &[&str]) -> Self {
        self.dependents = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// Sets what a form may offer.
    #[must_use]
    pub fn recommender(mut self, recommender: Arc<dyn Recommender>) -> Self {
        self.recommender = Some(recommender);
        self
    }

    /// Whether a value must be given.
    pub fn is_required(&self) -> bool {
        self.default.is_none()
    }
}

impl fmt::Debug for ConfigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigKey").field("name", &self.name).field("type", &self.config_type).finish_non_exhaustive()
    }
}

/// Keys in the order of their definition.
///
/// ```
/// use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedValue, Validator};
///
/// let def = ConfigDef::new()
///     .define(ConfigKey::new("topic", ConfigType::String, Importance::High, "Where records go."))
///     .define(
///         ConfigKey::new("batch.size", ConfigType::Int, Importance::Low, "Records per batch.")
///             .default(ParsedValue::Int(2000))
///             .validator(Validator::at_least(1)),
///     );
/// let config = def.parse(&[("topic".to_owned(), "lines".to_owned())].into_iter().collect()).unwrap();
/// assert_eq!(config.string("topic"), "lines");
/// assert_eq!(config.int("batch.size"), 2000);
/// ```
#[derive(Clone, Debug, Default)]
pub struct ConfigDef {
    keys: IndexMap<String, ConfigKey>,
    groups: Vec<String>,
}

impl ConfigDef {
    /// No keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key, or replaces the one of that name in its place.
    #[must_use]
    pub fn define(mut self, key: ConfigKey) -> Self {
        self.insert(key);
        self
    }

    /// As [`ConfigDef::define`], on a definition that is already there.
    pub fn insert(&mut self, key: ConfigKey) {
        if let Some(group) = &key.group
            && !self.groups.contains(group)
        {
            self.groups.push(group.clone());
        }
        self.keys.insert(key.name.clone(), key);
    }

    /// Adds every key of `other`.
    #[must_use]
    pub fn extend(mut self, other: &ConfigDef) -> Self {
        for key in other.keys.values() {
            self.insert(key.clone());
        }
        self
    }

    /// The key of that name.
    pub fn get(&self, name: &str) -> Option<&ConfigKey> {
        self.keys.get(name)
    }

    /// The keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &ConfigKey> {
        self.keys.values()
    }

    /// The groups in the order in which they first occur.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }
}
