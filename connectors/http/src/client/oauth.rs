//! OAuth2 client credentials (RFC 6749, 4.4): one token per task, fetched when it is needed and again when it ends or is refused.

use std::time::Duration;

use reqwest::header::HeaderValue;
use reqwest::{Client, Url};
use serde_json::Value as Json;
use sluice_api::config::Password;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Answer, Failure, auth};

/// A token is renewed this long before it ends, so that it does not end on the way.
const EARLY: Duration = Duration::from_secs(30);
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Where tokens come from. Names of form fields can be changed, as in Aiven's sink.
#[derive(Clone, Debug)]
pub(crate) struct OAuth2 {
    pub(crate) token_url: Url,
    pub(crate) client_id: String,
    pub(crate) client_secret: Password,
    pub(crate) scope: Option<String>,
    /// Credentials as form fields instead of a Basic header.
    pub(crate) in_form: bool,
    /// The member of the answer that holds the token.
    pub(crate) token_property: String,
    /// Field name and value.
    pub(crate) grant_type: (String, String),
    pub(crate) client_id_field: String,
    pub(crate) client_secret_field: String,
    /// Statuses that say that a token is no longer valid.
    pub(crate) renew_on: Vec<u16>,
}

/// The token of a task.
pub(crate) struct Tokens {
    settings: OAuth2,
    /// Locked while one is fetched, so that concurrent requests fetch one.
    current: Mutex<Option<Token>>,
}

struct Token {
    header: HeaderValue,
    /// `None` when the server did not say.
    until: Option<Instant>,
}

impl Tokens {
    pub(super) fn new(settings: OAuth2) -> Self {
        Self { settings, current: Mutex::new(None) }
    }

    /// The `Authorization` header.
    pub(super) async fn get(&self, client: &Client) -> Result<HeaderValue, Failure> {
        let mut current = self.current.lock().await;
        match &*current {
            Some(token) if token.until.is_none_or(|until| Instant::now() < until) => Ok(token.header.clone()),
            _ => {
                let token = self.fetch(client).await?;
                Ok(current.insert(token).header.clone())
            }
        }
    }

    /// Forgets the token that was refused, unless another request has renewed it meanwhile.
    pub(super) async fn renew(&self, status: u16, refused: Option<&HeaderValue>) -> bool {
        if !self.settings.renew_on.contains(&status) {
            return false;
        }
        let mut current = self.current.lock().await;
        if current.as_ref().is_some_and(|token| Some(&token.header) == refused) {
            *current = None;
        }
        true
    }

    async fn fetch(&self, client: &Client) -> Result<Token, Failure> {
        let failed = |text: &str| Failure::new(format!("no OAuth2 token from {}: {text}", self.settings.token_url));
        let request = self.request(client);
        let response = request.send().await.map_err(|error| failed(&Failure::of(&error).to_string()))?;
        let answer = Answer::read(response, MAX_ANSWER_BYTES).await.map_err(|failure| failed(&failure.to_string()))?;
        if !answer.is_success() {
            return Err(failed(&answer.describe()));
        }
        // The answer holds a secret: it is not shown from here on (Invariant 9).
        let json: Json = serde_json::from_slice(&answer.body).map_err(|_| failed("the answer is no JSON"))?;
        let property = &self.settings.token_property;
        let token = json.get(property).and_then(Json::as_str).filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| failed(&format!("the answer has no text in `{property}`")))?;
        let header = auth::secret(&format!("Bearer {token}")).map_err(|_| failed("the token is no header value"))?;
        Ok(Token { header, until: json.get("expires_in").and_then(lifetime).map(|left| Instant::now() + left) })
    }

    fn request(&self, client: &Client) -> reqwest::RequestBuilder {
        let settings = &self.settings;
        let mut form = vec![(settings.grant_type.0.as_str(), settings.grant_type.1.as_str())];
        if let Some(scope) = &settings.scope {
            form.push(("scope", scope));
        }
        let request = client.post(settings.token_url.clone()).header("accept", "application/json");
        if settings.in_form {
            form.push((&settings.client_id_field, &settings.client_id));
            form.push((&settings.client_secret_field, settings.client_secret.expose()));
            request.form(&form)
        } else {
            request.basic_auth(&settings.client_id, Some(settings.client_secret.expose())).form(&form)
        }
    }
}

/// A short-lived token is used for half its time at least.
fn lifetime(expires_in: &Json) -> Option<Duration> {
    let seconds = expires_in.as_u64().or_else(|| expires_in.as_str()?.parse().ok())?;
    // A century stands for ever; adding more could overflow the clock.
    let lifetime = Duration::from_secs(seconds.min(3_155_760_000));
    Some(lifetime.saturating_sub(EARLY).max(lifetime / 2))
}
