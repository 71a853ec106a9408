//! One entry of `listeners` or `admin.listeners`.

/// The protocol of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Plain text.
    Http,
    /// TLS.
    Https,
}

impl Scheme {
    /// The name in URLs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Http, Self::Https].into_iter().find(|scheme| scheme.name().eq_ignore_ascii_case(text))
    }

    /// Which scheme is advertised: the one that is asked for, else http where the raw `listeners` name it, else https where
    /// they name that, else http.
    pub(super) fn advertised(asked_for: Option<&str>, raw_listeners: Option<&str>) -> Result<Self, String> {
        if let Some(asked_for) = asked_for {
            let message = || {
                format!("Invalid value {asked_for} for configuration rest.advertised.listener: must be http or https")
            };
            return Self::parse(asked_for).ok_or_else(message);
        }
        let raw = raw_listeners.unwrap_or_default().to_ascii_lowercase();
        Ok(if !raw.contains("http://") && raw.contains("https://") { Self::Https } else { Self::Http })
    }
}

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The protocol.
    pub scheme: Scheme,
    /// The host, IPv6 without brackets; empty for all interfaces.
    pub host: String,
    /// The port; 0 for any free one.
    pub port: u16,
}

impl Listener {
    /// Parses `protocol://host:port`.
    ///
    /// # Errors
    /// The message, in Kafka's words where Kafka refuses the listener too.
    pub fn parse(text: &str) -> Result<Self, String> {
        let malformed = || "Listener doesn't have the right format (protocol://hostname:port).".to_owned();
        let (scheme, rest) = text.rsplit_once("://").ok_or_else(malformed)?;
        let (host, port) = rest.rsplit_once(':').ok_or_else(malformed)?;
        let host = host.strip_prefix('[').unwrap_or(host);
        let host = host.strip_suffix(']').unwrap_or(host);
        let is_host = host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-%._:".contains(&b));
        let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        if !is_host || !is_number(port.strip_prefix('-').unwrap_or(port)) {
            return Err(malformed());
        }
        let scheme = Scheme::parse(scheme)
            .ok_or_else(|| "Listener protocol must be either \"http\" or \"https\".".to_owned())?;
        let port = port.parse().map_err(|_| format!("port out of range: {port}, expected 0 to 65535"))?;
        Ok(Self { scheme, host: host.to_owned(), port })
    }
}
