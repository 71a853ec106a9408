//! Schema text, or the encoded descriptor that some clients register instead, to descriptors; and the paths that name a message.

use std::collections::HashMap;
use std::panic::catch_unwind;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use prost_reflect::prost_types::{DescriptorProto, FileDescriptorProto};
use prost_reflect::{DescriptorPool, MessageDescriptor};
use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use sluice_api::{ConnectError, Result};

use super::known_types;
use super::names::META_FILE;
use super::wire::{WireType, put_tag, put_varint};

/// The name of the file that no import has.
const ROOT_FILE: &str = "-schema-.proto";

/// A schema of the registry.
#[derive(Clone, Debug)]
pub(super) struct ParsedSchema {
    pool: DescriptorPool,
    package: String,
    messages: Vec<MessageNode>,
}

/// A message as indexes count it: entries of maps count when the text spells them out, and not when `map<>` implies them.
#[derive(Clone, Debug)]
struct MessageNode {
    name: String,
    nested: Vec<MessageNode>,
}

impl ParsedSchema {
    /// Parses `text`, which imports the files of `references` (name and text) and the known ones.
    ///
    /// # Errors
    /// `Data` with place and reason when the text or one that it imports is no schema.
    pub(super) fn parse(text: &str, references: &[(String, String)]) -> Result<Self> {
        // The compiler is made for files of one's own: encoded descriptors of others have made it panic.
        catch_unwind(|| Self::compile(text, references)).unwrap_or_else(|_| {
            Err(ConnectError::data(
                "Could not parse Protobuf schema: it makes the compiler panic, which is a mistake of either",
            ))
        })
    }

    fn compile(text: &str, references: &[(String, String)]) -> Result<Self> {
        let root = open(ROOT_FILE, text).map_err(|cause| invalid(&cause))?;
        let descriptor = root.file_descriptor_proto();
        let package = descriptor.package().to_owned();
        let encoded = decode_base64(text).is_some();
        let messages = nodes(&descriptor.message_type, encoded);
        let mut texts: HashMap<String, String> = references.iter().cloned().collect();
        texts.insert(ROOT_FILE.to_owned(), text.to_owned());
        let mut resolver = ChainFileResolver::new();
        resolver.add(Texts(texts));
        resolver.add(GoogleFileResolver::new());
        let mut compiler = Compiler::with_file_resolver(resolver);
        compiler.open_file(ROOT_FILE).map_err(|cause| invalid(&cause))?;
        Ok(Self { pool: compiler.descriptor_pool(), package, messages })
    }

    /// The message of that full name.
    pub(super) fn message(&self, full_name: &str) -> Option<MessageDescriptor> {
        self.pool.get_message_by_name(full_name)
    }

    /// The message at the end of `path`.
    ///
    /// # Errors
    /// `Data` when there is none.
    pub(super) fn message_at(&self, path: &[i32]) -> Result<MessageDescriptor> {
        let wrong = || ConnectError::data(format!("Invalid message indexes: {path:?}, the schema has no such message"));
        let mut name = self.package.clone();
        let mut messages = &self.messages;
        for index in path {
            let node = usize::try_from(*index).ok().and_then(|index| messages.get(index)).ok_or_else(wrong)?;
            if !name.is_empty() {
                name.push('.');
            }
            name.push_str(&node.name);
            messages = &node.nested;
        }
        self.message(&name).ok_or_else(wrong)
    }

    /// The path of a message; that of the first one when it is not in this schema.
    pub(super) fn path_of(&self, full_name: &str) -> Vec<i32> {
        let mut path = Vec::new();
        let mut messages = &self.messages;
        for part in full_name.split('.') {
            // Parts of the package match nothing and are passed over.
            if let Some(index) = messages.iter().position(|node| node.name == part) {
                path.push(i32::try_from(index).unwrap_or(i32::MAX));
                messages = &messages[index].nested;
            }
        }
        if path.is_empty() { vec![0] } else { path }
    }
}

fn nodes(messages: &[DescriptorProto], encoded: bool) -> Vec<MessageNode> {
    let counts = |message: &&DescriptorProto| encoded || !is_implied(message);
    messages
        .iter()
        .filter(counts)
        .map(|message| MessageNode { name: message.name().to_owned(), nested: nodes(&message.nested_type, encoded) })
        .collect()
}

/// Whether the message was made for a `map<>`; one that is spelt out has its option uninterpreted.
fn is_implied(message: &DescriptorProto) -> bool {
    message.options.as_ref().is_some_and(|options| options.map_entry() && options.uninterpreted_option.is_empty())
}

/// The texts of one schema and of what it refers to.
struct Texts(HashMap<String, String>);

impl FileResolver for Texts {
    fn open_file(&self, name: &str) -> std::result::Result<File, protox::Error> {
        let text = self.0.get(name).map(String::as_str).or_else(|| known_types::file(name));
        let file = open(name, text.ok_or_else(|| protox::Error::file_not_found(name))?)?;
        if file.source().is_none() {
            return Ok(file);
        }
        let mut descriptor = file.file_descriptor_proto().clone();
        adapt(name, &mut descriptor);
        Ok(File::from_file_descriptor_proto(descriptor))
    }
}

/// Confluent's serializer writes its options without the import, and spells out map entries; a strict compiler wants neither.
fn adapt(name: &str, file: &mut FileDescriptorProto) {
    file.source_code_info = None;
    let has_meta = file.dependency.iter().any(|import| import == META_FILE);
    if !has_meta && name != META_FILE && !name.starts_with("google/") {
        file.dependency.push(META_FILE.to_owned());
    }
    file.message_type.iter_mut().for_each(spelt_out_entries);
}

fn spelt_out_entries(message: &mut DescriptorProto) {
    if let Some(options) = &mut message.options {
        let is_map_entry = |option: &prost_reflect::prost_types::UninterpretedOption| {
            matches!(&option.name[..], [part] if part.name_part == "map_entry" && !part.is_extension)
                && option.identifier_value.as_deref() == Some("true")
        };
        let before = options.uninterpreted_option.len();
        options.uninterpreted_option.retain(|option| !is_map_entry(option));
        if options.uninterpreted_option.len() < before {
            options.map_entry = Some(true);
        }
    }
    message.nested_type.iter_mut().for_each(spelt_out_entries);
}

fn open(name: &str, text: &str) -> std::result::Result<File, protox::Error> {
    if let Some(mut encoded) = decode_base64(text) {
        // Of a field that comes twice the last one counts: the file gets the name under which it is imported.
        put_tag(&mut encoded, 1, WireType::Delimited);
        put_varint(&mut encoded, name.len() as u64);
        encoded.extend_from_slice(name.as_bytes());
        let file = File::decode_file_descriptor_proto(&encoded[..]).map_err(protox::Error::new)?;
        // The compiler panics on its way to saying so.
        return match file.file_descriptor_proto().syntax() {
            "" | "proto2" | "proto3" => Ok(file),
            unknown => Err(protox::Error::new(format!("unknown syntax '{unknown}'"))),
        };
    }
    File::from_source(name, text)
}

/// No schema text is base64: it has blanks.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.trim()).ok().filter(|bytes| !bytes.is_empty())
}

fn invalid(cause: &protox::Error) -> ConnectError {
    let reason = format!("Could not parse Protobuf schema: {cause}{}", place(cause));
    ConnectError::data(reason)
}

/// Where the compiler found the mistake.
fn place(cause: &protox::Error) -> String {
    match cause.file() {
        Some(ROOT_FILE) | None => String::new(),
        Some(file) => format!(" (in {file})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NESTED: &str = r#"syntax = "proto3"; package a.b;
        message First { map<string, int32> counts = 1; message Inner { message Deep {} } }
        enum E { ZERO = 0; }
        message Second { message Inner { } }"#;

    #[test]
    fn a_path_names_a_message_and_back() {
        let schema = ParsedSchema::parse(NESTED, &[]).unwrap();
        let vectors: [(&[i32], &str); 5] = [
            (&[0], "a.b.First"),
            (&[0, 0], "a.b.First.Inner"),
            (&[0, 0, 0], "a.b.First.Inner.Deep"),
            (&[1], "a.b.Second"),
            (&[1, 0], "a.b.Second.Inner"),
        ];
        for (path, name) in vectors {
            assert_eq!(schema.message_at(path).unwrap().full_name(), name);
            assert_eq!(schema.path_of(name), path);
        }
        assert_eq!(schema.path_of("ConnectDefault1"), [0]);
        let error = schema.message_at(&[2]).unwrap_err().to_string();
        assert_eq!(error, "Invalid message indexes: [2], the schema has no such message");
    }

    #[test]
    fn spelt_out_map_entries_count_and_are_maps() {
        let text = r#"syntax = "proto3"; message M { repeated CountsEntry counts = 1;
            message CountsEntry { option map_entry = true; string key = 1; int32 value = 2; } message Inner {} }"#;
        let schema = ParsedSchema::parse(text, &[]).unwrap();
        assert_eq!(schema.path_of("M.Inner"), [0, 1]);
        assert!(schema.message("M").unwrap().get_field(1).unwrap().is_map());
    }

    #[test]
    fn imports_come_from_references_and_known_files() {
        let text = r#"syntax = "proto3"; import "other.proto"; import "google/type/date.proto"; import
            "google/protobuf/timestamp.proto"; message M { Other o = 1; google.type.Date d = 2; google.protobuf.Timestamp t = 3; }"#;
        let other = ("other.proto".to_owned(), "syntax = \"proto3\"; message Other { int32 a = 1; }".to_owned());
        assert!(ParsedSchema::parse(text, &[other]).unwrap().message("Other").is_some());
        let error = ParsedSchema::parse(text, &[]).unwrap_err().to_string();
        assert!(error.contains("import 'other.proto' not found"), "{error}");
    }

    #[test]
    fn every_known_file_is_a_schema() {
        for (file, _) in known_types::FILES {
            let text = format!("syntax = \"proto3\"; import \"{file}\"; message M {{}}");
            ParsedSchema::parse(&text, &[]).unwrap();
        }
        let wrappers = ParsedSchema::parse(known_types::wrappers_text(), &[]).unwrap();
        for (at, name) in super::super::names::WRAPPERS.iter().enumerate() {
            assert_eq!(wrappers.path_of(name), [at as i32]);
        }
    }

    #[test]
    fn an_encoded_descriptor_is_a_schema_too() {
        let file = ParsedSchema::parse("syntax = \"proto3\"; message M { int32 a = 1; }", &[]).unwrap();
        let encoded = file.message("M").unwrap().parent_file().encode_to_vec();
        let again = ParsedSchema::parse(&BASE64.encode(encoded), &[]).unwrap();
        assert_eq!(again.message_at(&[0]).unwrap().full_name(), "M");
    }

    #[test]
    fn an_encoded_descriptor_of_an_unknown_syntax_is_refused() {
        let error = ParsedSchema::parse("CgdtLnByb3RvIg4KAU0SCQoBYRgBIAEoBWIGcHJvdG9z", &[]).unwrap_err();
        assert_eq!(error.to_string(), "Could not parse Protobuf schema: unknown syntax 'protos'");
    }

    #[test]
    fn mistakes_have_a_reason() {
        let error = ParsedSchema::parse("syntax = \"proto3\"; message M { strin a = 1; }", &[]).unwrap_err();
        assert!(error.to_string().starts_with("Could not parse Protobuf schema: "), "{error}");
        assert!(error.to_string().contains("strin"), "{error}");
    }
}
