//! JSON to a schema, by Avro's specification.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde_json::{Map, Value as Json};
use sluice_api::{ConnectError, Result};

use super::{AvroField, AvroSchema, Enum, Kind, Name, NodeId, Record};

/// A fixed of this size is an attack, not a type.
const LARGEST_FIXED: u64 = 1 << 30;

/// Parses `text`; the named types of `references`, which come before those that use them, can be used in it.
///
/// # Errors
/// `Data` that says what is wrong with which type.
pub(crate) fn parse<'a>(text: &str, references: impl IntoIterator<Item = &'a str>) -> Result<AvroSchema> {
    let mut parser = Parser { schema: AvroSchema::empty(), names: HashMap::new() };
    for reference in references {
        parser.text(reference)?;
    }
    let root = parser.text(text)?;
    parser.schema.set_root(root);
    Ok(parser.schema)
}

struct Parser {
    schema: AvroSchema,
    names: HashMap<String, NodeId>,
}

fn wrong(what: impl std::fmt::Display) -> ConnectError {
    ConnectError::data(format!("parsing an Avro schema: {what}"))
}

impl Parser {
    fn text(&mut self, text: &str) -> Result<NodeId> {
        match serde_json::from_str(text) {
            Ok(json) => self.schema(&json, None),
            // A lone word is a schema to some writers.
            Err(error) => match primitive(text.trim()) {
                Some(kind) => Ok(self.schema.add(kind)),
                None => Err(wrong(error)),
            },
        }
    }

    fn schema(&mut self, json: &Json, namespace: Option<&str>) -> Result<NodeId> {
        match json {
            Json::String(name) => self.named(name, namespace),
            Json::Array(branches) => self.union(branches, namespace),
            Json::Object(object) => self.object(object, namespace),
            other => Err(wrong(format_args!("expected a type, got {other}"))),
        }
    }

    fn named(&mut self, name: &str, namespace: Option<&str>) -> Result<NodeId> {
        if let Some(kind) = primitive(name) {
            return Ok(self.schema.add(kind));
        }
        let full = Name::new(name, namespace).full();
        let known = self.names.get(&full).or_else(|| self.names.get(name));
        known.copied().ok_or_else(|| wrong(format_args!("`{full}` is not defined")))
    }

    fn union(&mut self, branches: &[Json], namespace: Option<&str>) -> Result<NodeId> {
        let branches = branches.iter().map(|branch| self.schema(branch, namespace)).collect::<Result<Vec<_>>>()?;
        for (at, branch) in branches.iter().enumerate() {
            let kind = self.schema.kind(*branch);
            if matches!(kind, Kind::Union(_)) {
                return Err(wrong("a union directly in a union"));
            }
            let same = |other: &NodeId| same_branch(kind, self.schema.kind(*other));
            if branches[..at].iter().any(same) {
                return Err(wrong(format_args!("a union with two branches of type {}", kind.word())));
            }
        }
        Ok(self.schema.add(Kind::Union(branches)))
    }

    fn object(&mut self, object: &Map<String, Json>, namespace: Option<&str>) -> Result<NodeId> {
        let word = match object.get("type") {
            Some(Json::String(word)) => word.as_str(),
            // `{"type": {…}}` is the inner type.
            Some(inner @ (Json::Object(_) | Json::Array(_))) => return self.schema(inner, namespace),
            _ => return Err(wrong("an object without `type`")),
        };
        let inner = |parser: &mut Self, member: &str| {
            let json = object.get(member).ok_or_else(|| wrong(format_args!("{word} without `{member}`")))?;
            parser.schema(json, namespace)
        };
        let (kind, own): (Kind, &[&str]) = match word {
            "array" => (Kind::Array(inner(self, "items")?), &["items"]),
            "map" => (Kind::Map(inner(self, "values")?), &["values"]),
            "record" | "error" => return self.record(object, namespace),
            "enum" => return self.enumeration(object, namespace),
            "fixed" => return self.fixed(object, namespace),
            _ => match primitive(word) {
                Some(kind) => (kind, &[]),
                None => return self.named(word, namespace),
            },
        };
        let id = self.schema.add(kind);
        self.schema.node_mut(id).props = props(object, own);
        Ok(id)
    }

    fn name(&mut self, object: &Map<String, Json>, namespace: Option<&str>) -> Result<Name> {
        let name = object.get("name").and_then(Json::as_str).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| wrong("a named type without `name`"))?;
        let namespace = object.get("namespace").and_then(Json::as_str).or(namespace);
        let mut name = Name::new(name, namespace);
        let aliases = texts(object, "aliases");
        name.aliases = aliases.iter().map(|alias| Name::new(alias, name.namespace.as_deref()).full()).collect();
        if self.names.contains_key(&name.full()) {
            return Err(wrong(format_args!("`{}` is defined twice", name.full())));
        }
        Ok(name)
    }

    fn define(&mut self, name: &Name, kind: Kind, object: &Map<String, Json>, own: &[&str]) -> NodeId {
        let id = self.schema.add(kind);
        self.schema.node_mut(id).props = props(object, own);
        self.names.insert(name.full(), id);
        id
    }

    fn record(&mut self, object: &Map<String, Json>, namespace: Option<&str>) -> Result<NodeId> {
        let name = self.name(object, namespace)?;
        let fields = object.get("fields").and_then(Json::as_array);
        let fields = fields.ok_or_else(|| wrong(format_args!("record `{}` without `fields`", name.full())))?;
        let record = Record { name: name.clone(), doc: text(object, "doc"), fields: Vec::new() };
        // Known before its fields are, so that they can use it.
        let id = self.define(&name, Kind::Record(record), object, &["name", "namespace", "aliases", "doc", "fields"]);
        let mut parsed: Vec<AvroField> = Vec::with_capacity(fields.len());
        for field in fields {
            let field = self.field(field, &name)?;
            if parsed.iter().any(|other| other.name == field.name) {
                return Err(wrong(format_args!("record `{}` has two fields `{}`", name.full(), field.name)));
            }
            parsed.push(field);
        }
        if let Kind::Record(record) = &mut self.schema.node_mut(id).kind {
            record.fields = parsed;
        }
        Ok(id)
    }

    fn field(&mut self, json: &Json, record: &Name) -> Result<AvroField> {
        let object =
            json.as_object().ok_or_else(|| wrong(format_args!("a field of `{}` is no object", record.full())))?;
        let name = text(object, "name").filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| wrong(format_args!("a field of `{}` without `name`", record.full())))?;
        let schema = object.get("type").ok_or_else(|| wrong(format_args!("field `{name}` without `type`")))?;
        Ok(AvroField {
            schema: self.schema(schema, record.namespace.as_deref())?,
            doc: text(object, "doc"),
            default: object.get("default").cloned(),
            aliases: texts(object, "aliases"),
            props: props(object, &["name", "doc", "default", "aliases"]),
            name,
        })
    }

    fn enumeration(&mut self, object: &Map<String, Json>, namespace: Option<&str>) -> Result<NodeId> {
        let name = self.name(object, namespace)?;
        let symbols = texts(object, "symbols");
        let kind = Kind::Enum(Enum {
            name: name.clone(),
            doc: text(object, "doc"),
            symbols,
            default: text(object, "default"),
        });
        Ok(self.define(&name, kind, object, &["name", "namespace", "aliases", "doc", "symbols", "default"]))
    }

    fn fixed(&mut self, object: &Map<String, Json>, namespace: Option<&str>) -> Result<NodeId> {
        let name = self.name(object, namespace)?;
        let size = object.get("size").and_then(Json::as_u64).filter(|size| *size <= LARGEST_FIXED);
        let size = size.and_then(|size| usize::try_from(size).ok());
        let size = size.ok_or_else(|| wrong(format_args!("fixed `{}` without a usable `size`", name.full())))?;
        let kind = Kind::Fixed { name: name.clone(), size };
        Ok(self.define(&name, kind, object, &["name", "namespace", "aliases", "doc", "size"]))
    }
}

pub(super) fn primitive(word: &str) -> Option<Kind> {
    Some(match word {
        "null" => Kind::Null,
        "boolean" => Kind::Boolean,
        "int" => Kind::Int,
        "long" => Kind::Long,
        "float" => Kind::Float,
        "double" => Kind::Double,
        "bytes" => Kind::Bytes,
        "string" => Kind::String,
        _ => return None,
    })
}

/// Whether a union cannot tell the two apart.
fn same_branch(one: &Kind, other: &Kind) -> bool {
    match (one.name(), other.name()) {
        (Some(one), Some(other)) => one.full() == other.full(),
        (None, None) => one.word() == other.word(),
        _ => false,
    }
}

/// Every member but `type` and `own`.
fn props(object: &Map<String, Json>, own: &[&str]) -> IndexMap<String, Json> {
    let others = object.iter().filter(|(name, _)| *name != "type" && !own.contains(&name.as_str()));
    others.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn text(object: &Map<String, Json>, member: &str) -> Option<String> {
    object.get(member).and_then(Json::as_str).map(str::to_owned)
}

fn texts(object: &Map<String, Json>, member: &str) -> Vec<String> {
    let items = object.get(member).and_then(Json::as_array);
    items.into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
}
