//! Certificates and stores for one secured broker and its clients: an authority, the broker's certificate, an expired one, a
//! client's, and an authority that nobody trusts. Stores of the JDK's formats are made by its own keytool.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::hash::MessageDigest;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Name, X509NameRef};

use crate::scratch::Scratch;

/// Opens every store and key that is made here.
pub const STORE_PASSWORD: &str = "store-password-1";

const DAY: i64 = 86_400;
/// Has a certificate for a host where nobody is.
const ELSEWHERE: &str = "elsewhere";

/// A folder of certificates without a broker.
#[derive(Debug)]
pub struct Certificates(Scratch);

impl Certificates {
    /// Makes new ones.
    pub fn make() -> Result<Self> {
        let folder = Scratch::new("certificates")?;
        make(folder.path())?;
        Ok(Certificates(folder))
    }

    /// A file of the folder: `ca.pem`, `other-ca.pem`, `trust.jks`, `trust.p12`, and for each of `server`, `expired`, `client`,
    /// `elsewhere` (a server's that names another host) and `intruder` (of the other authority) `NAME.jks`, `NAME.p12`, `NAME.pem`,
    /// `NAME-chain.pem`, `NAME-key.pem`.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

struct Pair {
    certificate: X509,
    key: PKey<Private>,
}

/// Writes into `folder`: `ca.pem`, `other-ca.pem`; for each of `server`, `expired`, `client`, `elsewhere` and `intruder` the stores `NAME.p12` (OpenSSL's
/// PKCS12), `NAME.jks`, `NAME.pem` (chain and encrypted key), `NAME-chain.pem`, `NAME-key.pem` (encrypted); trust stores
/// `trust.jks` and `trust.p12` with the authority.
pub(super) fn make(folder: &Path) -> Result<()> {
    let authority = issue("Test Authority", None, (-1, 3_650))?;
    let other = issue("Another Authority", None, (-1, 3_650))?;
    fs::write(folder.join("ca.pem"), authority.certificate.to_pem()?)?;
    fs::write(folder.join("other-ca.pem"), other.certificate.to_pem()?)?;
    for (name, issuer, days) in [
        ("server", &authority, (-1, 365)),
        ("expired", &authority, (-30, -1)),
        ("client", &authority, (-1, 365)),
        (ELSEWHERE, &authority, (-1, 365)),
        ("intruder", &other, (-1, 365)),
    ] {
        let pair = issue(name, Some(issuer), days)?;
        write_stores(folder, name, &pair, issuer)?;
    }
    for kind in ["jks", "p12"] {
        let store = folder.join(format!("trust.{kind}"));
        let kind = if kind == "jks" { "JKS" } else { "PKCS12" };
        let ca = folder.join("ca.pem");
        keytool(&[
            "-importcert",
            "-noprompt",
            "-alias",
            "ca",
            "-file",
            &text(&ca),
            "-keystore",
            &text(&store),
            "-storetype",
            kind,
        ])?;
    }
    Ok(())
}

fn write_stores(folder: &Path, name: &str, pair: &Pair, authority: &Pair) -> Result<()> {
    let mut chain = openssl::stack::Stack::new()?;
    chain.push(authority.certificate.clone())?;
    let p12 = folder.join(format!("{name}.p12"));
    let mut builder = Pkcs12::builder();
    builder.name(name).pkey(&pair.key).cert(&pair.certificate).ca(chain);
    fs::write(&p12, builder.build2(STORE_PASSWORD)?.to_der()?)?;
    let jks = folder.join(format!("{name}.jks"));
    keytool(&[
        "-importkeystore",
        "-noprompt",
        "-srckeystore",
        &text(&p12),
        "-srcstoretype",
        "PKCS12",
        "-srcstorepass",
        STORE_PASSWORD,
        "-destkeystore",
        &text(&jks),
        "-deststoretype",
        "JKS",
        "-deststorepass",
        STORE_PASSWORD,
    ])?;
    let certificates = [pair.certificate.to_pem()?, authority.certificate.to_pem()?].concat();
    let cipher = openssl::symm::Cipher::aes_256_cbc();
    let key = pair.key.private_key_to_pem_pkcs8_passphrase(cipher, STORE_PASSWORD.as_bytes())?;
    fs::write(folder.join(format!("{name}-chain.pem")), &certificates)?;
    fs::write(folder.join(format!("{name}-key.pem")), &key)?;
    fs::write(folder.join(format!("{name}.pem")), [key, certificates].concat())?;
    Ok(())
}

/// A certificate that is valid between these days from now; its own authority when there is no issuer.
fn issue(name: &str, issuer: Option<&Pair>, (from, to): (i64, i64)) -> Result<Pair> {
    let key = PKey::from_rsa(Rsa::generate(2_048)?)?;
    let mut subject = X509Name::builder()?;
    subject.append_entry_by_text("CN", name)?;
    let subject = subject.build();
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    let mut serial = BigNum::new()?;
    serial.rand(120, MsbOption::MAYBE_ZERO, false)?;
    builder.set_serial_number(&*serial.to_asn1_integer()?)?;
    builder.set_subject_name(&subject)?;
    let issuer_name: &X509NameRef = issuer.map_or(&subject, |issuer| issuer.certificate.subject_name());
    builder.set_issuer_name(issuer_name)?;
    builder.set_pubkey(&key)?;
    builder.set_not_before(&*time(from)?)?;
    builder.set_not_after(&*time(to)?)?;
    extend(&mut builder, name, issuer)?;
    builder.sign(issuer.map_or(&key, |issuer| &issuer.key), MessageDigest::sha256())?;
    Ok(Pair { certificate: builder.build(), key })
}

fn extend(builder: &mut X509Builder, name: &str, issuer: Option<&Pair>) -> Result<()> {
    match issuer {
        None => {
            builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
            builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
        }
        Some(issuer) => {
            let context = builder.x509v3_context(Some(&issuer.certificate), None);
            let mut names = SubjectAlternativeName::new();
            match name {
                ELSEWHERE => names.dns("elsewhere.test"),
                _ => names.dns("localhost").ip("127.0.0.1"),
            };
            let names = names.build(&context)?;
            builder.append_extension(names)?;
        }
    }
    Ok(())
}

fn time(days: i64) -> Result<Asn1Time> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).context("the clock")?;
    Ok(Asn1Time::from_unix(i64::try_from(now.as_secs())? + days * DAY)?)
}

fn keytool(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("keytool");
    command.args(arguments);
    if !arguments.contains(&"-deststorepass") {
        command.args(["-storepass", STORE_PASSWORD]);
    }
    let output = command.output().context("running keytool (it comes with openjdk-17-jre-headless)")?;
    if output.status.success() {
        return Ok(());
    }
    bail!("keytool {arguments:?}: {}", String::from_utf8_lossy(&output.stdout))
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
