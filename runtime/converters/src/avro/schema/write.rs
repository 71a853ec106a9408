//! A schema as JSON, with the members in the order in which Java's `Schema.toString` gives them: registries that compare texts see
//! the same text from both sides.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde_json::Value as Json;
use sluice_api::{ConnectError, Result};

use super::{AvroField, AvroSchema, Kind, Name, NodeId};
use crate::json::writer::{append, write_f64, write_string};

impl AvroSchema {
    /// The schema's text.
    pub(crate) fn to_text(&self) -> String {
        self.written().0
    }

    /// As [`AvroSchema::to_text`], of a schema that means the same once it is read again.
    ///
    /// # Errors
    /// `Data` when two of its types have one name: Avro has room for one, and what is written by the other could not be read.
    pub(crate) fn unambiguous_text(&self) -> Result<String> {
        match self.written() {
            (text, None) => Ok(text),
            (_, Some(name)) => Err(ConnectError::data(format!(
                "two different Avro types would be named {name}: give the schemas of these structs or maps names that differ"
            ))),
        }
    }

    /// The text, and a name that two different types have.
    fn written(&self) -> (String, Option<String>) {
        let out = Vec::with_capacity(256);
        let mut writer = Writer { schema: self, seen: HashMap::new(), redefined: None, out };
        writer.node(self.root, None);
        (String::from_utf8(writer.out).expect("only text is written"), writer.redefined)
    }
}

struct Writer<'a> {
    schema: &'a AvroSchema,
    /// What each name stands for so far.
    seen: HashMap<String, NodeId>,
    redefined: Option<String>,
    out: Vec<u8>,
}

impl<'a> Writer<'a> {
    fn node(&mut self, id: NodeId, namespace: Option<&'a str>) {
        let node = self.schema.node(id);
        if let Some(name) = node.kind.name() {
            let full = name.full();
            if let Some(seen) = self.seen.get(&full) {
                let short = name.namespace.as_deref() == namespace;
                write_string(&mut self.out, if short { &name.name } else { &full });
                if !same(self.schema, *seen, id, &mut Vec::new()) {
                    self.redefined = Some(full);
                }
                return;
            }
            self.seen.insert(full, id);
        }
        match &node.kind {
            Kind::Union(branches) => {
                self.out.push(b'[');
                for (at, branch) in branches.iter().enumerate() {
                    self.comma(at);
                    self.node(*branch, namespace);
                }
                self.out.push(b']');
            }
            kind if node.props.is_empty()
                && kind.name().is_none()
                && !matches!(kind, Kind::Array(_) | Kind::Map(_)) =>
            {
                write_string(&mut self.out, kind.word());
            }
            kind => {
                self.out.push(b'{');
                self.member("type", true);
                write_string(&mut self.out, kind.word());
                self.inside(kind, namespace);
                self.props(&node.props);
                if let Some(name) = kind.name() {
                    self.aliases(&name.aliases);
                }
                self.out.push(b'}');
            }
        }
    }

    fn inside(&mut self, kind: &'a Kind, namespace: Option<&'a str>) {
        match kind {
            Kind::Array(items) => {
                self.member("items", false);
                self.node(*items, namespace);
            }
            Kind::Map(values) => {
                self.member("values", false);
                self.node(*values, namespace);
            }
            Kind::Record(record) => {
                self.name(&record.name, namespace);
                self.optional_text("doc", record.doc.as_deref());
                self.member("fields", false);
                self.out.push(b'[');
                for (at, field) in record.fields.iter().enumerate() {
                    self.comma(at);
                    self.field(field, record.name.namespace.as_deref());
                }
                self.out.push(b']');
            }
            Kind::Enum(symbols) => {
                self.name(&symbols.name, namespace);
                self.optional_text("doc", symbols.doc.as_deref());
                self.member("symbols", false);
                self.texts(&symbols.symbols);
                self.optional_text("default", symbols.default.as_deref());
            }
            Kind::Fixed { name, size } => {
                self.name(name, namespace);
                self.member("size", false);
                append(&mut self.out, format_args!("{size}"));
            }
            _ => {}
        }
    }

    fn field(&mut self, field: &'a AvroField, namespace: Option<&'a str>) {
        self.out.push(b'{');
        self.member("name", true);
        write_string(&mut self.out, &field.name);
        self.member("type", false);
        self.node(field.schema, namespace);
        self.optional_text("doc", field.doc.as_deref());
        if let Some(default) = &field.default {
            self.member("default", false);
            write_json(&mut self.out, default);
        }
        self.aliases(&field.aliases);
        self.props(&field.props);
        self.out.push(b'}');
    }

    fn name(&mut self, name: &Name, namespace: Option<&str>) {
        self.member("name", false);
        write_string(&mut self.out, &name.name);
        if name.namespace.as_deref() != namespace {
            self.member("namespace", false);
            write_string(&mut self.out, name.namespace.as_deref().unwrap_or_default());
        }
    }

    fn props(&mut self, props: &IndexMap<String, Json>) {
        for (name, value) in props {
            self.member(name, false);
            write_json(&mut self.out, value);
        }
    }

    fn aliases(&mut self, aliases: &[String]) {
        if !aliases.is_empty() {
            self.member("aliases", false);
            self.texts(aliases);
        }
    }

    fn optional_text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.member(name, false);
            write_string(&mut self.out, text);
        }
    }

    fn texts(&mut self, texts: &[String]) {
        self.out.push(b'[');
        for (at, text) in texts.iter().enumerate() {
            self.comma(at);
            write_string(&mut self.out, text);
        }
        self.out.push(b']');
    }

    fn member(&mut self, name: &str, first: bool) {
        self.comma(usize::from(!first));
        write_string(&mut self.out, name);
        self.out.push(b':');
    }

    fn comma(&mut self, at: usize) {
        if at > 0 {
            self.out.push(b',');
        }
    }
}

/// What of a type's properties says how its data is read; the others may be those of where a name came first.
const MEANING: [&str; 6] =
    ["connect.internal.type", "connect.name", "connect.type", "logicalType", "precision", "scale"];

/// Whether data of the two types is the same, all the way down. A pair that is being compared counts as the same, which ends
/// cycles.
fn same(schema: &AvroSchema, one: NodeId, other: NodeId, open: &mut Vec<(NodeId, NodeId)>) -> bool {
    if one == other || open.contains(&(one, other)) {
        return true;
    }
    let (left, right) = (schema.node(one), schema.node(other));
    if MEANING.iter().any(|name| left.props.get(*name) != right.props.get(*name)) {
        return false;
    }
    open.push((one, other));
    let mut each = |left: NodeId, right: NodeId| same(schema, left, right, open);
    match (&left.kind, &right.kind) {
        (Kind::Array(left), Kind::Array(right)) | (Kind::Map(left), Kind::Map(right)) => each(*left, *right),
        (Kind::Union(left), Kind::Union(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| each(*left, *right))
        }
        (Kind::Record(left), Kind::Record(right)) => {
            left.name == right.name
                && left.fields.len() == right.fields.len()
                && left
                    .fields
                    .iter()
                    .zip(&right.fields)
                    .all(|(left, right)| left.name == right.name && each(left.schema, right.schema))
        }
        (Kind::Enum(left), Kind::Enum(right)) => left.name == right.name && left.symbols == right.symbols,
        (left, right) => left == right,
    }
}

/// JSON with numbers as Java writes them.
fn write_json(out: &mut Vec<u8>, json: &Json) {
    match json {
        Json::String(text) => write_string(out, text),
        Json::Number(number) if number.is_f64() => write_f64(out, number.as_f64().unwrap_or(f64::NAN)),
        Json::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_json(out, item);
            }
            out.push(b']');
        }
        Json::Object(members) => {
            out.push(b'{');
            for (at, (name, value)) in members.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_string(out, name);
                out.push(b':');
                write_json(out, value);
            }
            out.push(b'}');
        }
        other => append(out, format_args!("{other}")),
    }
}
