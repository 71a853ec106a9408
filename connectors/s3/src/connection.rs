//! The keys that Confluent's sink and source have in common: where the bucket is, and whose requests they are.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::{MessageDigest, hash};
use sluice_api::config::ParsedConfig;
use sluice_api::{ConnectError, Result};
use url::Url;

use crate::client::{AssumedRole, CredentialKeys, ObjectOptions, Proxy, StoreConfig};

pub(crate) const DEFAULT_CREDENTIALS: &str = "com.amazonaws.auth.DefaultAWSCredentialsProviderChain";

/// A key and what is wrong with it.
pub(crate) type Problem = (&'static str, String);

/// Invariant 9: values of keys that may be secret never get here.
pub(crate) fn message(parsed: &ParsedConfig, (key, problem): &Problem) -> String {
    format!("Invalid value {} for configuration {key}: {problem}", parsed.get(key))
}

/// Where the bucket is and whose requests they are; `objects` is for what is written.
///
/// # Errors
/// The key that is wrong.
pub(crate) fn store(parsed: &ParsedConfig, objects: ObjectOptions) -> Result<StoreConfig, Problem> {
    let optional = |key: &str| parsed.opt_string(key).filter(|text| !text.is_empty()).map(str::to_owned);
    let path_style = parsed.boolean("s3.path.style.access.enabled");
    let accelerate = parsed.boolean("s3.wan.mode");
    if path_style && accelerate {
        return Err(("s3.wan.mode", "acceleration needs `s3.path.style.access.enabled` to be false".into()));
    }
    let endpoint = optional("store.url").map(|url| if url.contains("://") { url } else { format!("https://{url}") });
    if let Some(url) = &endpoint {
        Url::parse(url).map_err(|error| ("store.url", error.to_string()))?;
    }
    Ok(StoreConfig {
        bucket: parsed.string("s3.bucket.name").to_owned(),
        region: parsed.string("s3.region").to_owned(),
        endpoint,
        path_style,
        accelerate,
        credentials: credentials(parsed)?,
        proxy: proxy(parsed)?,
        attempts: parsed.int("s3.part.retries").unsigned_abs() + 1,
        first_backoff: Duration::from_millis(parsed.long("s3.retry.backoff.ms").unsigned_abs()),
        objects,
    })
}

fn credentials(parsed: &ParsedConfig) -> Result<CredentialKeys, Problem> {
    let optional = |key: &str| parsed.opt_string(key).filter(|text| !text.is_empty()).map(str::to_owned);
    let secret = parsed
        .password("aws.secret.access.key")
        .map(|secret| secret.expose().to_owned())
        .filter(|text| !text.is_empty());
    let fixed = match (optional("aws.access.key.id"), secret) {
        (Some(key), Some(secret)) => Some((key, secret)),
        (None, None) => None,
        (Some(_), None) => return Err(("aws.access.key.id", "`aws.secret.access.key` is missing".into())),
        (None, Some(_)) => return Err(("aws.access.key.id", "`aws.secret.access.key` is there without it".into())),
    };
    let prefix = "s3.credentials.provider.sts.";
    let class = parsed.string("s3.credentials.provider.class");
    let role = match class {
        DEFAULT_CREDENTIALS | "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider" => None,
        "io.confluent.connect.s3.auth.AwsAssumeRoleCredentialsProvider" => {
            let needed = |key: &'static str| optional(key).ok_or((key, "it is needed to assume a role".to_owned()));
            Some(AssumedRole {
                arn: needed("s3.credentials.provider.sts.role.arn")?,
                session: needed("s3.credentials.provider.sts.role.session.name")?,
                external_id: optional(&format!("{prefix}role.external.id")),
                region: optional(&format!("{prefix}region")),
                duration: None,
            })
        }
        _ => {
            let problem = format!(
                "this provider is not supported yet: use {DEFAULT_CREDENTIALS} or \
                 io.confluent.connect.s3.auth.AwsAssumeRoleCredentialsProvider"
            );
            return Err(("s3.credentials.provider.class", problem));
        }
    };
    Ok(CredentialKeys { fixed, role })
}

fn proxy(parsed: &ParsedConfig) -> Result<Option<Proxy>, Problem> {
    let Some(url) = parsed.opt_string("s3.proxy.url").filter(|url| !url.is_empty()) else { return Ok(None) };
    let url = Url::parse(url).map_err(|error| ("s3.proxy.url", error.to_string()))?;
    let host = url.host_str().filter(|_| url.scheme() == "http");
    let host = host.ok_or(("s3.proxy.url", "expected http://host:port".to_owned()))?;
    let user = parsed.opt_string("s3.proxy.user").filter(|user| !user.is_empty());
    let password = parsed.password("s3.proxy.password").map(|password| password.expose().to_owned());
    Ok(Some(Proxy {
        address: format!("{host}:{}", url.port().unwrap_or(80)),
        credentials: user.map(|user| (user.to_owned(), password.unwrap_or_default())),
    }))
}

/// A key of the customer's own and its MD5, both in base64.
///
/// # Errors
/// The key that is wrong.
pub(crate) fn customer_key(parsed: &ParsedConfig) -> Result<Option<(String, String)>, Problem> {
    match parsed.password("s3.sse.customer.key").map(|key| key.expose()).filter(|key| !key.is_empty()) {
        None => Ok(None),
        Some(key) => {
            let bytes = STANDARD.decode(key).ok().filter(|bytes| bytes.len() == 32);
            let bytes = bytes.ok_or(("s3.sse.customer.key", "expected 32 bytes in base64".to_owned()))?;
            if parsed.opt_string("s3.ssea.name") != Some("AES256") {
                return Err(("s3.ssea.name", "a customer's key needs AES256".into()));
            }
            let md5 = base64_md5(&bytes).map_err(|error| ("s3.sse.customer.key", error.to_string()))?;
            Ok(Some((key.to_owned(), md5)))
        }
    }
}

/// The MD5 of a customer's key, as S3 wants it beside the key.
fn base64_md5(bytes: &[u8]) -> Result<String> {
    let sum = hash(MessageDigest::md5(), bytes);
    let sum = sum.map_err(|error| ConnectError::connect("cannot compute an MD5 sum").with_source(error))?;
    Ok(STANDARD.encode(sum))
}
