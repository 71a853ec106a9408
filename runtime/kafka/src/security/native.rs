//! The settings of librdkafka that stand for a security configuration.

use std::collections::BTreeSet;
use std::sync::Mutex;

use super::protocol::Security;
use super::sasl::Sasl;
use crate::client_log::lock;
use crate::error::Error;

/// Restrictions that were said not to reach librdkafka.
static SAID: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

impl Security {
    /// librdkafka's keys and values, secrets among them: for a client that is made right now, and for nothing else.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub(crate) fn librdkafka(&self) -> Result<Vec<(&'static str, String)>, Error> {
        let mut keys = vec![("security.protocol", self.name().to_owned())];
        if let Some(tls) = &self.tls {
            keys.extend(tls.load()?.librdkafka()?);
            let algorithm = if tls.check_host_name { "https" } else { "none" };
            keys.push(("ssl.endpoint.identification.algorithm", algorithm.to_owned()));
            keys.extend(tls.librdkafka_ciphers().map(|list| ("ssl.cipher.suites", list)));
            if let Some(key) = tls.beyond_librdkafka().filter(|key| lock(&SAID).insert(*key)) {
                tracing::warn!(key, "what this property says about TLS 1.3 has no effect on producers and consumers");
            }
        }
        if let Some(sasl) = &self.sasl {
            keys.extend(sasl_keys(sasl));
        }
        Ok(keys)
    }

    /// librdkafka's name of the protocol.
    fn name(&self) -> &'static str {
        match (&self.tls, &self.sasl) {
            (None, None) => "plaintext",
            (Some(_), None) => "ssl",
            (None, Some(_)) => "sasl_plaintext",
            (Some(_), Some(_)) => "sasl_ssl",
        }
    }
}

fn sasl_keys(sasl: &Sasl) -> Vec<(&'static str, String)> {
    let mechanism = ("sasl.mechanism", sasl.mechanism().to_owned());
    match sasl {
        Sasl::Plain(login) | Sasl::Scram(_, login) => vec![
            mechanism,
            ("sasl.username", login.user.clone()),
            ("sasl.password", login.password.expose().to_owned()),
        ],
        // The token comes through a callback.
        Sasl::Bearer(_) => vec![mechanism],
        #[cfg(feature = "gssapi")]
        Sasl::Kerberos(kerberos) => {
            let mut keys = vec![mechanism, ("sasl.kerberos.service.name", kerberos.service.clone())];
            keys.extend(kerberos.principal.clone().map(|principal| ("sasl.kerberos.principal", principal)));
            keys.extend(kerberos.key_tab.clone().map(|file| ("sasl.kerberos.keytab", file)));
            keys
        }
    }
}
