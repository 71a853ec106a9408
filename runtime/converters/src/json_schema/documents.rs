//! The documents of one schema: its own text and those that it refers to; and what a `$ref` points to.

use bytes::Bytes;
use sluice_api::{ConnectError, Result};

use crate::json::node::Node;
use crate::json::parse;

/// A document and a place in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pointer {
    pub(super) document: usize,
    /// Empty, or a JSON pointer, or a name that a schema in the document has.
    pub(super) fragment: String,
}

/// The schema is the first of them.
#[derive(Debug)]
pub(super) struct Documents(Vec<Document>);

#[derive(Debug)]
struct Document {
    name: String,
    root: Node,
}

impl Documents {
    /// Parses `text` and the texts of `references` (name and text).
    ///
    /// # Errors
    /// `Data` when one of them is no JSON.
    pub(super) fn parse(text: &str, references: &[(String, String)]) -> Result<Self> {
        let own = std::iter::once((String::new(), text));
        let others = references.iter().map(|(name, text)| (name.clone(), text.as_str()));
        let documents = own.chain(others).map(|(name, text)| {
            let parsed = parse(&Bytes::copy_from_slice(text.as_bytes()));
            let what = if name.is_empty() { String::new() } else { format!(" {name}") };
            let root =
                parsed.map_err(|cause| ConnectError::data(format!("Invalid JSON schema{what}")).with_source(cause))?;
            match root {
                Some(root @ (Node::Object(_) | Node::Boolean(_))) => Ok(Document { name, root }),
                _ => Err(ConnectError::data(format!(
                    "Invalid JSON schema{what}: expected an object or boolean at the root"
                ))),
            }
        });
        documents.collect::<Result<_>>().map(Self)
    }

    /// The root of a document.
    pub(super) fn root(&self, document: usize) -> Option<&Node> {
        self.0.get(document).map(|document| &document.root)
    }

    /// Where `reference`, found in `document`, points to.
    ///
    /// # Errors
    /// `Data` when nothing is there. Nothing is fetched.
    pub(super) fn resolve(&self, document: usize, reference: &str) -> Result<(Pointer, &Node)> {
        let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let unknown =
            || ConnectError::data(format!("Invalid JSON schema: {reference} refers to nothing that is known"));
        let target = if file.is_empty() { Some(document) } else { self.document(document, file) };
        if let Some(target) = target {
            let root = &self.0[target].root;
            let node = at(root, fragment).or_else(|| named(root, &format!("#{fragment}")));
            let node = node.ok_or_else(unknown)?;
            return Ok((Pointer { document: target, fragment: fragment.to_owned() }, node));
        }
        let node = named(&self.0[document].root, file).and_then(|node| at(node, fragment)).ok_or_else(unknown)?;
        Ok((Pointer { document, fragment: reference.to_owned() }, node))
    }

    /// The document that `file` means: by its name, or both resolved against the id of the one that refers.
    fn document(&self, from: usize, file: &str) -> Option<usize> {
        let root = &self.0[from].root;
        let id = id_of(root).unwrap_or_default();
        if file == id.trim_end_matches('#') {
            return Some(from);
        }
        let wanted = resolved(id, file);
        let by_name = |document: &Document| {
            !document.name.is_empty()
                && (document.name == file
                    || document.name.trim_start_matches("./") == file.trim_start_matches("./")
                    || resolved(id, &document.name) == wanted
                    || id_of(&document.root).is_some_and(|id| id.trim_end_matches('#') == wanted))
        };
        self.0.iter().position(by_name)
    }
}

fn id_of(node: &Node) -> Option<&str> {
    let id = node.get("$id").or_else(|| node.get("id")).and_then(Node::text);
    id.map(|id| &**id)
}

/// `file` beside `base`; absolute ones stay.
fn resolved(base: &str, file: &str) -> String {
    let file = file.trim_start_matches("./");
    if file.contains("://") || file.starts_with("urn:") {
        return file.to_owned();
    }
    base.rsplit_once('/').map_or_else(|| file.to_owned(), |(folder, _)| format!("{folder}/{file}"))
}

/// The node that a JSON pointer names. `$defs` may also be called `definitions`.
fn at<'a>(root: &'a Node, pointer: &str) -> Option<&'a Node> {
    if pointer.is_empty() {
        return Some(root);
    }
    let mut node = root;
    for part in pointer.strip_prefix('/')?.split('/') {
        let part = decoded(part);
        node = match node {
            Node::Array(items) => items.get(part.parse::<usize>().ok()?)?,
            node => node.get(&part).or_else(|| match part.as_str() {
                "$defs" => node.get("definitions"),
                _ => None,
            })?,
        };
    }
    Some(node)
}

fn decoded(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = std::str::from_utf8(tail.get(..2).unwrap_or_default()).ok();
        match hex.filter(|_| *first == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).replace("~1", "/").replace("~0", "~")
}

/// The schema in `node` with that id or anchor.
fn named<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    match node {
        Node::Object(members) => {
            let is = |key: &str, wanted: &str| node.get(key).and_then(Node::text).is_some_and(|text| &**text == wanted);
            let anchor = name.strip_prefix('#').is_some_and(|anchor| is("$anchor", anchor));
            if anchor || is("$id", name) || is("id", name) {
                return Some(node);
            }
            members.iter().find_map(|(_, member)| named(member, name))
        }
        Node::Array(items) => items.iter().find_map(|item| named(item, name)),
        _ => None,
    }
}
