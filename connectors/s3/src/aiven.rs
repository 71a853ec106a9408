//! The keys that Aiven's sink and source have in common: where the bucket is, and whose requests they are. Keys of old with
//! underscores still work.

use std::time::Duration;

use sluice_api::Properties;
use sluice_api::config::{ConfigType, Importance, ParsedConfig, Validator};
use url::Url;

use crate::client::{AssumedRole, CredentialKeys, ObjectOptions, StoreConfig};
use crate::connection::Problem;
use crate::keys::Row;

use ConfigType::{Class, Int, Long, Password, String as Text};
use Importance::{Low, Medium};

/// The version of Aiven's connectors whose behaviour these have.
pub(crate) const VERSION: &str = "3.4.2";

pub(crate) const ROWS: [Row; 17] = [
    ("aws.s3.bucket.name", Text, Medium, None, "The bucket"),
    ("aws.s3.region", Text, Medium, Some("us-east-1"), "The region of the bucket"),
    ("aws.s3.endpoint", Text, Low, Some(""), "Another address than that of AWS, with its scheme"),
    ("aws.s3.prefix", Text, Medium, Some(""), "What the names of all objects begin with"),
    ("aws.s3.sse.algorithm", Text, Medium, Some(""), "Encryption on the server: AES256 or aws:kms"),
    (
        "aws.access.key.id",
        Password,
        Medium,
        Some(""),
        "The access key; with the secret it wins over every other credential",
    ),
    ("aws.secret.access.key", Password, Medium, Some(""), "The secret of the access key"),
    ("aws.credentials.provider", Class, Medium, Some(""), "Only the SDK's own chain, which is the default"),
    ("aws.sts.role.arn", Text, Medium, Some(""), "The role to assume"),
    ("aws.sts.role.session.name", Text, Medium, Some(""), "The name of the session of the role"),
    ("aws.sts.role.session.duration", Int, Medium, Some("3600"), "Seconds that a session of the role lasts"),
    ("aws.sts.role.external.id", Text, Medium, Some(""), "The external id of the role"),
    (
        "aws.sts.config.endpoint",
        Text,
        Medium,
        Some("https://sts.amazonaws.com"),
        "Accepted; the token service is that of the region",
    ),
    ("aws.s3.backoff.delay.ms", Long, Medium, Some("100"), "The pause before the first repetition of a request"),
    ("aws.s3.backoff.max.delay.ms", Long, Medium, Some("20000"), "Accepted; pauses grow to 20 s at most"),
    (
        "aws.s3.backoff.max.retries",
        Int,
        Medium,
        Some("3"),
        "How often a request is repeated at once. Trouble that lasts is waited for, without limit",
    ),
    ("kafka.retry.backoff.ms", Long, Medium, Some(""), "Accepted; requests are repeated without the worker"),
];

/// Names of old and what they are called now.
const OLD: [(&str, &str); 9] = [
    ("aws_access_key_id", "aws.access.key.id"),
    ("aws_secret_access_key", "aws.secret.access.key"),
    ("aws_s3_bucket", "aws.s3.bucket.name"),
    ("aws_s3_bucket_name", "aws.s3.bucket.name"),
    ("aws_s3_endpoint", "aws.s3.endpoint"),
    ("aws_s3_region", "aws.s3.region"),
    ("aws_s3_prefix", "aws.s3.prefix"),
    ("output_compression", "file.compression.type"),
    ("output_fields", "format.output.fields"),
];

/// The properties under the names of today; a name of today wins.
pub(crate) fn renamed(properties: &Properties) -> Properties {
    let mut renamed = properties.clone();
    for (old, new) in OLD {
        if let Some(value) = properties.get(old)
            && !properties.contains_key(new)
        {
            renamed.insert(new.to_owned(), value.clone());
        }
    }
    renamed
}

pub(crate) fn validator(name: &str) -> Option<Validator> {
    Some(match name {
        "aws.s3.bucket.name" => Validator::non_empty_string(),
        "aws.sts.role.session.duration" => Validator::between(900, 43_200),
        "aws.s3.backoff.delay.ms" | "aws.s3.backoff.max.delay.ms" => Validator::at_least(1),
        "aws.s3.backoff.max.retries" => Validator::between(1, 30),
        _ => return None,
    })
}

/// Where the bucket is and whose requests they are.
///
/// # Errors
/// The key that is wrong.
pub(crate) fn store(parsed: &ParsedConfig) -> Result<StoreConfig, Problem> {
    let optional = |key: &str| parsed.opt_string(key).filter(|text| !text.is_empty()).map(str::to_owned);
    let endpoint = optional("aws.s3.endpoint");
    if let Some(url) = &endpoint {
        Url::parse(url).map_err(|error| ("aws.s3.endpoint", error.to_string()))?;
    }
    if optional("aws.credentials.provider").is_some_and(|class| !class.ends_with("CredentialsProviderChain")) {
        let problem = "this provider is not supported yet: leave it out for the SDK's own chain, or set a role";
        return Err(("aws.credentials.provider", problem.into()));
    }
    Ok(StoreConfig {
        bucket: parsed.string("aws.s3.bucket.name").to_owned(),
        region: parsed.string("aws.s3.region").to_owned(),
        // As Aiven's client: buckets of other stores stand in the path.
        path_style: endpoint.is_some(),
        endpoint,
        accelerate: false,
        credentials: credentials(parsed)?,
        proxy: None,
        attempts: parsed.int("aws.s3.backoff.max.retries").unsigned_abs() + 1,
        first_backoff: Duration::from_millis(parsed.long("aws.s3.backoff.delay.ms").unsigned_abs()),
        objects: ObjectOptions {
            encryption: optional("aws.s3.sse.algorithm").map(|name| name.as_str().into()),
            ..ObjectOptions::default()
        },
    })
}

fn credentials(parsed: &ParsedConfig) -> Result<CredentialKeys, Problem> {
    let secret = |key: &str| {
        let secret = parsed.password(key).map(|secret| secret.expose().to_owned());
        secret.filter(|text| !text.is_empty())
    };
    let fixed = match (secret("aws.access.key.id"), secret("aws.secret.access.key")) {
        (Some(key), Some(secret)) => Some((key, secret)),
        (None, None) => None,
        (Some(_), None) => return Err(("aws.access.key.id", "`aws.secret.access.key` is missing".into())),
        (None, Some(_)) => return Err(("aws.secret.access.key", "`aws.access.key.id` is missing".into())),
    };
    let optional = |key: &str| parsed.opt_string(key).filter(|text| !text.is_empty()).map(str::to_owned);
    let role = match (optional("aws.sts.role.arn"), optional("aws.sts.role.session.name")) {
        (None, _) => None,
        (Some(_), None) => return Err(("aws.sts.role.arn", "`aws.sts.role.session.name` is missing".into())),
        (Some(arn), Some(session)) => Some(AssumedRole {
            arn,
            session,
            external_id: optional("aws.sts.role.external.id"),
            region: None,
            duration: Some(Duration::from_secs(parsed.int("aws.sts.role.session.duration").unsigned_abs().into())),
        }),
    };
    Ok(CredentialKeys { fixed, role })
}
