//! PKCS12 stores, which OpenSSL opens. Stores of old JDKs are encrypted with RC2, which needs OpenSSL's legacy provider.

use openssl::pkcs12::{ParsedPkcs12_2, Pkcs12};
use openssl::provider::Provider;

use super::material::Entries;

/// Everything in the store: the key with its certificate and chain, or the certificates alone. Never panics, whatever the bytes.
///
/// # Errors
/// What is wrong, without contents.
pub(crate) fn read(bytes: &[u8], password: &str) -> Result<Entries, String> {
    // OpenSSL takes the password as a C string.
    if password.contains('\0') {
        return Err("the password does not open the store".to_owned());
    }
    let store = Pkcs12::from_der(bytes).map_err(|_| "the PKCS12 store is malformed".to_owned())?;
    let parsed = match store.parse2(password) {
        Ok(parsed) => parsed,
        Err(_) => with_legacy_ciphers(&store, password)?,
    };
    let own = parsed.cert.into_iter();
    let others = parsed.ca.into_iter().flatten();
    let certificates = own.chain(others).collect();
    Ok(Entries { certificates, key: parsed.pkey })
}

fn with_legacy_ciphers(store: &Pkcs12, password: &str) -> Result<ParsedPkcs12_2, String> {
    const WRONG: &str = "the password does not open the store, or it is damaged";
    let _legacy = Provider::try_load(None, "legacy", true).map_err(|_| WRONG.to_owned())?;
    store.parse2(password).map_err(|_| WRONG.to_owned())
}
