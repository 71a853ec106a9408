//! The encodings by their Java names.

use bytes::Bytes;
use bytestring::ByteString;
use sluice_api::{ConnectError, Result};

use super::malformed;

/// An encoding of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Latin1,
    Ascii,
}

impl Encoding {
    /// The encoding of a Java charset name or alias, in any case.
    pub(super) fn named(name: &str) -> Result<Self> {
        match name.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" | "unicode-1-1-utf-8" => Ok(Self::Utf8),
            "iso-8859-1" | "iso8859-1" | "iso8859_1" | "iso_8859-1" | "iso_8859_1" | "latin1" | "l1" | "8859_1"
            | "cp819" | "ibm819" | "iso-ir-100" | "iso_8859-1:1987" | "csisolatin1" | "819" | "ibm-819" => {
                Ok(Self::Latin1)
            }
            "us-ascii" | "ascii" | "ascii7" | "iso646-us" | "iso_646.irv:1991" | "iso_646.irv:1983" | "646" | "us"
            | "cp367" | "ibm367" | "csascii" | "default" | "iso-ir-6" | "ansi_x3.4-1968" | "ansi_x3.4-1986" => {
                Ok(Self::Ascii)
            }
            _ => Err(ConnectError::config(format!(
                "Invalid value {name} for configuration converter.encoding: the supported encodings are UTF-8, ISO-8859-1 \
                 and US-ASCII"
            ))),
        }
    }

    /// Text in these bytes; what is malformed becomes U+FFFD. Right UTF-8 is not copied.
    pub(super) fn decode(self, bytes: &Bytes) -> ByteString {
        if let Ok(text) = ByteString::try_from(bytes.clone())
            && (self == Self::Utf8 || text.is_ascii())
        {
            return text;
        }
        match self {
            Self::Utf8 => malformed::decode(bytes).into(),
            Self::Latin1 => bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into(),
            Self::Ascii => {
                let character =
                    |byte: &u8| if byte.is_ascii() { char::from(*byte) } else { char::REPLACEMENT_CHARACTER };
                bytes.iter().map(character).collect::<String>().into()
            }
        }
    }

    /// The bytes of `text`; UTF-8 is not copied.
    ///
    /// # Errors
    /// `Data` for a character that the encoding does not have.
    pub(super) fn encode(self, text: ByteString) -> Result<Bytes> {
        if self == Self::Utf8 || text.is_ascii() {
            return Ok(text.into_bytes());
        }
        let encoded = text.chars().map(|character| {
            let byte = u8::try_from(character).ok().filter(|byte| self == Self::Latin1 || byte.is_ascii());
            byte.ok_or_else(|| self.lacks(character))
        });
        encoded.collect::<Result<Vec<u8>>>().map(Bytes::from)
    }

    fn lacks(self, character: char) -> ConnectError {
        let name = if self == Self::Latin1 { "ISO-8859-1" } else { "US-ASCII" };
        let point = u32::from(character);
        ConnectError::data(format!("Failed to serialize to a string: {name} has no character U+{point:04X}"))
    }
}
