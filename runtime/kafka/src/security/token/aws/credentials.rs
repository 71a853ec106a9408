//! AWS credentials, from where Amazon's own tools look: environment, web identity, profile, container, machine.

use std::env;
use std::fs;
use std::time::Duration;

use serde_json::Value;
use url::form_urlencoded::Serializer;

use crate::security::secret::Secret;
use crate::security::token::http::Http;

/// An access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) access_key: String,
    pub(super) secret_key: Secret,
    pub(super) session_token: Option<Secret>,
}

/// Where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    /// Only this profile, when set.
    pub(super) profile: Option<String>,
}

impl Chain {
    /// The first credentials that there are. Blocks while a service is asked.
    ///
    /// # Errors
    /// Every place that was looked at, without secrets.
    pub(super) fn find(&self) -> Result<Credentials, String> {
        if let Some(profile) = &self.profile {
            return from_profile(profile);
        }
        type Place = fn() -> Option<Result<Credentials, String>>;
        const PLACES: [Place; 4] = [from_environment, from_web_identity, from_default_profile, from_container];
        PLACES.iter().find_map(|place| place()).unwrap_or_else(from_machine)
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn from_environment() -> Option<Result<Credentials, String>> {
    let access_key = variable("AWS_ACCESS_KEY_ID")?;
    let secret_key = Secret::new(variable("AWS_SECRET_ACCESS_KEY")?);
    Some(Ok(Credentials { access_key, secret_key, session_token: variable("AWS_SESSION_TOKEN").map(Secret::new) }))
}

/// What Kubernetes gives a pod with a role.
fn from_web_identity() -> Option<Result<Credentials, String>> {
    let (file, role) = (variable("AWS_WEB_IDENTITY_TOKEN_FILE")?, variable("AWS_ROLE_ARN")?);
    Some(assume_role(&file, &role).map_err(|reason| format!("AWS web identity: {reason}")))
}

fn assume_role(file: &str, role: &str) -> Result<Credentials, String> {
    let token = fs::read_to_string(file).map_err(|error| format!("reading {file}: {error}"))?;
    let session = variable("AWS_ROLE_SESSION_NAME").unwrap_or_else(|| "sluice".to_owned());
    let host = match variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")) {
        Some(region) => format!("sts.{region}.amazonaws.com"),
        None => "sts.amazonaws.com".to_owned(),
    };
    let query = Serializer::new(String::new())
        .append_pair("Action", "AssumeRoleWithWebIdentity")
        .append_pair("Version", "2011-06-15")
        .append_pair("RoleArn", role)
        .append_pair("RoleSessionName", &session)
        .append_pair("WebIdentityToken", token.trim())
        .finish();
    let url = format!("https://{host}/?{query}");
    // The URL holds the token, so an error may not repeat it.
    let answer = http(10_000).text("GET", &url, &[("Accept", "application/json")]);
    let json = parse(&answer.map_err(|_| format!("{host} did not give credentials"))?)?;
    of_json(
        &json["AssumeRoleWithWebIdentityResponse"]["AssumeRoleWithWebIdentityResult"]["Credentials"],
        "SessionToken",
    )
}

fn from_default_profile() -> Option<Result<Credentials, String>> {
    from_profile(&variable("AWS_PROFILE").unwrap_or_else(|| "default".to_owned())).ok().map(Ok)
}

fn from_profile(profile: &str) -> Result<Credentials, String> {
    let file = variable("AWS_SHARED_CREDENTIALS_FILE");
    let file = file.or_else(|| variable("HOME").map(|home| format!("{home}/.aws/credentials"))).unwrap_or_default();
    let text = fs::read_to_string(&file).map_err(|error| format!("reading {file}: {error}"))?;
    profile_in(&text, profile).ok_or_else(|| format!("{file} has no access key for the profile {profile}"))
}

fn profile_in(text: &str, profile: &str) -> Option<Credentials> {
    let header = format!("[{profile}]");
    let section = text.lines().map(str::trim).skip_while(|line| *line != header).skip(1);
    let (mut access_key, mut secret_key, mut session_token) = (None, None, None);
    for (name, value) in section.take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once('=')) {
        let value = value.trim();
        match name.trim() {
            "aws_access_key_id" => access_key = Some(value.to_owned()),
            "aws_secret_access_key" => secret_key = Some(Secret::new(value)),
            "aws_session_token" => session_token = Some(Secret::new(value)),
            _ => {}
        }
    }
    Some(Credentials { access_key: access_key?, secret_key: secret_key?, session_token })
}

/// What ECS and EKS give a container.
fn from_container() -> Option<Result<Credentials, String>> {
    let url = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI").or_else(|| {
        variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").map(|path| format!("http://169.254.170.2{path}"))
    })?;
    let file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").and_then(|file| fs::read_to_string(file).ok());
    let token = file.or_else(|| variable("AWS_CONTAINER_AUTHORIZATION_TOKEN")).unwrap_or_default();
    let headers = [("Authorization", token.trim())];
    let headers = if token.trim().is_empty() { &[][..] } else { &headers[..] };
    let answer = http(2_000).text("GET", &url, headers);
    Some(answer.and_then(|text| of_json(&parse(&text)?, "Token")).map_err(|reason| format!("AWS container: {reason}")))
}

/// The metadata service of the machine, version 2.
fn from_machine() -> Result<Credentials, String> {
    let base = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or_else(|| "http://169.254.169.254".to_owned());
    let ask = || -> Result<Credentials, String> {
        let lifetime = [("X-aws-ec2-metadata-token-ttl-seconds", "60")];
        let token = http(1_000).text("PUT", &format!("{base}/latest/api/token"), &lifetime)?;
        let headers = [("X-aws-ec2-metadata-token", token.as_str())];
        let roles = format!("{base}/latest/meta-data/iam/security-credentials/");
        let role = http(1_000).text("GET", &roles, &headers)?;
        let role = role.lines().next().unwrap_or_default();
        of_json(&parse(&http(1_000).text("GET", &format!("{roles}{role}"), &headers)?)?, "Token")
    };
    ask().map_err(|reason| {
        format!(
            "no AWS credentials: none in the environment, no web identity, profile or container, and the machine's metadata \
             service says: {reason}"
        )
    })
}

fn http(timeout_ms: u64) -> Http {
    let timeout = Duration::from_millis(timeout_ms);
    Http { connect_timeout: timeout, read_timeout: timeout, tls: None }
}

fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|_| "the answer is not JSON".to_owned())
}

fn of_json(json: &Value, token: &str) -> Result<Credentials, String> {
    let field = |name: &str| json.get(name).and_then(Value::as_str);
    match (field("AccessKeyId"), field("SecretAccessKey")) {
        (Some(access_key), Some(secret)) => Ok(Credentials {
            access_key: access_key.to_owned(),
            secret_key: Secret::new(secret),
            session_token: field(token).map(Secret::new),
        }),
        _ => Err("the answer has no access key".to_owned()),
    }
}

/// Reads `text` as a credentials file and as the answer of a service.
#[cfg(any(test, feature = "fuzzing"))]
pub(in crate::security::token) fn read_any(text: &str) {
    drop(profile_in(text, "default"));
    if let Ok(json) = parse(text) {
        drop(of_json(&json, "Token"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_ends_where_the_next_begins() {
        let text = "[default]\naws_access_key_id = A\naws_secret_access_key=S\n[other]\naws_access_key_id=B\n";
        let found = profile_in(text, "default").unwrap();
        assert_eq!((found.access_key.as_str(), found.secret_key.expose()), ("A", "S"));
        assert_eq!(found.session_token, None);
        assert!(profile_in(text, "other").is_none());
        assert!(profile_in(text, "third").is_none());
    }

    #[test]
    fn json_of_a_service() {
        let json = parse(r#"{"AccessKeyId":"A","SecretAccessKey":"S","Token":"T"}"#).unwrap();
        let found = of_json(&json, "Token").unwrap();
        assert_eq!(found.session_token.as_ref().map(Secret::expose), Some("T"));
        assert!(of_json(&parse("{}").unwrap(), "Token").is_err());
        // Invariant 9.
        assert!(!format!("{found:?}").contains("\"S\""));
    }
}
