//! Names of schemas and fields that Avro takes (`SchemaNameAdjuster`).

/// What becomes of characters that Avro does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameAdjustment {
    /// They stay.
    None,
    /// Each becomes an underscore.
    Avro,
    /// Each becomes `_u` and its code in hexadecimal, the underscore too.
    AvroUnicode,
}

impl NameAdjustment {
    /// The values of `schema.name.adjustment.mode` and `field.name.adjustment.mode`.
    pub(super) const CHOICES: [(&'static str, Self); 3] =
        [("none", Self::None), ("avro", Self::Avro), ("avro_unicode", Self::AvroUnicode)];

    /// The name of a schema, in which dots are right.
    pub(super) fn schema_name(self, name: String) -> String {
        self.adjust(name, true)
    }

    /// The name of a field.
    pub(super) fn field_name(self, name: String) -> String {
        self.adjust(name, false)
    }

    fn adjust(self, name: String, dots: bool) -> String {
        if self == Self::None || name.is_empty() {
            return name;
        }
        let mut adjusted = String::with_capacity(name.len());
        // By UTF-16 unit, as Java counts.
        for (at, unit) in name.encode_utf16().enumerate() {
            let plain = u8::try_from(unit).ok().map(char::from).filter(char::is_ascii);
            match plain {
                Some(c) if self.takes(c, at == 0, dots) => adjusted.push(c),
                _ => self.replace(unit, at == 0, &mut adjusted),
            }
        }
        adjusted
    }

    fn takes(self, c: char, first: bool, dots: bool) -> bool {
        c.is_ascii_alphabetic()
            || (c == '_' && self == Self::Avro)
            || (!first && (c.is_ascii_digit() || (dots && c == '.')))
    }

    fn replace(self, unit: u16, first: bool, adjusted: &mut String) {
        if self == Self::AvroUnicode {
            let hex = format!("{unit:x}");
            let zeros = if hex.len() <= 2 { "00" } else { "" };
            adjusted.push_str(&format!("_u{zeros}{hex}"));
            return;
        }
        adjusted.push('_');
        // A digit stays behind its underscore, so that `1a` and `2a` are not the same.
        if let Some(digit) = char::from_u32(u32::from(unit)).filter(|c| first && c.is_numeric()) {
            adjusted.push(digit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_avro_does_not_take_are_replaced() {
        let avro = |name: &str| NameAdjustment::Avro.schema_name(name.to_owned());
        assert_eq!(avro("server.db-1.tab le$.Key"), "server.db_1.tab_le_.Key");
        assert_eq!(avro("1a.b"), "_1a.b");
        assert_eq!(avro("-a"), "_a");
        assert_eq!(avro("é😀"), "___");
        assert_eq!(avro("ok_1.Key"), "ok_1.Key");
        assert_eq!(NameAdjustment::None.schema_name("a-b".into()), "a-b");
        let unicode = |name: &str| NameAdjustment::AvroUnicode.schema_name(name.to_owned());
        assert_eq!(unicode("a_b-c.1"), "a_u005fb_u002dc.1");
        assert_eq!(unicode("1é中"), "_u0031_u00e9_u4e2d");
        assert_eq!(NameAdjustment::Avro.field_name("a.b".into()), "a_b");
        assert_eq!(NameAdjustment::AvroUnicode.field_name("a.b".into()), "a_u002eb");
    }
}
