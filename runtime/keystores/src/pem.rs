//! PEM text, as forgiving as Kafka's clients: base64 may be broken anywhere, or not at all, and text around blocks is no matter.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::ec::EcKey;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::X509;

use crate::Entries;
use crate::iterations;

/// All certificates and the first private key of `text`.
///
/// # Errors
/// What is wrong, without contents.
pub fn read(text: &str, key_password: Option<&str>) -> Result<Entries, String> {
    let mut entries = Entries::default();
    let mut rest = text;
    while let Some((label, base64, after)) = block(rest)? {
        rest = after;
        match label {
            "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {
                let certificate = X509::from_der(&decoded(base64, label)?);
                entries.certificates.push(certificate.map_err(|_| "a certificate is malformed".to_owned())?);
            }
            label if label.ends_with("PRIVATE KEY") && entries.key.is_none() => {
                entries.key = Some(private_key(label, base64, key_password)?);
            }
            _ => {}
        }
    }
    if entries.certificates.is_empty() && entries.key.is_none() {
        return Err("there is no PEM certificate or key in it".to_owned());
    }
    Ok(entries)
}

/// The next block: its label, what is between the lines, and the text behind it.
fn block(text: &str) -> Result<Option<(&str, &str, &str)>, String> {
    const BEGIN: &str = "-----BEGIN ";
    let Some(begin) = text.find(BEGIN) else { return Ok(None) };
    let rest = &text[begin + BEGIN.len()..];
    let cut = || "a PEM block does not end".to_owned();
    let (label, rest) = rest.split_once("-----").ok_or_else(cut)?;
    let (body, rest) = rest.split_once("-----END ").ok_or_else(cut)?;
    Ok(Some((label.trim(), body, rest)))
}

fn decoded(base64: &str, label: &str) -> Result<Vec<u8>, String> {
    let packed: String = base64.chars().filter(|char| !char.is_whitespace()).collect();
    STANDARD.decode(packed).map_err(|_| format!("the base64 text of a {label} is malformed"))
}

fn private_key(label: &str, base64: &str, password: Option<&str>) -> Result<PKey<Private>, String> {
    if base64.contains("Proc-Type:") {
        return Err(
            "a private key is encrypted in OpenSSL's old way: convert it with `openssl pkcs8 -topk8`".to_owned()
        );
    }
    let der = decoded(base64, label)?;
    let key = match (label, password) {
        ("ENCRYPTED PRIVATE KEY", None) => return Err("`ssl.key.password` is needed for the private key".to_owned()),
        ("ENCRYPTED PRIVATE KEY", Some(password)) => {
            iterations::check(&der)?;
            return PKey::private_key_from_pkcs8_passphrase(&der, password.as_bytes())
                .map_err(|_| "`ssl.key.password` does not open the private key".to_owned());
        }
        ("RSA PRIVATE KEY", _) => Rsa::private_key_from_der(&der).and_then(PKey::from_rsa),
        ("EC PRIVATE KEY", _) => EcKey::private_key_from_der(&der).and_then(PKey::from_ec_key),
        _ => PKey::private_key_from_pkcs8(&der),
    };
    key.map_err(|_| "the private key is malformed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate and its key, encrypted with the password `changeit`.
    const BOTH: &str = include_str!("../../../fuzz/seeds/pem/both");

    #[test]
    fn line_breaks_and_text_around_do_not_matter() {
        for text in [BOTH.to_owned(), BOTH.replace('\n', " "), BOTH.replace('\n', "\r\n"), format!("x\n{BOTH}\ny")] {
            let entries = read(&text, Some("changeit")).expect("read");
            let key = entries.key.expect("a key");
            assert!(entries.certificates[0].public_key().unwrap().public_eq(&key));
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_contents() {
        let refused = |text: &str, password| read(text, password).err().expect("refused");
        assert_eq!(refused(BOTH, None), "`ssl.key.password` is needed for the private key");
        assert_eq!(refused(BOTH, Some("geheim")), "`ssl.key.password` does not open the private key");
        assert_eq!(refused("geheim", None), "there is no PEM certificate or key in it");
        assert_eq!(refused("-----BEGIN CERTIFICATE-----\nAAAA", None), "a PEM block does not end");
        let text = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----";
        assert_eq!(refused(text, None), "the base64 text of a CERTIFICATE is malformed");
        let text = text.replace('!', "AAAA");
        assert_eq!(refused(&text, None), "a certificate is malformed");
    }
}
