//! A schema on its way to text: one message with all that is nested in it. The text is laid out as Confluent's serializer lays it
//! out, since a registry keeps schemas by their text (Invariant 6).

use std::fmt::Write;

/// A file with one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FileDefinition {
    pub(super) package: Option<String>,
    pub(super) imports: Vec<&'static str>,
    pub(super) message: MessageDefinition,
}

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct MessageDefinition {
    pub(super) name: String,
    pub(super) fields: Vec<FieldDefinition>,
    pub(super) oneofs: Vec<OneofDefinition>,
    pub(super) messages: Vec<MessageDefinition>,
    pub(super) enums: Vec<EnumDefinition>,
}

/// A field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FieldDefinition {
    pub(super) label: Option<&'static str>,
    pub(super) type_name: String,
    pub(super) name: String,
    pub(super) number: i32,
    /// What Connect knows about the type and Protobuf has no word for.
    pub(super) params: Vec<(&'static str, String)>,
}

/// A oneof; the members have no labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OneofDefinition {
    pub(super) name: String,
    pub(super) members: Vec<FieldDefinition>,
}

/// An enum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct EnumDefinition {
    pub(super) name: String,
    pub(super) values: Vec<(String, i32)>,
}

impl FileDefinition {
    /// The text.
    pub(super) fn text(&self) -> String {
        let mut text = Text { out: String::with_capacity(512), depth: 0 };
        text.line("syntax = \"proto3\";");
        if let Some(package) = &self.package {
            text.line(&format!("package {package};"));
        }
        if !self.imports.is_empty() {
            text.out.push('\n');
        }
        for import in &self.imports {
            text.line(&format!("import \"{import}\";"));
        }
        text.out.push('\n');
        text.message(&self.message);
        text.out
    }
}

/// Lines, each indented by the depth.
struct Text {
    out: String,
    depth: usize,
}

impl Text {
    fn line(&mut self, line: &str) {
        self.out.extend(std::iter::repeat_n("  ", self.depth));
        self.out.push_str(line);
        self.out.push('\n');
    }

    /// A blank line between sections, which like every line of a nested message carries that message's indentation.
    fn blank(&mut self, first: &mut bool) {
        if !std::mem::take(first) {
            self.depth -= 1;
            self.line("");
            self.depth += 1;
        }
    }

    fn message(&mut self, message: &MessageDefinition) {
        let members = message.oneofs.iter().filter(|oneof| !oneof.members.is_empty());
        let members: Vec<_> = members.collect();
        let nested = !message.messages.is_empty() || !message.enums.is_empty();
        if message.fields.is_empty() && members.is_empty() && !nested {
            return self.line(&format!("message {} {{}}", message.name));
        }
        self.line(&format!("message {} {{", message.name));
        self.depth += 1;
        let mut first = true;
        if !message.fields.is_empty() {
            self.blank(&mut first);
            message.fields.iter().for_each(|field| self.field(field));
        }
        if !members.is_empty() {
            self.blank(&mut first);
            members.into_iter().for_each(|oneof| self.oneof(oneof));
        }
        if nested {
            self.blank(&mut first);
            message.messages.iter().for_each(|nested| self.message(nested));
            message.enums.iter().for_each(|nested| self.enumeration(nested));
        }
        self.depth -= 1;
        self.line("}");
    }

    fn oneof(&mut self, oneof: &OneofDefinition) {
        self.line(&format!("oneof {} {{", oneof.name));
        self.depth += 1;
        oneof.members.iter().for_each(|member| self.field(member));
        self.depth -= 1;
        self.line("}");
    }

    fn enumeration(&mut self, enumeration: &EnumDefinition) {
        if enumeration.values.is_empty() {
            return self.line(&format!("enum {} {{}}", enumeration.name));
        }
        self.line(&format!("enum {} {{", enumeration.name));
        self.depth += 1;
        for (name, number) in &enumeration.values {
            self.line(&format!("{name} = {number};"));
        }
        self.depth -= 1;
        self.line("}");
    }

    fn field(&mut self, field: &FieldDefinition) {
        let mut line = String::new();
        if let Some(label) = field.label {
            line.push_str(label);
            line.push(' ');
        }
        // Writing into a string cannot fail.
        write!(line, "{} {} = {}", field.type_name, field.name, field.number).ok();
        if field.params.is_empty() {
            return self.line(&format!("{line};"));
        }
        self.line(&format!("{line} [(confluent.field_meta) = {{"));
        self.depth += 1;
        self.line("params: [");
        self.depth += 1;
        for (at, param) in field.params.iter().enumerate() {
            self.param(param, at + 1 == field.params.len());
        }
        self.depth -= 1;
        self.line("]");
        self.depth -= 1;
        self.line("}];");
    }

    fn param(&mut self, (key, value): &(&str, String), last: bool) {
        let key = ("key", escaped(key));
        let value = ("value", escaped(value));
        // Precision and scale came value first before there were other parameters, and still do.
        let pair = if matches!(key.1.as_str(), super::names::PRECISION | super::names::SCALE) {
            [value, key]
        } else {
            [key, value]
        };
        self.line("{");
        self.depth += 1;
        self.line(&format!("{}: \"{}\",", pair[0].0, pair[0].1));
        self.line(&format!("{}: \"{}\"", pair[1].0, pair[1].1));
        self.depth -= 1;
        self.line(if last { "}" } else { "}," });
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            '\\' | '\'' | '"' => {
                out.push('\\');
                out.push(character);
            }
            other => out.push(other),
        }
    }
    out
}
