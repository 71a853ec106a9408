//! Cipher suites under Java's names (RFC 8446 and IANA's registry), and under OpenSSL's.

use openssl::ssl::cipher_name;

use crate::security::lookup::Lookup;

/// What `ssl.cipher.suites` allows; `None` is every suite that is secure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ciphers {
    /// OpenSSL's list for TLS 1.2.
    pub(super) tls12: Option<String>,
    /// OpenSSL's list for TLS 1.3.
    pub(super) tls13: Option<String>,
}

impl Ciphers {
    pub(super) fn parse(keys: &mut Lookup<'_>) -> Self {
        const KEY: &str = "ssl.cipher.suites";
        let (mut tls12, mut tls13) = (Vec::new(), Vec::new());
        for name in keys.list(KEY) {
            match name {
                "TLS_AES_128_GCM_SHA256"
                | "TLS_AES_256_GCM_SHA384"
                | "TLS_CHACHA20_POLY1305_SHA256"
                | "TLS_AES_128_CCM_SHA256"
                | "TLS_AES_128_CCM_8_SHA256" => tls13.push(name),
                // A marker in Java's lists, no suite.
                "TLS_EMPTY_RENEGOTIATION_INFO_SCSV" => {}
                _ => match known_to_openssl(name) {
                    Some(openssl) => tls12.push(openssl),
                    None => keys.wrong(KEY, name, "cipher suites of TLS 1.2 and 1.3 under Java's names"),
                },
            }
        }
        let list = |names: Vec<&str>| (!names.is_empty()).then(|| names.join(":"));
        Self { tls12: list(tls12), tls13: list(tls13) }
    }
}

fn known_to_openssl(name: &str) -> Option<&'static str> {
    // OpenSSL's look-up takes a C string.
    if name.contains('\0') {
        return None;
    }
    Some(cipher_name(name)).filter(|found| *found != "(NONE)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(list: &str) -> (Ciphers, usize) {
        let find = |key: &str| (key == "ssl.cipher.suites").then_some(list);
        let mut keys = Lookup::new(&find);
        (Ciphers::parse(&mut keys), keys.into_errors().len())
    }

    #[test]
    fn javas_names_become_openssls_by_version() {
        let (ciphers, errors) = parse("TLS_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384");
        assert_eq!(errors, 0);
        assert_eq!(ciphers.tls12.as_deref(), Some("ECDHE-RSA-AES256-GCM-SHA384"));
        assert_eq!(ciphers.tls13.as_deref(), Some("TLS_AES_256_GCM_SHA384"));
        assert_eq!(parse(" "), (Ciphers::default(), 0));
    }

    #[test]
    fn a_suite_that_openssl_does_not_know_is_wrong() {
        assert_eq!(parse("TLS_NO_SUCH_SUITE,a\0b").1, 2);
    }
}
