//! What the fuzz targets of stores, login modules, SCRAM messages and tokens ask.

use sluice_keystores::{jks, pem, pkcs12};

use super::jaas::LoginModule;
use super::sasl::{Login, Scram, ScramHash};
use super::secret::Secret;
use super::token;

/// Reads `bytes` as a JKS store, as key store and as trust store. Without its digest, which no fuzzer would find.
pub fn jks(bytes: &[u8]) {
    for wants_key in [true, false] {
        drop(jks::read(bytes, None, Some("changeit"), wants_key));
    }
}

/// Reads `bytes` as a PKCS12 store.
pub fn pkcs12(bytes: &[u8]) {
    drop(pkcs12::read(bytes, "changeit"));
}

/// Reads text as PEM certificates and keys.
pub fn pem(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    drop(pem::read(text, Some("changeit")));
}

/// Reads text as `sasl.jaas.config`. What was read is written in its simplest form, and has to be read back the same.
pub fn jaas(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(module) = LoginModule::parse(text) else { return };
    let quoted = |word: &str| {
        let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\r', "\\r");
        format!("\"{escaped}\"")
    };
    let options = module.options.iter();
    let options: String =
        options.map(|(name, value)| format!(" {}={}", quoted(name), quoted(value.expose()))).collect();
    let again = LoginModule::parse(&format!("{} required{options};", quoted(&module.class)));
    assert_eq!(again.as_ref(), Ok(&module), "what was written is read back");
}

/// Answers a server that sends the two messages in `bytes`, which a zero byte separates.
pub fn scram(bytes: &[u8]) {
    let login = Login { user: "user".to_owned(), password: Secret::new("pencil") };
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let (first, last) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let mut scram = Scram::with_nonce(ScramHash::Sha256, &login, "rOprNGfwEbeRWgbNEkqO".to_owned());
    if scram.answer(&login, first).is_ok() {
        // Right or wrong, it is judged.
        drop(scram.verify(last));
    }
}

/// Reads text as a token and as AWS credentials.
pub fn tokens(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        token::fuzzing::tokens(text);
    }
}

#[cfg(test)]
mod tests {
    use sluice_api::testkit::replay_seeds;

    #[test]
    fn seeds_of_the_fuzzers_do_no_harm() {
        replay_seeds("jks", super::jks);
        replay_seeds("pkcs12", super::pkcs12);
        replay_seeds("pem", super::pem);
        replay_seeds("jaas", super::jaas);
        replay_seeds("scram", super::scram);
        replay_seeds("tokens", super::tokens);
    }
}
