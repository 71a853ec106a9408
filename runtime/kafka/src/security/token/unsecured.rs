//! Tokens that nobody signed, for brokers that are being tried out: Kafka's unsecured login, with its option names.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use super::jwt;
use super::source::Token;
use crate::security::jaas::LoginModule;
use crate::security::lookup::Lookup;

/// The claims that the login module's options give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unsecured {
    claims: Map<String, Value>,
    principal_claim: String,
    lifetime: Duration,
}

impl Unsecured {
    pub(super) fn parse(keys: &mut Lookup<'_>, module: &LoginModule) -> Option<Self> {
        const LIFETIME: &str = "unsecuredLoginLifetimeSeconds";
        let mut claims = Map::new();
        for (option, value) in &module.options {
            if let Some((name, value)) = claim(option, value.expose()) {
                claims.insert(name, value);
            }
        }
        let principal_claim = module.text("unsecuredLoginPrincipalClaimName").unwrap_or("sub").to_owned();
        if !claims.get(&principal_claim).is_some_and(Value::is_string) {
            let option = format!("the option unsecuredLoginStringClaim_{principal_claim}");
            keys.wrong_secret("sasl.jaas.config", option);
            return None;
        }
        let seconds = module.text(LIFETIME).map_or(Ok(3_600), str::parse::<u32>);
        let Ok(seconds) = seconds else {
            keys.wrong_secret("sasl.jaas.config", format!("a number of seconds as option {LIFETIME}"));
            return None;
        };
        Some(Self { claims, principal_claim, lifetime: Duration::from_secs(seconds.into()) })
    }

    pub(super) fn token(&self, now: SystemTime) -> Result<Token, String> {
        let mut claims = self.claims.clone();
        let seconds = |time: SystemTime| {
            let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
            Value::from(since.as_millis() as f64 / 1_000.0)
        };
        claims.entry("iat").or_insert_with(|| seconds(now));
        claims.entry("exp").or_insert_with(|| seconds(now + self.lifetime));
        jwt::read(&jwt::unsigned(&claims), &self.principal_claim, now)
    }
}

fn claim(option: &str, value: &str) -> Option<(String, Value)> {
    if let Some(name) = option.strip_prefix("unsecuredLoginStringClaim_") {
        return Some((name.to_owned(), Value::from(value)));
    }
    if let Some(name) = option.strip_prefix("unsecuredLoginNumberClaim_") {
        return Some((name.to_owned(), Value::from(value.parse::<f64>().ok()?)));
    }
    // The first character separates the items.
    let name = option.strip_prefix("unsecuredLoginListClaim_")?;
    let separator = value.chars().next()?;
    let items = value[separator.len_utf8()..].split(separator).map(Value::from).collect::<Vec<_>>();
    Some((name.to_owned(), Value::from(items)))
}
