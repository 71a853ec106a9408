//! Key and trust stores as Java clients have them: JKS, PKCS12 and PEM, read into certificates and one key.
//!
//! Called by whoever speaks TLS (the Kafka clients and REST in `sluice-kafka`, the schema registry's client in `sluice-converters`).
//! Nothing here opens a file or knows a property map. Reasons are texts without contents (Invariant 9), never panics, whatever the bytes;
//! they name `ssl.*` properties without the prefix that the caller may have.

mod iterations;
pub mod jks;
pub mod pem;
pub mod pkcs12;

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

/// What one store holds.
#[derive(Default)]
pub struct Entries {
    /// In the order of the store; with a key, its chain comes first and begins with its own certificate.
    pub certificates: Vec<X509>,
    /// The first private key.
    pub key: Option<PKey<Private>>,
}

/// What opens a store and the key in it.
#[derive(Clone, Copy, Default)]
pub struct Passwords<'a> {
    /// Of the store.
    pub store: Option<&'a str>,
    /// Of the key; in JKS that of the store when there is none.
    pub key: Option<&'a str>,
}

/// Everything in the file of a store: the key with its chain when `wants_key`, else the certificates to trust. Java opens JKS and PKCS12
/// under either name, so the first bytes decide.
///
/// # Errors
/// What is wrong, without contents.
pub fn read(bytes: &[u8], passwords: Passwords<'_>, wants_key: bool) -> Result<Entries, String> {
    let Passwords { store, key } = passwords;
    match bytes {
        [0xfe, 0xed, 0xfe, 0xed, ..] => jks::read(bytes, store, key.or(store), wants_key),
        [0xce, 0xce, 0xce, 0xce, ..] => Err("a JCEKS store: convert it to PKCS12 with keytool".to_owned()),
        [0x30, ..] => pkcs12::read(bytes, store.unwrap_or_default()),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => pem::read(text, key),
            Err(_) => Err("neither JKS nor PKCS12 nor PEM".to_owned()),
        },
    }
}
