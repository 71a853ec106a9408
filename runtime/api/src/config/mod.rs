//! Configuration definitions (`ConfigDef`): keys with type, default, validator and what a form needs to show them.
//!
//! Parsing gives every error at once. The texts are Kafka's, since REST clients compare them (connect-worker.md 1.8).

mod definition;
mod embed;
mod parse;
mod validator;
mod value;

pub use definition::{ConfigDef, ConfigKey, ConfigType, Importance, Recommender, Width};
pub use parse::{ParsedConfig, parse_value};
pub use validator::{Validator, invalid};
pub use value::{ConfigValue, ParsedValue, Password};
