//! Credentials of requests.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::{Client, Request};
use sluice_api::config::Password;
use sluice_api::{ConnectError, Result};

use super::{Failure, OAuth2, oauth};

/// How a server knows us.
#[derive(Clone, Debug, Default)]
pub(crate) enum Auth {
    #[default]
    None,
    Basic {
        user: String,
        password: Password,
    },
    Bearer(Password),
    /// The whole `Authorization` header.
    Static(Password),
    ApiKey {
        name: String,
        value: Password,
        /// As a query parameter instead of a header.
        in_query: bool,
    },
    OAuth2(Box<OAuth2>),
}

/// Puts credentials into requests; holds the OAuth2 token of a task.
pub(crate) enum Authorizer {
    None,
    Header(HeaderName, HeaderValue),
    Query(String, Password),
    OAuth2(Box<oauth::Tokens>),
}

impl Authorizer {
    /// # Errors
    /// `Config` when a credential cannot be sent in a header.
    pub(crate) fn new(auth: &Auth) -> Result<Self> {
        Ok(match auth {
            Auth::None => Self::None,
            Auth::Basic { user, password } => {
                let pair = STANDARD.encode(format!("{user}:{}", password.expose()));
                Self::Header(AUTHORIZATION, secret(&format!("Basic {pair}"))?)
            }
            Auth::Bearer(token) => Self::Header(AUTHORIZATION, secret(&format!("Bearer {}", token.expose()))?),
            Auth::Static(header) => Self::Header(AUTHORIZATION, secret(header.expose())?),
            Auth::ApiKey { name, value, in_query: true } => Self::Query(name.clone(), value.clone()),
            Auth::ApiKey { name, value, in_query: false } => {
                let name = HeaderName::from_bytes(name.as_bytes())
                    .map_err(|_| ConnectError::config(format!("`api.key.name` {name} is no name of a header")))?;
                Self::Header(name, secret(value.expose())?)
            }
            Auth::OAuth2(settings) => Self::OAuth2(Box::new(oauth::Tokens::new((**settings).clone()))),
        })
    }

    /// Adds the credential. With OAuth2 a token is fetched first when there is none that is valid.
    ///
    /// # Errors
    /// The token endpoint gave none.
    pub(crate) async fn authorize(&self, client: &Client, request: &mut Request) -> std::result::Result<(), Failure> {
        match self {
            Self::None => {}
            Self::Header(name, value) => {
                request.headers_mut().insert(name, value.clone());
            }
            Self::Query(name, value) => {
                request.url_mut().query_pairs_mut().append_pair(name, value.expose());
            }
            Self::OAuth2(tokens) => {
                let token = tokens.get(client).await?;
                request.headers_mut().insert(AUTHORIZATION, token);
            }
        }
        Ok(())
    }

    /// Whether a request that was answered with `status` may succeed with a new token; the old one is forgotten then.
    pub(crate) async fn renew(&self, status: u16, refused: Option<&HeaderValue>) -> bool {
        match self {
            Self::OAuth2(tokens) => tokens.renew(status, refused).await,
            _ => false,
        }
    }
}

/// A header value that is never printed.
pub(super) fn secret(text: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        ConnectError::config("a credential has characters that no HTTP header can have, such as a line end")
    })?;
    value.set_sensitive(true);
    Ok(value)
}
