//! Names that stand in Connect schemas and in schema text.

pub(super) const CONNECT_TYPE: &str = "connect.type";
pub(super) const CONNECT_VERSION: &str = "connect.version";
pub(super) const CONNECT_PARAMETERS: &str = "connect.parameters";
pub(super) const CONNECT_INDEX: &str = "connect.index";
/// Parameters of a Connect schema that start so are the converter's own and not written.
pub(super) const NAMESPACE: &str = "io.confluent.connect.json";
pub(super) const ENUM: &str = "io.confluent.connect.json.Enum";
pub(super) const ONE_OF: &str = "io.confluent.connect.json.OneOf";
/// Marks a type that is used again, for the reference to it.
pub(super) const ID: &str = "io.confluent.connect.json.Id";
pub(super) const ID_PREFIX: &str = "#id";
pub(super) const GENERALIZED_UNION: &str = "org.apache.kafka.connect.data.Union";
pub(super) const GENERALIZED_ENUM: &str = "org.apache.kafka.connect.data.Enum";
pub(super) const GENERALIZED_UNION_NAME: &str = "connect_union_";
pub(super) const GENERALIZED_UNION_FIELD: &str = "connect_union_field_";
/// Stands for null among the symbols of an enum.
pub(super) const NULL_SYMBOL: &str = "<NULL>";
