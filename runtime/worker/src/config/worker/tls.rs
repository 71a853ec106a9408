//! TLS and SASL keys of clients, which a worker takes without prefix.

use sluice_api::config::{ConfigDef, ConfigType, Importance, Validator};

use crate::config::key::{boolean, choice, class, double, int, list, long, optional, short, string};

/// `ssl.*` of clients; REST uses the same where there is no `listeners.https.*`.
pub(super) fn client_config_def() -> ConfigDef {
    use ConfigType::{Class, Password, String};
    use Importance::{High, Low, Medium};
    let unique = |empty| Validator::list_without_duplicates(empty, false);
    ConfigDef::new()
        .define(string("ssl.protocol", "TLSv1.3", Medium, "Preferred TLS version."))
        .define(optional("ssl.provider", String, Medium, "Security provider of a JVM; ignored."))
        .define(
            list("ssl.cipher.suites", &[], Low, "Cipher suites; empty allows all that are secure.")
                .validator(unique(true)),
        )
        .define(
            list("ssl.enabled.protocols", &["TLSv1.2", "TLSv1.3"], Medium, "TLS versions that are allowed.")
                .validator(unique(true)),
        )
        .define(string("ssl.keystore.type", "JKS", Medium, "Format of the key store: JKS, PKCS12 or PEM."))
        .define(optional("ssl.keystore.location", String, High, "File of the key store."))
        .define(optional("ssl.keystore.password", Password, High, "Password of the key store."))
        .define(optional("ssl.key.password", Password, High, "Password of the private key."))
        .define(optional("ssl.keystore.key", Password, High, "Private key as PEM text."))
        .define(optional("ssl.keystore.certificate.chain", Password, High, "Certificate chain as PEM text."))
        .define(optional("ssl.truststore.certificates", Password, High, "Trusted certificates as PEM text."))
        .define(string("ssl.truststore.type", "JKS", Medium, "Format of the trust store: JKS, PKCS12 or PEM."))
        .define(optional("ssl.truststore.location", String, High, "File of the trust store."))
        .define(optional("ssl.truststore.password", Password, High, "Password of the trust store."))
        .define(string("ssl.keymanager.algorithm", "SunX509", Low, "Key manager of a JVM; ignored."))
        .define(string("ssl.trustmanager.algorithm", "PKIX", Low, "Trust manager of a JVM; ignored."))
        .define(string(
            "ssl.endpoint.identification.algorithm",
            "https",
            Low,
            "https checks the server's name, empty does not.",
        ))
        .define(optional("ssl.secure.random.implementation", String, Low, "Random source of a JVM; ignored."))
        .define(optional("ssl.engine.factory.class", Class, Low, "TLS engine of a JVM; ignored."))
}

/// `security.protocol` and `sasl.*` of a distributed worker's own clients.
pub(super) fn security_config_def() -> ConfigDef {
    let protocols = Validator::one_of_ignoring_case(&["SASL_SSL", "PLAINTEXT", "SSL", "SASL_PLAINTEXT"]);
    ConfigDef::new()
        .define(
            string("security.protocol", "PLAINTEXT", Importance::Medium, "How to talk to brokers.")
                .validator(protocols),
        )
        .extend(&sasl())
        .extend(&sasl_oauthbearer())
}

fn sasl() -> ConfigDef {
    use ConfigType::{Class, Int, Password, String};
    use Importance::{Low, Medium};
    ConfigDef::new()
        .define(optional("sasl.kerberos.service.name", String, Medium, "Kerberos principal name that brokers run as."))
        .define(string("sasl.kerberos.kinit.cmd", "/usr/bin/kinit", Low, "Path of kinit."))
        .define(double(
            "sasl.kerberos.ticket.renew.window.factor",
            0.8,
            Low,
            "Part of a ticket's life after which it is renewed.",
        ))
        .define(double("sasl.kerberos.ticket.renew.jitter", 0.05, Low, "Random part added to the renewal time."))
        .define(long("sasl.kerberos.min.time.before.relogin", 60_000, Low, "Pause between renewals, in ms."))
        .define(double(
            "sasl.login.refresh.window.factor",
            0.8,
            Low,
            "Part of a credential's life after which it is refreshed.",
        ))
        .define(double("sasl.login.refresh.window.jitter", 0.05, Low, "Random part added to the refresh time."))
        .define(
            short("sasl.login.refresh.min.period.seconds", 60, Low, "Shortest time between refreshes.")
                .validator(Validator::between(0, 900)),
        )
        .define(
            short("sasl.login.refresh.buffer.seconds", 300, Low, "Time before expiry that a refresh keeps to.")
                .validator(Validator::between(0, 3600)),
        )
        .define(string("sasl.mechanism", "GSSAPI", Medium, "SASL mechanism."))
        .define(optional("sasl.jaas.config", Password, Medium, "Login module with its options, in JAAS syntax."))
        .define(optional("sasl.client.callback.handler.class", Class, Medium, "Callback handler of a JVM; ignored."))
        .define(optional(
            "sasl.login.callback.handler.class",
            Class,
            Medium,
            "Login callback handler of a JVM; ignored.",
        ))
        .define(optional("sasl.login.class", Class, Medium, "Login class of a JVM; ignored."))
        .define(optional("sasl.login.connect.timeout.ms", Int, Low, "Connection time-out of the identity provider."))
        .define(optional("sasl.login.read.timeout.ms", Int, Low, "Read time-out of the identity provider."))
        .define(long("sasl.login.retry.backoff.max.ms", 10_000, Low, "Longest pause between login attempts."))
        .define(long("sasl.login.retry.backoff.ms", 100, Low, "First pause between login attempts."))
}

fn sasl_oauthbearer() -> ConfigDef {
    use ConfigType::{Password, String};
    use Importance::{Low, Medium};
    let text = |name: &str, doc: &str| optional(&format!("sasl.oauthbearer.{name}"), String, Medium, doc);
    ConfigDef::new()
        .define(class(
            "sasl.oauthbearer.jwt.retriever.class",
            "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever",
            Medium,
            "Where tokens come from.",
        ))
        .define(class(
            "sasl.oauthbearer.jwt.validator.class",
            "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator",
            Medium,
            "How tokens are checked.",
        ))
        .define(text("scope", "Scope to ask for."))
        .define(text("client.credentials.client.id", "Client id."))
        .define(optional("sasl.oauthbearer.client.credentials.client.secret", Password, Medium, "Client secret."))
        .define(
            choice(
                "sasl.oauthbearer.assertion.algorithm",
                &["RS256", "ES256"],
                "RS256",
                Medium,
                "Signature of assertions.",
            )
            .validator(Validator::one_of_ignoring_case(&["ES256", "RS256"])),
        )
        .define(text("assertion.claim.aud", "Audience of assertions."))
        .define(
            int("sasl.oauthbearer.assertion.claim.exp.seconds", 300, Low, "Life of assertions.")
                .validator(Validator::between(0, 86_400)),
        )
        .define(text("assertion.claim.iss", "Issuer of assertions."))
        .define(boolean(
            "sasl.oauthbearer.assertion.claim.jti.include",
            false,
            Medium,
            "Whether assertions have an id.",
        ))
        .define(
            int("sasl.oauthbearer.assertion.claim.nbf.seconds", 60, Low, "How far back assertions begin to be valid.")
                .validator(Validator::between(0, 3_600)),
        )
        .define(text("assertion.claim.sub", "Subject of assertions."))
        .define(text("assertion.file", "File with a ready assertion."))
        .define(text("assertion.private.key.file", "File with the key that signs assertions."))
        .define(optional(
            "sasl.oauthbearer.assertion.private.key.passphrase",
            Password,
            Medium,
            "Password of that key.",
        ))
        .define(text("assertion.template.file", "File with further claims."))
        .define(string("sasl.oauthbearer.scope.claim.name", "scope", Low, "Claim that holds the scope."))
        .define(string("sasl.oauthbearer.sub.claim.name", "sub", Low, "Claim that holds the subject."))
        .define(text("token.endpoint.url", "Where to ask for tokens."))
        .define(text("jwks.endpoint.url", "Where the provider's keys are."))
        .define(long("sasl.oauthbearer.jwks.endpoint.refresh.ms", 3_600_000, Low, "How often keys are read again."))
        .define(long(
            "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms",
            10_000,
            Low,
            "Longest pause between attempts.",
        ))
        .define(long("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", 100, Low, "First pause between attempts."))
        .define(int("sasl.oauthbearer.clock.skew.seconds", 30, Low, "Difference of clocks to allow."))
        .define(
            list("sasl.oauthbearer.expected.audience", &[], Low, "Audiences to accept.")
                .validator(Validator::list_without_duplicates(true, false)),
        )
        .define(optional("sasl.oauthbearer.expected.issuer", String, Low, "Issuer to accept."))
        .define(boolean("sasl.oauthbearer.header.urlencode", false, Low, "Whether to URL-encode id and secret."))
}
