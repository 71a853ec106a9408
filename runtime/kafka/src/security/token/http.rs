//! The HTTP that tokens need: a form to an identity provider, and AWS's small local services.

use std::time::Duration;

use serde_json::Value;
use ureq::http::Response;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Body};

use crate::security::tls::Tls;

/// No answer that is read here is longer.
const LONGEST_ANSWER: u64 = 1 << 20;

/// How to reach a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Http {
    pub(super) connect_timeout: Duration,
    pub(super) read_timeout: Duration,
    /// `None` trusts the authorities of the system.
    pub(super) tls: Option<Tls>,
}

impl Http {
    /// Posts a form and gives the JSON of the answer. Blocks.
    ///
    /// # Errors
    /// The reason; of a refusal its status, and OAuth's error fields. Nothing else of an answer, since that may be a secret.
    pub(super) fn post_form(&self, url: &str, form: &str, authorization: &str) -> Result<Value, String> {
        let request = self
            .agent()?
            .post(url)
            .header("Authorization", authorization)
            .header("Accept", "application/json")
            .header("Cache-Control", "no-cache")
            .content_type("application/x-www-form-urlencoded");
        json(request.send(form).map_err(|error| error.to_string())?)
    }

    /// The text of an answer with status 200. Blocks.
    pub(super) fn text(&self, method: &str, url: &str, headers: &[(&str, &str)]) -> Result<String, String> {
        let agent = self.agent()?;
        let answer = if method == "PUT" {
            headers.iter().fold(agent.put(url), |request, (name, value)| request.header(*name, *value)).send_empty()
        } else {
            headers.iter().fold(agent.get(url), |request, (name, value)| request.header(*name, *value)).call()
        };
        let mut answer = answer.map_err(|error| error.to_string())?;
        if answer.status().as_u16() != 200 {
            return Err(format!("HTTP status {}", answer.status().as_u16()));
        }
        body(&mut answer)
    }

    fn agent(&self) -> Result<Agent, String> {
        let roots = match &self.tls {
            None => RootCerts::PlatformVerifier,
            Some(tls) => {
                let material = tls.load().map_err(|error| error.to_string())?;
                match material.trusted_der() {
                    None => RootCerts::PlatformVerifier,
                    Some(all) => all.iter().map(|der| Certificate::from_der(der).to_owned()).collect::<Vec<_>>().into(),
                }
            }
        };
        let tls = TlsConfig::builder().provider(TlsProvider::NativeTls).root_certs(roots).build();
        Ok(Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(self.connect_timeout))
            .timeout_global(Some(self.connect_timeout + self.read_timeout))
            .build()
            .new_agent())
    }
}

fn json(mut answer: Response<Body>) -> Result<Value, String> {
    let status = answer.status().as_u16();
    let parsed = serde_json::from_str::<Value>(&body(&mut answer)?).ok();
    if (200..300).contains(&status) {
        return parsed.ok_or_else(|| "the answer is not JSON".to_owned());
    }
    let field = |name: &str| parsed.as_ref().and_then(|json| json.get(name)?.as_str()).unwrap_or_default();
    let said = [field("error"), field("error_description")].join(" ");
    Err(format!("HTTP status {status} {}", said.trim()).trim_end().to_owned())
}

fn body(answer: &mut Response<Body>) -> Result<String, String> {
    answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_string().map_err(|error| error.to_string())
}
