//! The keys that say how to encrypt.

use super::ciphers::Ciphers;
use super::store::{KEY_STORE, Store, TRUST_STORE};
use crate::security::lookup::Lookup;

/// How clients and listeners speak TLS. Shows no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Who this client is; `None` when the broker does not ask.
    pub(super) key_store: Option<Store>,
    /// Whom this client trusts; `None` for the authorities of the system.
    pub(super) trust_store: Option<Store>,
    /// Whether the broker's certificate has to name its host.
    pub(crate) check_host_name: bool,
    pub(super) versions: Versions,
    pub(super) ciphers: Ciphers,
}

/// Versions that may be spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Versions {
    pub(super) tls12: bool,
    pub(super) tls13: bool,
}

impl Tls {
    /// Reads `ssl.*`; what cannot be used is noted in `keys`.
    pub(crate) fn parse(keys: &mut Lookup<'_>) -> Self {
        const ENGINE: &str = "ssl.engine.factory.class";
        if let Some(class) = keys.text(ENGINE).filter(|class| !class.ends_with(".DefaultSslEngineFactory")) {
            keys.wrong(ENGINE, class, "no class: a TLS engine of Java cannot run here");
        }
        Self {
            key_store: Store::parse(keys, &KEY_STORE),
            trust_store: Store::parse(keys, &TRUST_STORE),
            check_host_name: checks_host_name(keys),
            versions: versions(keys),
            ciphers: Ciphers::parse(keys),
        }
    }

    /// Versions and cipher suites that librdkafka cannot be told: it always offers TLS 1.3 with all of its suites.
    pub(crate) fn beyond_librdkafka(&self) -> Option<&'static str> {
        match (self.versions.tls13, &self.ciphers.tls13) {
            (false, _) => Some("ssl.enabled.protocols"),
            (true, Some(_)) => Some("ssl.cipher.suites"),
            (true, None) => None,
        }
    }

    /// The cipher list for librdkafka.
    pub(crate) fn librdkafka_ciphers(&self) -> Option<String> {
        // Nothing can be agreed on with these, because no client here has a pre-shared key: TLS 1.3 is all that is left.
        const NONE_BELOW_TLS13: &str = "PSK-AES128-GCM-SHA256";
        let restricted = self.ciphers.tls12.is_some() || self.ciphers.tls13.is_some();
        match &self.ciphers.tls12 {
            _ if !self.versions.tls12 => Some(NONE_BELOW_TLS13.to_owned()),
            None if restricted => Some(NONE_BELOW_TLS13.to_owned()),
            list => list.clone(),
        }
    }
}

fn checks_host_name(keys: &mut Lookup<'_>) -> bool {
    const KEY: &str = "ssl.endpoint.identification.algorithm";
    match keys.raw(KEY) {
        None => true,
        Some("") => false,
        Some(value) if value.eq_ignore_ascii_case("https") => true,
        Some(value) => {
            keys.wrong(KEY, value, "https, or nothing for no check of the host name");
            true
        }
    }
}

/// Java disables what is older than TLS 1.2, whatever the list says.
fn versions(keys: &mut Lookup<'_>) -> Versions {
    const KEY: &str = "ssl.enabled.protocols";
    const EXPECTED: &str = "TLSv1.2, TLSv1.3 or both";
    let list = keys.list(KEY);
    let mut versions = Versions { tls12: list.is_empty(), tls13: list.is_empty() };
    for name in &list {
        match *name {
            "TLSv1.2" => versions.tls12 = true,
            "TLSv1.3" => versions.tls13 = true,
            "TLSv1" | "TLSv1.1" | "SSLv3" | "SSLv2Hello" => {}
            _ => keys.wrong(KEY, name, EXPECTED),
        }
    }
    if !versions.tls12 && !versions.tls13 {
        keys.wrong(KEY, &list.join(","), EXPECTED);
    }
    versions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::PropertyError;

    pub(in crate::security) fn parse(given: &[(&str, &str)]) -> Result<Tls, Vec<PropertyError>> {
        let find = |key: &str| given.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        let mut keys = Lookup::new(&find);
        let tls = Tls::parse(&mut keys);
        let errors = keys.into_errors();
        if errors.is_empty() { Ok(tls) } else { Err(errors) }
    }

    #[test]
    fn nothing_set_is_the_systems_authorities_with_a_check_of_the_host_name() {
        let tls = parse(&[]).unwrap();
        assert!(tls.check_host_name && tls.key_store.is_none() && tls.trust_store.is_none());
        assert_eq!(tls.versions, Versions { tls12: true, tls13: true });
        assert_eq!((tls.librdkafka_ciphers(), tls.beyond_librdkafka()), (None, None));
    }

    #[test]
    fn an_empty_algorithm_switches_the_check_off() {
        const KEY: &str = "ssl.endpoint.identification.algorithm";
        assert!(!parse(&[(KEY, " ")]).unwrap().check_host_name);
        assert!(parse(&[(KEY, "HTTPS")]).unwrap().check_host_name);
        assert!(parse(&[(KEY, "ldaps")]).is_err());
    }

    #[test]
    fn versions_that_java_disables_enable_nothing() {
        let of = |list| parse(&[("ssl.enabled.protocols", list)]).map(|tls| (tls.versions.tls12, tls.versions.tls13));
        assert_eq!(of("TLSv1.1, TLSv1.2").unwrap(), (true, false));
        assert_eq!(of("TLSv1.3").unwrap(), (false, true));
        assert!(of("TLSv1.1").is_err());
        assert!(of("TLSv1.4").is_err());
    }

    #[test]
    fn what_only_one_client_can_do_is_known() {
        let only_12 = parse(&[("ssl.enabled.protocols", "TLSv1.2")]).unwrap();
        assert_eq!(only_12.beyond_librdkafka(), Some("ssl.enabled.protocols"));
        let only_13 = parse(&[("ssl.enabled.protocols", "TLSv1.3")]).unwrap();
        assert_eq!(only_13.beyond_librdkafka(), None);
        assert_eq!(only_13.librdkafka_ciphers().as_deref(), Some("PSK-AES128-GCM-SHA256"));
    }

    #[test]
    fn an_engine_of_java_is_refused_by_name() {
        let errors = parse(&[("ssl.engine.factory.class", "com.example.Engine")]).expect_err("refused");
        assert!(errors[0].to_string().contains("com.example.Engine"), "{errors:?}");
        let own = "org.apache.kafka.common.security.ssl.DefaultSslEngineFactory";
        assert!(parse(&[("ssl.engine.factory.class", own)]).is_ok());
    }
}
