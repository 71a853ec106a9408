//! OAuth's client credentials (RFC 6749, 4.4): an id and a secret for a token.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::http::Http;
use super::jwt;
use super::source::Token;
use crate::security::jaas::LoginModule;
use crate::security::lookup::Lookup;
use crate::security::secret::Secret;
use crate::security::tls::Tls;

const CLIENT_ID: &str = "sasl.oauthbearer.client.credentials.client.id";
const CLIENT_SECRET: &str = "sasl.oauthbearer.client.credentials.client.secret";

/// Whom to ask, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClientCredentials {
    endpoint: Url,
    id: String,
    secret: Secret,
    scope: Option<String>,
    url_encode: bool,
    subject_claim: String,
    http: Http,
}

impl ClientCredentials {
    /// From `sasl.oauthbearer.*`, else from the options of the login module, as older clients have it.
    pub(super) fn parse(keys: &mut Lookup<'_>, module: &LoginModule, endpoint: Url) -> Option<Self> {
        let id = keys.text(CLIENT_ID).or_else(|| module.text("clientId")).map(str::to_owned);
        let secret = keys.secret(CLIENT_SECRET).or_else(|| module.secret("clientSecret").cloned());
        let scope = keys.text("sasl.oauthbearer.scope").or_else(|| module.text("scope")).map(str::to_owned);
        let tls = module.options.keys().any(|option| option.starts_with("ssl."));
        let tls = if tls { own_tls(keys, module) } else { None };
        let http = Http {
            connect_timeout: Duration::from_millis(keys.number("sasl.login.connect.timeout.ms", 10_000).max(1)),
            read_timeout: Duration::from_millis(keys.number("sasl.login.read.timeout.ms", 10_000).max(1)),
            tls,
        };
        let url_encode =
            keys.text("sasl.oauthbearer.header.urlencode").is_some_and(|it| it.eq_ignore_ascii_case("true"));
        let subject_claim = keys.text("sasl.oauthbearer.sub.claim.name").unwrap_or("sub").to_owned();
        match (id, secret) {
            (Some(id), Some(secret)) => Some(Self { endpoint, id, secret, scope, url_encode, subject_claim, http }),
            (None, _) => {
                keys.wrong(CLIENT_ID, "", "the id of the client");
                None
            }
            (_, None) => {
                keys.wrong_secret(CLIENT_SECRET, "the secret of the client");
                None
            }
        }
    }

    pub(super) fn token(&self, now: SystemTime) -> Result<Token, String> {
        let failed = |reason: String| format!("no token from {}: {reason}", self.endpoint);
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if let Some(scope) = &self.scope {
            form.append_pair("scope", scope);
        }
        let (id, secret) = (self.encoded(&self.id), self.encoded(self.secret.expose()));
        let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
        let answer = self.http.post_form(self.endpoint.as_str(), &form.finish(), &basic).map_err(failed)?;
        let token = ["access_token", "id_token"].iter().find_map(|name| answer.get(*name)?.as_str());
        let token = token.ok_or_else(|| failed("the answer has no access_token".to_owned()))?;
        jwt::read(token, &self.subject_claim, now).map_err(failed)
    }

    fn encoded(&self, text: &str) -> String {
        if self.url_encode { byte_serialize(text.as_bytes()).collect() } else { text.to_owned() }
    }
}

/// The endpoint's own TLS settings, which Kafka's clients take from the options of the login module.
fn own_tls(keys: &mut Lookup<'_>, module: &LoginModule) -> Option<Tls> {
    let find = |key: &str| module.text(key);
    let mut options = Lookup::new(&find);
    let tls = Tls::parse(&mut options);
    let errors = options.into_errors();
    for error in &errors {
        keys.wrong_secret("sasl.jaas.config", format!("{} as option {}", error.expected, error.key));
    }
    errors.is_empty().then_some(tls)
}
