//! `sasl.mechanism` and the login module of `sasl.jaas.config`.

use super::scram::ScramHash;
use crate::security::jaas::LoginModule;
use crate::security::lookup::Lookup;
use crate::security::secret::Secret;
use crate::security::token::TokenSource;

const MECHANISM: &str = "sasl.mechanism";
const JAAS: &str = "sasl.jaas.config";

/// A mechanism with what it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sasl {
    /// RFC 4616.
    Plain(Login),
    /// RFC 5802.
    Scram(ScramHash, Login),
    /// RFC 7628. Also what AWS_MSK_IAM becomes: Amazon's brokers take the same signature as a bearer token, and librdkafka knows
    /// no other way to present it.
    Bearer(Box<TokenSource>),
    /// RFC 4752, for librdkafka alone.
    #[cfg(feature = "gssapi")]
    Kerberos(Kerberos),
}

/// A user's name and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: Secret,
}

/// What librdkafka needs to get a ticket.
#[cfg(feature = "gssapi")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kerberos {
    pub(crate) service: String,
    pub(crate) principal: Option<String>,
    pub(crate) key_tab: Option<String>,
}

impl Sasl {
    /// Reads `sasl.*`; what cannot be used is noted in `keys`.
    pub(crate) fn parse(keys: &mut Lookup<'_>) -> Option<Self> {
        refuse_foreign_handlers(keys);
        // Java's default.
        let mechanism = keys.text(MECHANISM).unwrap_or("GSSAPI");
        match mechanism {
            "PLAIN" => login(keys, "PlainLoginModule").map(Self::Plain),
            "SCRAM-SHA-256" => login(keys, "ScramLoginModule").map(|login| Self::Scram(ScramHash::Sha256, login)),
            "SCRAM-SHA-512" => login(keys, "ScramLoginModule").map(|login| Self::Scram(ScramHash::Sha512, login)),
            "OAUTHBEARER" => {
                let module = module(keys, &["OAuthBearerLoginModule"])?;
                TokenSource::parse_bearer(keys, &module).map(|source| Self::Bearer(Box::new(source)))
            }
            "AWS_MSK_IAM" => {
                let module = module(keys, &["IAMLoginModule"])?;
                TokenSource::parse_msk_iam(keys, &module).map(|source| Self::Bearer(Box::new(source)))
            }
            "GSSAPI" => kerberos(keys),
            _ => {
                let known = "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or AWS_MSK_IAM";
                keys.wrong(MECHANISM, mechanism, known);
                None
            }
        }
    }

    /// The name that goes over the wire.
    pub(crate) fn mechanism(&self) -> &'static str {
        match self {
            Self::Plain(_) => "PLAIN",
            Self::Scram(ScramHash::Sha256, _) => "SCRAM-SHA-256",
            Self::Scram(ScramHash::Sha512, _) => "SCRAM-SHA-512",
            Self::Bearer(_) => "OAUTHBEARER",
            #[cfg(feature = "gssapi")]
            Self::Kerberos(_) => "GSSAPI",
        }
    }

    /// Where tokens come from, when this mechanism needs some.
    pub(crate) fn tokens(&self) -> Option<&TokenSource> {
        match self {
            Self::Bearer(source) => Some(source.as_ref()),
            _ => None,
        }
    }
}

/// The login module, which has to be one of these classes.
fn module(keys: &mut Lookup<'_>, classes: &[&str]) -> Option<LoginModule> {
    let Some(text) = keys.text(JAAS) else {
        keys.wrong_secret(JAAS, format!("{} required …;", classes.join(" or ")));
        return None;
    };
    match LoginModule::parse(text) {
        Ok(module) if classes.contains(&module.simple_class()) => Some(module),
        Ok(module) => {
            let class = module.class;
            let mechanism = keys.text(MECHANISM).unwrap_or_default();
            keys.wrong(JAAS, &class, format!("{}, because `{MECHANISM}` is {mechanism}", classes.join(" or ")));
            None
        }
        Err(expected) => {
            keys.wrong_secret(JAAS, expected);
            None
        }
    }
}

fn login(keys: &mut Lookup<'_>, class: &str) -> Option<Login> {
    let module = module(keys, &[class])?;
    if module.text("tokenauth").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        keys.wrong_secret(JAAS, "no tokenauth: delegation tokens are not supported");
    }
    match (module.text("username"), module.secret("password")) {
        (Some(user), Some(password)) => Some(Login { user: user.to_owned(), password: password.clone() }),
        _ => {
            keys.wrong_secret(JAAS, "the options username and password");
            None
        }
    }
}

/// A class of Java's that would be called in between cannot be; leaving it out silently would change who logs in.
fn refuse_foreign_handlers(keys: &mut Lookup<'_>) {
    const KEY: &str = "sasl.client.callback.handler.class";
    const KNOWN: [&str; 3] =
        ["IAMClientCallbackHandler", "OAuthBearerSaslClientCallbackHandler", "SaslClientCallbackHandler"];
    if let Some(class) = keys.text(KEY)
        && !class.rsplit('.').next().is_some_and(|name| KNOWN.contains(&name))
    {
        keys.wrong(KEY, class, "no class: a callback handler of Java cannot run here");
    }
    const LOGIN: &str = "sasl.login.class";
    if let Some(class) = keys.text(LOGIN) {
        keys.wrong(LOGIN, class, "no class: a login of Java cannot run here");
    }
}

#[cfg(not(feature = "gssapi"))]
fn kerberos(keys: &mut Lookup<'_>) -> Option<Sasl> {
    let given = keys.text(MECHANISM).unwrap_or_default();
    keys.wrong(
        MECHANISM,
        given,
        "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or AWS_MSK_IAM: Kerberos (GSSAPI, also when nothing is set) needs a \
         build with the cargo feature gssapi",
    );
    None
}

#[cfg(feature = "gssapi")]
fn kerberos(keys: &mut Lookup<'_>) -> Option<Sasl> {
    let module = module(keys, &["Krb5LoginModule"])?;
    let option = |name: &str| module.text(name).map(str::to_owned);
    let service = keys.text("sasl.kerberos.service.name").map(str::to_owned).or_else(|| option("serviceName"));
    let Some(service) = service else {
        keys.wrong("sasl.kerberos.service.name", "", "the name that the brokers run as");
        return None;
    };
    Some(Sasl::Kerberos(Kerberos { service, principal: option("principal"), key_tab: option("keyTab") }))
}
