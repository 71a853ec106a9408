//! JKS, the JDK's own store format: certificates in clear, keys behind a keystream of SHA-1, and a SHA-1 digest over it all.
//!
//! Layout: magic, version (1 or 2), count, entries, digest of `password as UTF-16BE + "Mighty Aphrodite" + everything before`.
//! Entry: tag (1 key, 2 certificate), alias, time, then the protected key with its chain, or one certificate. Lengths are
//! checked against the bytes that are there before anything is taken.

use openssl::memcmp;
use openssl::pkey::PKey;
use openssl::sha::Sha1;
use openssl::x509::X509;

use crate::Entries;

const DIGEST_BYTES: usize = 20;
const SALT_BYTES: usize = 20;
const WHITENER: &[u8] = b"Mighty Aphrodite";
/// 1.3.6.1.4.1.42.2.17.1.1, Sun's key protector.
const PROTECTOR_OID: &[u8] = &[0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x2a, 0x02, 0x11, 0x01, 0x01];

/// The first key with its chain when `wants_key`, and all certificates otherwise. Without a password the digest is not checked,
/// as in Java. Never panics, whatever the bytes.
///
/// # Errors
/// What is wrong, without contents.
pub fn read(
    bytes: &[u8],
    password: Option<&str>,
    key_password: Option<&str>,
    wants_key: bool,
) -> Result<Entries, String> {
    let body_bytes = bytes.len().checked_sub(DIGEST_BYTES).ok_or("the JKS store is cut off")?;
    let (body, digest) = bytes.split_at(body_bytes);
    if let Some(password) = password {
        check_digest(body, digest, password)?;
    }
    let mut reader = Reader { rest: body };
    if reader.u32()? != 0xfeed_feed {
        return Err("no JKS store".to_owned());
    }
    let version = reader.u32()?;
    if !(1..=2).contains(&version) {
        return Err(format!("JKS version {version}, expected 1 or 2"));
    }
    let mut entries = Entries::default();
    for _ in 0..reader.u32()? {
        reader.entry(version, key_password, wants_key, &mut entries)?;
    }
    Ok(entries)
}

fn check_digest(body: &[u8], digest: &[u8], password: &str) -> Result<(), String> {
    let mut sha = Sha1::new();
    sha.update(&utf16(password));
    sha.update(WHITENER);
    sha.update(body);
    if memcmp::eq(&sha.finish(), digest) {
        Ok(())
    } else {
        Err("the password does not open the store, or it is damaged".to_owned())
    }
}

fn utf16(password: &str) -> Vec<u8> {
    password.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn entry(
        &mut self,
        version: u32,
        key_password: Option<&str>,
        wants_key: bool,
        entries: &mut Entries,
    ) -> Result<(), String> {
        let tag = self.u32()?;
        self.text()?;
        self.take(8)?;
        match tag {
            1 => {
                let protected = self.block()?;
                let mut chain = Vec::new();
                for _ in 0..self.u32()? {
                    chain.push(self.certificate(version)?);
                }
                if wants_key && entries.key.is_none() {
                    let password = key_password.ok_or("`ssl.keystore.password` is needed for the private key")?;
                    let key = unprotected(protected, password)?;
                    let key = PKey::private_key_from_pkcs8(&key).map_err(|_| "the private key is malformed")?;
                    entries.key = Some(key);
                    entries.certificates = parsed(&chain)?;
                } else if !wants_key {
                    // Java trusts the certificate of a key, not the rest of its chain.
                    entries.certificates.extend(parsed(&chain[..chain.len().min(1)])?);
                }
            }
            2 => {
                let certificate = self.certificate(version)?;
                if !wants_key {
                    entries.certificates.extend(parsed(&[certificate])?);
                }
            }
            _ => return Err(format!("the JKS store has an entry of the unknown kind {tag}")),
        }
        Ok(())
    }

    fn certificate(&mut self, version: u32) -> Result<&'a [u8], String> {
        if version == 2 {
            let kind = self.text()?;
            if kind != b"X.509" {
                return Err("the JKS store has a certificate that is not X.509".to_owned());
            }
        }
        self.block()
    }

    /// A 16-bit length and so many bytes.
    fn text(&mut self) -> Result<&'a [u8], String> {
        let length = self.take(2)?;
        self.take(usize::from(u16::from_be_bytes([length[0], length[1]])))
    }

    /// A 32-bit length and so many bytes.
    fn block(&mut self) -> Result<&'a [u8], String> {
        let length = self.u32()?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    fn u32(&mut self) -> Result<u32, String> {
        let bytes = self.take(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or("the JKS store is cut off")?;
        self.rest = rest;
        Ok(taken)
    }
}

fn parsed(certificates: &[&[u8]]) -> Result<Vec<X509>, String> {
    let parse = |der: &&[u8]| X509::from_der(der).map_err(|_| "a certificate is malformed".to_owned());
    certificates.iter().map(parse).collect()
}

/// The PKCS#8 bytes of a protected key: `salt + (key xor keystream) + digest`, in an EncryptedPrivateKeyInfo.
fn unprotected(info: &[u8], password: &str) -> Result<Vec<u8>, String> {
    let malformed = || "the protected private key is malformed".to_owned();
    let (info, _) = der(info, 0x30).ok_or_else(malformed)?;
    let (algorithm, rest) = der(info, 0x30).ok_or_else(malformed)?;
    if !algorithm.starts_with(PROTECTOR_OID) {
        return Err("the private key is not protected in the way of JKS".to_owned());
    }
    let (data, _) = der(rest, 0x04).ok_or_else(malformed)?;
    let key_bytes = data.len().checked_sub(SALT_BYTES + DIGEST_BYTES).ok_or_else(malformed)?;
    let (salt, rest) = data.split_at(SALT_BYTES);
    let (hidden, digest) = rest.split_at(key_bytes);
    let password = utf16(password);
    let mut key = Vec::with_capacity(key_bytes);
    let mut stream: [u8; DIGEST_BYTES] = sha1(&[&password, salt]);
    for block in hidden.chunks(DIGEST_BYTES) {
        key.extend(block.iter().zip(stream).map(|(byte, mask)| byte ^ mask));
        stream = sha1(&[&password, &stream]);
    }
    if memcmp::eq(&sha1(&[&password, &key]), digest) {
        Ok(key)
    } else {
        Err("`ssl.key.password` (else `ssl.keystore.password`) does not open the private key".to_owned())
    }
}

fn sha1(parts: &[&[u8]]) -> [u8; DIGEST_BYTES] {
    let mut sha = Sha1::new();
    for part in parts {
        sha.update(part);
    }
    sha.finish()
}

/// The contents of the DER element with this tag at the beginning of `bytes`, and what follows it.
fn der(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match *first {
        short @ 0..=0x7f => (usize::from(short), rest),
        long @ 0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x0f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    if *found == tag { rest.split_at_checked(length) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by keytool with the password `changeit`.
    const KEY: &[u8] = include_bytes!("../../../fuzz/seeds/jks/key");
    const TRUST: &[u8] = include_bytes!("../../../fuzz/seeds/jks/trust");

    #[test]
    fn a_key_comes_with_its_chain_and_a_trust_store_with_its_certificates() {
        let entries = read(KEY, Some("changeit"), Some("changeit"), true).expect("opens");
        let key = entries.key.expect("a key");
        assert!(entries.certificates[0].public_key().unwrap().public_eq(&key));
        let trusted = read(TRUST, Some("changeit"), None, false).expect("opens");
        assert_eq!((trusted.certificates.len(), trusted.key.is_none()), (1, true));
        assert_eq!(trusted.certificates[0].to_der().unwrap(), entries.certificates[0].to_der().unwrap());
        assert_eq!(read(KEY, None, None, false).expect("no key is wanted").certificates.len(), 1);
    }

    #[test]
    fn a_wrong_password_is_said_without_it() {
        let refused = |store, key| read(KEY, store, key, true).err().expect("refused");
        assert_eq!(refused(Some("geheim"), None), "the password does not open the store, or it is damaged");
        let expected = "`ssl.key.password` (else `ssl.keystore.password`) does not open the private key";
        assert_eq!(refused(Some("changeit"), Some("geheim")), expected);
        assert_eq!(refused(None, None), "`ssl.keystore.password` is needed for the private key");
    }

    #[test]
    fn a_store_cut_or_changed_anywhere_is_refused_or_read_but_never_panics() {
        for length in 0..KEY.len() {
            assert!(read(&KEY[..length], Some("changeit"), Some("changeit"), true).is_err(), "cut at {length}");
        }
        for at in 0..KEY.len() {
            for change in [0, 0x7f, 0xff] {
                let mut bytes = KEY.to_vec();
                bytes[at] = change;
                // Without the digest, some changes are not noticed.
                drop(read(&bytes, None, Some("changeit"), true));
                drop(read(&bytes, None, None, false));
            }
        }
    }
}
