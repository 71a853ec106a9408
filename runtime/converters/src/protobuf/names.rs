//! Names that stand in Connect schemas or in schema text, and how one becomes the other.

/// A message type of Confluent's or Google's that stands for a Connect type, with the file that declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KnownType {
    pub(super) name: &'static str,
    pub(super) file: &'static str,
}

pub(super) const DECIMAL: KnownType =
    KnownType { name: "confluent.type.Decimal", file: "confluent/type/decimal.proto" };
pub(super) const VARIANT: KnownType =
    KnownType { name: "confluent.type.Variant", file: "confluent/type/variant.proto" };
pub(super) const DATE: KnownType = KnownType { name: "google.type.Date", file: "google/type/date.proto" };
pub(super) const TIME: KnownType = KnownType { name: "google.type.TimeOfDay", file: "google/type/timeofday.proto" };
pub(super) const TIMESTAMP: KnownType =
    KnownType { name: "google.protobuf.Timestamp", file: "google/protobuf/timestamp.proto" };

pub(super) const WRAPPERS_FILE: &str = "google/protobuf/wrappers.proto";
pub(super) const META_FILE: &str = "confluent/meta.proto";

/// Message types around one primitive, in the order of their file.
pub(super) const WRAPPERS: [&str; 9] = [
    "google.protobuf.DoubleValue",
    "google.protobuf.FloatValue",
    "google.protobuf.Int64Value",
    "google.protobuf.UInt64Value",
    "google.protobuf.Int32Value",
    "google.protobuf.UInt32Value",
    "google.protobuf.BoolValue",
    "google.protobuf.StringValue",
    "google.protobuf.BytesValue",
];

/// The Connect name of a variant's struct.
pub(super) const CONNECT_VARIANT: &str = "org.apache.kafka.connect.data.Variant";
pub(super) const GENERALIZED_UNION: &str = "org.apache.kafka.connect.data.Union";
pub(super) const GENERALIZED_ENUM: &str = "org.apache.kafka.connect.data.Enum";
pub(super) const ENUM: &str = "io.confluent.connect.protobuf.Enum";
pub(super) const UNION: &str = "io.confluent.connect.protobuf.Union";
pub(super) const TAG: &str = "io.confluent.connect.protobuf.Tag";
pub(super) const TYPE: &str = "io.confluent.connect.protobuf.Type";
/// Marks an optional member of a oneof that came from a wrapper, since all members are optional.
pub(super) const WRAPPER: &str = "io.confluent.connect.protobuf.Wrapper";
pub(super) const CONNECT_TYPE: &str = "connect.type";
pub(super) const CONNECT_PRECISION: &str = "connect.decimal.precision";
pub(super) const PRECISION: &str = "precision";
pub(super) const SCALE: &str = "scale";
pub(super) const DEFAULT_NAME: &str = "ConnectDefault";
const ENTRY: &str = "Entry";

/// Whether the type is one of [`WRAPPERS`].
pub(super) fn is_wrapper(full_name: &str) -> bool {
    WRAPPERS.contains(&full_name)
}

/// Replaces what may not stand in an identifier (`scrub.invalid.names`).
pub(super) fn scrub(name: &str) -> String {
    let mut scrubbed = String::with_capacity(name.len());
    for character in name.chars() {
        match character {
            'A'..='Z' | 'a'..='z' | '0'..='9' | '_' => scrubbed.push(character),
            '.' | '-' | '*' | ' ' => scrubbed.push('_'),
            // As form encoding with the percent signs replaced.
            other => {
                let mut buffer = [0; 4];
                for byte in other.encode_utf8(&mut buffer).bytes() {
                    scrubbed.push_str(&format!("_{byte:02X}"));
                }
            }
        }
    }
    // Form encoding leaves the first of these as they are, so only they get the prefix.
    if name.starts_with(|first: char| first.is_ascii_digit() || first == '_') {
        scrubbed.insert(0, 'x');
    }
    scrubbed
}

/// The name of the message that holds one entry of the map `name`.
pub(super) fn map_entry(name: &str) -> String {
    if name.contains('_') { camel(name) + ENTRY } else { format!("{name}{ENTRY}") }
}

/// The name of the map whose entries are of the type `entry`; a namespace is kept.
pub(super) fn map_field(entry: &str) -> String {
    let (namespace, last) = entry.rsplit_once('.').map_or(("", entry), |(namespace, last)| (namespace, last));
    let last = last.strip_suffix(ENTRY).map_or_else(|| last.to_owned(), underscored);
    if namespace.is_empty() { last } else { format!("{namespace}.{last}") }
}

/// Whether a message of that name may hold the entries of a map.
pub(super) fn is_map_entry(name: &str) -> bool {
    name.ends_with(ENTRY)
}

/// `lower_underscore` to `UpperCamel`.
fn camel(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for word in name.split('_') {
        let mut characters = word.chars();
        out.extend(characters.next().map(|first| first.to_ascii_uppercase()));
        out.extend(characters.map(|rest| rest.to_ascii_lowercase()));
    }
    out
}

/// `UpperCamel` to `lower_underscore`.
fn underscored(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(character.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_scrubbed_as_form_encoding_does() {
        let vectors = [
            ("order", "order"),
            ("org.acme-corp", "org_acme_corp"),
            ("a b", "a_b"),
            ("1st", "x1st"),
            ("_id", "x_id"),
            ("$x", "_24x"),
            ("é", "_C3_A9"),
            ("", ""),
        ];
        for (name, scrubbed) in vectors {
            assert_eq!(scrub(name), scrubbed, "{name}");
        }
    }

    #[test]
    fn maps_and_their_entries_are_named_after_each_other() {
        assert_eq!(map_entry("my_map"), "MyMapEntry");
        assert_eq!(map_entry("labels"), "labelsEntry");
        assert_eq!(map_field("MyMapEntry"), "my_map");
        assert_eq!(map_field("a.b.ABTestEntry"), "a.b.a_b_test");
        assert_eq!(map_field("Foo"), "Foo");
    }
}
