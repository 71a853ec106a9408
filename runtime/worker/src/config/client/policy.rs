//! `connector.client.config.override.policy`: which client settings connectors may override (KIP-458).

use sluice_api::{ConnectError, Properties};

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OverridePolicy {
    /// Every setting.
    All,
    /// No setting.
    None,
    /// The SASL identity and the security protocol only.
    Principal,
    /// What `connector.client.config.override.allowlist` names.
    Allowlist(Vec<String>),
}

const PRINCIPAL: [&str; 3] = ["sasl.jaas.config", "sasl.mechanism", "security.protocol"];

impl OverridePolicy {
    /// The policy of that alias or Java class name, in the case given.
    ///
    /// # Errors
    /// The message.
    pub fn parse(name: &str, allowlist: &[String]) -> Result<Self, String> {
        let simple = name.strip_prefix("org.apache.kafka.connect.connector.policy.").unwrap_or(name);
        match simple.strip_suffix("ConnectorClientConfigOverridePolicy").unwrap_or(simple) {
            "All" => Ok(Self::All),
            "None" => Ok(Self::None),
            "Principal" => Ok(Self::Principal),
            "Allowlist" => Ok(Self::Allowlist(allowlist.to_vec())),
            _ => Err(format!(
                "Failed to find any class that implements interface \
                 org.apache.kafka.connect.connector.policy.ConnectorClientConfigOverridePolicy and which name matches {name}"
            )),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::All => "All",
            Self::None => "None",
            Self::Principal => "Principal",
            Self::Allowlist(_) => "Allowlist",
        }
    }

    /// Checks one setting, named without prefix.
    ///
    /// # Errors
    /// Kafka's message.
    pub fn check(&self, setting: &str) -> Result<(), String> {
        let allowed = match self {
            Self::All => true,
            Self::None => false,
            Self::Principal => PRINCIPAL.contains(&setting),
            Self::Allowlist(settings) => settings.iter().any(|allowed| allowed == setting),
        };
        let name = self.name();
        let message = || {
            format!("The '{name}' policy does not allow '{setting}' to be overridden in the connector configuration.")
        };
        if allowed { Ok(()) } else { Err(message()) }
    }

    /// Checks every setting of `overrides`, named without prefix. The error names them, never their values.
    ///
    /// # Errors
    /// `Connect` with the message of each setting that is refused.
    pub fn check_all(&self, overrides: &Properties) -> Result<(), ConnectError> {
        let refused: Vec<String> = overrides.keys().filter_map(|setting| self.check(setting).err()).collect();
        if refused.is_empty() {
            return Ok(());
        }
        Err(ConnectError::connect(format!("Client Config Overrides not allowed [{}]", refused.join(", "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_policy_allows_what_it_says() {
        let parse = |name| OverridePolicy::parse(name, &["acks".to_owned()]);
        let class = "org.apache.kafka.connect.connector.policy.NoneConnectorClientConfigOverridePolicy";
        assert_eq!(parse(class), Ok(OverridePolicy::None));
        assert!(parse("Some").is_err());
        let allows = |name, setting| parse(name).is_ok_and(|policy| policy.check(setting).is_ok());
        for (name, setting, expected) in [
            ("All", "acks", true),
            ("None", "acks", false),
            ("Principal", "acks", false),
            ("Principal", "sasl.jaas.config", true),
            ("Allowlist", "acks", true),
            ("Allowlist", "linger.ms", false),
        ] {
            assert_eq!(allows(name, setting), expected, "{name} {setting}");
        }
        assert_eq!(
            OverridePolicy::None.check("acks"),
            Err("The 'None' policy does not allow 'acks' to be overridden in the connector configuration.".to_owned())
        );
    }
}
