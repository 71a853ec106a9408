//! Where tokens come from, and the tokens that there are.

use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::aws::MskIam;
use super::client_credentials::ClientCredentials;
use super::file::TokenFile;
use super::unsecured::Unsecured;
use crate::client_log::lock;
use crate::security::jaas::LoginModule;
use crate::security::lookup::Lookup;
use crate::security::secret::Secret;

const HANDLER: &str = "sasl.login.callback.handler.class";
const RETRIEVER: &str = "sasl.oauthbearer.jwt.retriever.class";
const ENDPOINT: &str = "sasl.oauthbearer.token.endpoint.url";

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) value: Secret,
    /// Who it stands for.
    pub(crate) principal: String,
    pub(crate) issued: SystemTime,
    pub(crate) expires: SystemTime,
}

impl Token {
    /// Milliseconds since the epoch.
    pub(crate) fn expires_ms(&self) -> i64 {
        let since = self.expires.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    pub(super) fn is_fresh(&self, now: SystemTime) -> bool {
        let life = self.expires.duration_since(self.issued).unwrap_or(Duration::ZERO);
        // Divided first: there are tokens that end when the clock does.
        now < self.issued + life / 4 * 3
    }
}

/// How to get a token, and what goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenSource {
    provider: Provider,
    extensions: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Provider {
    Unsecured(Unsecured),
    ClientCredentials(Box<ClientCredentials>),
    File(TokenFile),
    MskIam(MskIam),
}

/// One token for each provider that was asked, as Java's login manager has one login for each configuration. Short: a worker has a
/// handful of identities.
static TOKENS: Mutex<Vec<(Provider, Token)>> = Mutex::new(Vec::new());

impl TokenSource {
    /// OAUTHBEARER with the login module of `module`.
    pub(crate) fn parse_bearer(keys: &mut Lookup<'_>, module: &LoginModule) -> Option<Self> {
        let handler = keys.text(HANDLER);
        let provider = match handler.map(simple) {
            Some("OAuthBearerLoginCallbackHandler") => retrieved(keys, module),
            Some("IAMOAuthBearerLoginCallbackHandler") => MskIam::parse(keys, module).map(Provider::MskIam),
            None | Some("OAuthBearerUnsecuredLoginCallbackHandler") => {
                if handler.is_none() && keys.text(ENDPOINT).is_some() {
                    retrieved(keys, module)
                } else {
                    Unsecured::parse(keys, module).map(Provider::Unsecured)
                }
            }
            Some(_) => {
                keys.wrong(
                    HANDLER,
                    handler.unwrap_or_default(),
                    "OAuthBearerLoginCallbackHandler or OAuthBearerUnsecuredLoginCallbackHandler of Kafka, or \
                     IAMOAuthBearerLoginCallbackHandler of Amazon: another class of Java cannot run here",
                );
                None
            }
        };
        Some(Self { provider: provider?, extensions: extensions(module) })
    }

    /// AWS_MSK_IAM.
    pub(crate) fn parse_msk_iam(keys: &mut Lookup<'_>, module: &LoginModule) -> Option<Self> {
        let provider = Provider::MskIam(MskIam::parse(keys, module)?);
        Some(Self { provider, extensions: Vec::new() })
    }

    /// Key and value pairs that go to the broker beside the token.
    pub(crate) fn extensions(&self) -> &[(String, String)] {
        &self.extensions
    }

    /// A token that is still good. Blocks while one is fetched.
    ///
    /// # Errors
    /// Why there is none, without secrets.
    pub(crate) fn token(&self) -> Result<Token, String> {
        let now = SystemTime::now();
        let known =
            lock(&TOKENS).iter().find(|(provider, _)| *provider == self.provider).map(|(_, token)| token.clone());
        if let Some(token) = known.filter(|token| token.is_fresh(now)) {
            return Ok(token);
        }
        let token = match &self.provider {
            Provider::Unsecured(unsecured) => unsecured.token(now),
            Provider::ClientCredentials(credentials) => credentials.token(now),
            Provider::File(file) => file.token(now),
            Provider::MskIam(iam) => iam.token(now),
        }?;
        let mut tokens = lock(&TOKENS);
        tokens.retain(|(provider, token)| *provider != self.provider && token.expires > now);
        tokens.push((self.provider.clone(), token.clone()));
        Ok(token)
    }
}

/// Kafka's default retriever reads a file or asks an endpoint, whichever the URL is.
fn retrieved(keys: &mut Lookup<'_>, module: &LoginModule) -> Option<Provider> {
    let retriever = keys.text(RETRIEVER);
    match retriever.map(simple) {
        None | Some("DefaultJwtRetriever" | "ClientCredentialsJwtRetriever" | "FileJwtRetriever") => {}
        Some(_) => {
            let expected = "DefaultJwtRetriever, ClientCredentialsJwtRetriever or FileJwtRetriever";
            keys.wrong(RETRIEVER, retriever.unwrap_or_default(), expected);
            return None;
        }
    }
    let Some(endpoint) = keys.text(ENDPOINT) else {
        keys.wrong(ENDPOINT, "", "the URL where tokens are");
        return None;
    };
    match url::Url::parse(endpoint) {
        Ok(url) if url.scheme() == "file" => Some(Provider::File(TokenFile::new(&url))),
        Ok(url) if ["http", "https"].contains(&url.scheme()) => {
            let parsed = ClientCredentials::parse(keys, module, url);
            parsed.map(|credentials| Provider::ClientCredentials(Box::new(credentials)))
        }
        _ => {
            keys.wrong(ENDPOINT, endpoint, "an https, http or file URL");
            None
        }
    }
}

fn simple(class: &str) -> &str {
    class.rsplit('.').next().unwrap_or(class)
}

fn extensions(module: &LoginModule) -> Vec<(String, String)> {
    const PREFIXES: [&str; 2] = ["extension_", "unsecuredLoginExtension_"];
    let named = |(option, value): (&String, &Secret)| {
        let name = PREFIXES.iter().find_map(|prefix| option.strip_prefix(prefix))?;
        Some((name.to_owned(), value.expose().to_owned()))
    };
    module.options.iter().filter_map(named).collect()
}
