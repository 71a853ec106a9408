//! AWS MSK IAM: a bearer token that is a presigned request for `kafka-cluster:Connect`.
//!
//! The crates `aws-sigv4` and `aws-config` would do this with Smithy's runtime and a TLS library of their own; a presigned URL with
//! no body is 60 lines over the OpenSSL that is linked anyway.

mod credentials;
mod presign;

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

#[cfg(any(test, feature = "fuzzing"))]
pub(super) use self::credentials::read_any;
use self::credentials::{Chain, Credentials};
use super::source::Token;
use crate::security::jaas::LoginModule;
use crate::security::lookup::Lookup;
use crate::security::secret::Secret;

/// Brokers take signatures for 15 minutes.
const LIFETIME: Duration = Duration::from_secs(900);

/// Where and as whom to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MskIam {
    region: String,
    chain: Chain,
}

impl MskIam {
    pub(super) fn parse(keys: &mut Lookup<'_>, module: &LoginModule) -> Option<Self> {
        const JAAS: &str = "sasl.jaas.config";
        let unsupported =
            module.options.keys().find(|option| option.starts_with("awsRole") || *option == "awsStsRegion");
        if let Some(option) = unsupported {
            let expected = format!("no option {option}: assume the role outside, or with a web identity token");
            keys.wrong_secret(JAAS, expected);
            return None;
        }
        let servers = keys.text("bootstrap.servers").unwrap_or_default();
        let environment = || std::env::var("AWS_REGION").or_else(|_| std::env::var("AWS_DEFAULT_REGION")).ok();
        let Some(region) = region_of(servers).map(str::to_owned).or_else(environment) else {
            keys.wrong("bootstrap.servers", servers, "hosts of Amazon MSK, or AWS_REGION in the environment");
            return None;
        };
        Some(Self { region, chain: Chain { profile: module.text("awsProfileName").map(str::to_owned) } })
    }

    pub(super) fn token(&self, now: SystemTime) -> Result<Token, String> {
        let credentials: Credentials = self.chain.find()?;
        let url = presign::connect_url(&self.region, &credentials, LIFETIME, now)?;
        let value = Secret::new(URL_SAFE_NO_PAD.encode(url));
        Ok(Token { value, principal: credentials.access_key, issued: now, expires: now + LIFETIME })
    }
}

/// The region in a host of Amazon MSK: `b-1.name.id.c2.kafka.REGION.amazonaws.com:9098`.
fn region_of(servers: &str) -> Option<&str> {
    let host = servers.split(',').next()?.trim().rsplit_once(':')?.0;
    let host = host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
    let mut parts = host.rsplit('.');
    let (region, service) = (parts.next()?, parts.next()?);
    (service == "kafka" || service == "kafka-serverless").then_some(region)
}

#[cfg(test)]
mod tests {
    use super::region_of;

    #[test]
    fn the_region_is_in_the_host() {
        for (servers, region) in [
            ("b-1.demo.abc123.c2.kafka.eu-central-1.amazonaws.com:9098,b-2", Some("eu-central-1")),
            ("boot-xyz.c1.kafka-serverless.us-east-1.amazonaws.com:9098", Some("us-east-1")),
            ("b-1.demo.abc.c2.kafka.cn-north-1.amazonaws.com.cn:9098", Some("cn-north-1")),
            ("localhost:9092", None),
            ("", None),
        ] {
            assert_eq!(region_of(servers), region, "{servers}");
        }
    }
}
