//! PKCS12 stores, which OpenSSL opens. Stores of old JDKs are encrypted with RC2, which needs OpenSSL's legacy provider.

use openssl::pkcs12::{ParsedPkcs12_2, Pkcs12};
use openssl::provider::Provider;

use crate::Entries;
use crate::iterations;

/// Everything in the store: the key with its certificate and chain, or the certificates alone. Never panics, whatever the bytes.
///
/// # Errors
/// What is wrong, without contents.
pub fn read(bytes: &[u8], password: &str) -> Result<Entries, String> {
    // OpenSSL takes the password as a C string.
    if password.contains('\0') {
        return Err("the password does not open the store".to_owned());
    }
    iterations::check(bytes)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by keytool with the password `changeit`.
    const KEY: &[u8] = include_bytes!("../../../fuzz/seeds/pkcs12/key");
    const TRUST: &[u8] = include_bytes!("../../../fuzz/seeds/pkcs12/trust");

    #[test]
    fn stores_of_keytool_open() {
        let entries = read(KEY, "changeit").expect("opens");
        let key = entries.key.expect("a key");
        assert!(entries.certificates[0].public_key().unwrap().public_eq(&key));
        let trusted = read(TRUST, "changeit").expect("opens");
        assert_eq!((trusted.certificates.len(), trusted.key.is_none()), (1, true));
    }

    #[test]
    fn a_wrong_password_and_a_store_that_is_cut_are_refused() {
        for password in ["geheim", "", "a\0b"] {
            assert!(read(KEY, password).err().expect("refused").starts_with("the password does not open the store"));
        }
        for length in 0..KEY.len() {
            assert!(read(&KEY[..length], "changeit").is_err(), "cut at {length}");
        }
    }
}
