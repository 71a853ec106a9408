//! Cross-origin requests, as Jetty's handler answers them for Kafka Connect (`access.control.*`).

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method};
use regex::{Regex, RegexBuilder};

/// What is allowed when `access.control.allow.methods` is blank.
const DEFAULT_METHODS: &str = "GET,POST,HEAD";
/// For how many seconds a browser keeps the answer to a preflight.
const MAX_AGE_S: &str = "60";

/// The origins and methods that are allowed.
pub(crate) struct Cors {
    origins: Vec<Origin>,
    methods: HeaderValue,
}

enum Origin {
    Any,
    /// The whole origin matches, in any case.
    Like(Regex),
    Exactly(String),
}

impl Cors {
    /// Of the two properties.
    pub(crate) fn new(origins: &str, methods: Option<&str>) -> Self {
        let names: Vec<&str> = methods.unwrap_or(DEFAULT_METHODS).split(',').map(str::trim).collect();
        Self {
            origins: origins.split(',').map(|origin| Origin::parse(origin.trim())).collect(),
            methods: HeaderValue::from_str(&names.join(","))
                .unwrap_or_else(|_| HeaderValue::from_static(DEFAULT_METHODS)),
        }
    }

    /// The headers that go on the answer to a request with these headers.
    pub(crate) fn headers(&self, method: &Method, request: &HeaderMap) -> HeaderMap {
        let mut answer = HeaderMap::new();
        // Caches must know that the answer depends on it, also when this one does not.
        answer.insert(VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = request.get(ORIGIN) else { return answer };
        let text = origin.to_str().unwrap_or_default();
        if !self.origins.iter().any(|allowed| allowed.covers(text)) {
            return answer;
        }
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        if *method == Method::OPTIONS && request.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
            answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE_S));
            answer.insert(ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
            answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Content-Type"));
        }
        answer
    }
}

impl Origin {
    fn parse(text: &str) -> Self {
        if text == "*" {
            return Self::Any;
        }
        let pattern = RegexBuilder::new(&format!("^(?:{text})$")).case_insensitive(true).build();
        pattern.map_or_else(|_| Self::Exactly(text.to_owned()), Self::Like)
    }

    fn covers(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Like(pattern) => pattern.is_match(origin),
            Self::Exactly(text) => text == origin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(cors: &Cors, method: &Method, headers: &[(&'static str, &'static str)]) -> Vec<String> {
        let request = headers.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        let answer = cors.headers(method, &request.collect());
        let mut lines: Vec<String> =
            answer.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        lines.sort();
        lines
    }

    #[test]
    fn an_allowed_origin_is_named_and_every_answer_varies() {
        let cors = Cors::new("http://one.test, https://.*\\.two\\.test", None);
        for (origin, allowed) in [
            ("http://one.test", true),
            ("HTTP://ONE.TEST", true),
            ("https://a.two.test", true),
            ("http://one.test.evil", false),
            ("null", false),
        ] {
            let lines = answered(&cors, &Method::GET, &[("origin", origin)]);
            assert_eq!(lines.len(), if allowed { 2 } else { 1 }, "{origin}");
            assert_eq!(lines.last().unwrap(), "vary: Origin");
        }
        assert_eq!(answered(&cors, &Method::GET, &[]), ["vary: Origin"]);
    }

    #[test]
    fn a_preflight_hears_what_is_allowed() {
        let cors = Cors::new("*", Some("GET, PUT"));
        let headers = [("origin", "http://x"), ("access-control-request-method", "PUT")];
        assert_eq!(
            answered(&cors, &Method::OPTIONS, &headers),
            [
                "access-control-allow-headers: Content-Type",
                "access-control-allow-methods: GET,PUT",
                "access-control-allow-origin: http://x",
                "access-control-max-age: 60",
                "vary: Origin",
            ]
        );
    }
}
