//! What the REST server is configured with, and where a worker says it is (connect-worker.md 1.1).

mod headers;
mod listener;
mod tls;

use sluice_api::Properties;
use sluice_api::config::{ConfigDef, ConfigType, Importance, ParsedConfig, ParsedValue, Validator, parse_value};

pub use headers::ResponseHeaderRule;
pub use listener::{Listener, Scheme};
pub use tls::RestTls;

use crate::config::Problem;
use crate::config::key::{choice, list, optional, string};

/// REST configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestConfig {
    /// `listeners`.
    pub listeners: Vec<Listener>,
    /// `admin.listeners`: `None` serves admin resources on the main listeners, an empty list nowhere.
    pub admin_listeners: Option<Vec<Listener>>,
    /// `rest.advertised.host.name`.
    pub advertised_host_name: Option<String>,
    /// `rest.advertised.port`.
    pub advertised_port: Option<u16>,
    /// Which listener's scheme is advertised.
    pub advertised_scheme: Scheme,
    /// `access.control.allow.origin`, `None` when blank.
    pub allow_origin: Option<String>,
    /// `access.control.allow.methods`, `None` when blank.
    pub allow_methods: Option<String>,
    /// `response.http.headers.config`.
    pub response_headers: Vec<ResponseHeaderRule>,
    /// TLS of `listeners` and of requests to other workers; `None` when no listener needs it and the keys of clients do not do.
    pub tls: Option<RestTls>,
    /// TLS of `admin.listeners`, as above.
    pub admin_tls: Option<RestTls>,
}

pub(super) fn config_def() -> ConfigDef {
    use ConfigType::{Int, List, String};
    let low = Importance::Low;
    let unique = |null| Validator::list_without_duplicates(true, null);
    ConfigDef::new()
        .define(
            list(
                "listeners",
                &["http://:8083"],
                low,
                "Where REST listens, as protocol://host:port separated by commas.",
            )
            .validator(listeners_validator()),
        )
        .define(optional("rest.advertised.host.name", String, low, "Host that other workers reach this one at."))
        .define(optional("rest.advertised.port", Int, low, "Port that other workers reach this one at."))
        .define(optional("rest.advertised.listener", String, low, "http or https: which listener other workers use."))
        .define(string("access.control.allow.origin", "", low, "Origin that browsers may call from, or *."))
        .define(string("access.control.allow.methods", "", low, "Methods that browsers may use from that origin."))
        .define(
            string(
                "response.http.headers.config",
                "",
                low,
                "Headers to add to every answer: [action] [name]:[value], ...",
            )
            .validator(headers::validator()),
        )
        .define(choice(
            "ssl.client.auth",
            &["required", "requested", "none"],
            "none",
            low,
            "Whether REST clients must show a certificate.",
        ))
        .define(list("rest.extension.classes", &[], low, "REST extensions of a JVM worker.").validator(unique(false)))
        .define(
            optional("admin.listeners", List, low, "Where admin resources are served; empty is nowhere.")
                .validator(unique(true)),
        )
}

/// To start without an extension would open a REST interface that its owner believes to be protected.
const EXTENSIONS: &str = "REST extensions are Java classes, which this worker cannot run. Without them (authentication, for example) \
                          REST is open to everyone who reaches it; remove the key to start all the same.";

fn listeners_validator() -> Validator {
    let example = "ex: http://localhost:8080,https://localhost:8443.";
    Validator::new(format!("List of comma-separated URLs, {example}"), move |_, value| match value {
        ParsedValue::List(items) if items.is_empty() => {
            Err(format!("Invalid value for listeners, at least one URL is expected, {example}"))
        }
        ParsedValue::List(items) if items.iter().any(|item| item.trim().is_empty()) => {
            Err("Empty URL found when parsing listeners list.".to_owned())
        }
        ParsedValue::List(_) => Ok(()),
        _ => Err(format!("Invalid value type for listeners (expected list of URLs , {example})")),
    })
}

/// What is wrong with single listeners, also where other keys are wrong.
pub(super) fn listener_problems(def: &ConfigDef, properties: &Properties) -> Vec<Problem> {
    let mut problems = Vec::new();
    for key in ["listeners", "admin.listeners"] {
        let text = properties.get(key).map_or("", String::as_str);
        let Ok(ParsedValue::List(items)) = parse_value(key, text, ConfigType::List) else { continue };
        let messages = items.iter().filter_map(|item| Listener::parse(item).err());
        problems.extend(messages.map(|message| Problem::new(def, properties, key, message)));
    }
    problems
}

impl RestConfig {
    pub(super) fn from_parsed(
        config: &ParsedConfig,
        originals: &Properties,
        def: &ConfigDef,
        problems: &mut Vec<Problem>,
    ) -> Self {
        problems.append(&mut listener_problems(def, originals));
        let mut report = |key: &str, message: String| problems.push(Problem::new(def, originals, key, message));
        let parse =
            |key: &str| config.list(key).iter().filter_map(|item| Listener::parse(item).ok()).collect::<Vec<_>>();
        let listeners = parse("listeners");
        let admin_listeners = (*config.get("admin.listeners") != ParsedValue::Null).then(|| parse("admin.listeners"));
        let advertised_port = config.opt_int("rest.advertised.port").and_then(|port| {
            u16::try_from(port)
                .map_err(|_| report("rest.advertised.port", format!("port out of range: {port}, expected 0 to 65535")))
                .ok()
        });
        if !config.list("rest.extension.classes").is_empty() {
            report("rest.extension.classes", EXTENSIONS.to_owned());
        }
        let raw = originals.get("listeners").map(String::as_str);
        let advertised_scheme =
            Scheme::advertised(config.opt_string("rest.advertised.listener"), raw).unwrap_or_else(|message| {
                report("rest.advertised.listener", message);
                Scheme::Http
            });
        let mut tls = |prefix, listeners: &[Listener]| {
            let wrong = match RestTls::parse(originals, prefix) {
                Ok(tls) => return Some(tls),
                Err(wrong) => wrong,
            };
            let needed = listeners.iter().any(|listener| listener.scheme == Scheme::Https);
            let wrong = wrong.into_iter().filter(|(key, _)| needed || key.starts_with(prefix));
            wrong.for_each(|(key, message)| report(&key, message));
            None
        };
        let admin_tls = tls("admin.listeners.https.", admin_listeners.as_deref().unwrap_or_default());
        let tls = tls("listeners.https.", &listeners);
        Self {
            listeners,
            tls,
            admin_tls,
            admin_listeners,
            advertised_host_name: non_blank(config.opt_string("rest.advertised.host.name")),
            advertised_port,
            advertised_scheme,
            allow_origin: non_blank(config.opt_string("access.control.allow.origin")),
            allow_methods: non_blank(config.opt_string("access.control.allow.methods")),
            response_headers: headers::parse(config.string("response.http.headers.config")).unwrap_or_default(),
        }
    }

    /// The URL that other workers and the group see, ending in `/`. `bound_port` gives the port that a listener was bound to;
    /// `local_address` is this machine's address for listeners on all interfaces.
    pub fn advertised_url(&self, bound_port: impl Fn(&Listener) -> Option<u16>, local_address: &str) -> String {
        let (host, port) = self.advertised_host_and_port(bound_port, local_address);
        format!("{}://{host}:{port}/", self.advertised_scheme.name())
    }

    /// `host:port` of the advertised URL: the worker's id everywhere.
    pub fn worker_id(&self, bound_port: impl Fn(&Listener) -> Option<u16>, local_address: &str) -> String {
        let (host, port) = self.advertised_host_and_port(bound_port, local_address);
        format!("{host}:{port}")
    }

    fn advertised_host_and_port(&self, bound_port: impl Fn(&Listener) -> Option<u16>, local: &str) -> (String, u16) {
        let listener = self.listeners.iter().find(|listener| listener.scheme == self.advertised_scheme);
        let configured = listener.map(|listener| listener.host.as_str()).filter(|host| !host.is_empty());
        let host = self.advertised_host_name.as_deref().or(configured).unwrap_or(local);
        let port = self.advertised_port.or_else(|| {
            let listener = listener.or_else(|| self.listeners.first())?;
            if listener.port > 0 { Some(listener.port) } else { bound_port(listener) }
        });
        let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
        (host, port.unwrap_or(0))
    }
}

fn non_blank(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty()).map(str::to_owned)
}
