//! What Jersey does around a resource: paths, methods, content types (connect-worker.md 1.1 and chapter 0).

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Request};
use axum::http::header::{ACCEPT, ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};
use axum::middleware::Next;
use axum::routing::MethodRouter;
use sluice_api::Value;
use sluice_api::data::java_hash_order;
use sluice_worker::config::Scheme;

use crate::answer::{Answer, unmatched};

/// The largest request body; a connector config is a few kilobytes.
pub(crate) const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// Adds what every resource answers by itself: OPTIONS with its methods.
pub(crate) fn resource<S: Clone + Send + Sync + 'static>(router: MethodRouter<S>, methods: &[&str]) -> MethodRouter<S> {
    let allow = allowed(methods);
    router.options(move |headers: HeaderMap| {
        let allow = allow.clone();
        async move { options(&headers, &allow) }
    })
}

/// The methods in the order of the Java set that Jersey keeps them in.
fn allowed(methods: &[&str]) -> Vec<String> {
    let mut names: Vec<&str> = methods.to_vec();
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    let mut keyed: Vec<(Value, &str)> = names.iter().map(|name| (Value::from(*name), *name)).collect();
    java_hash_order(&mut keyed, |(key, _)| key);
    keyed.into_iter().map(|(_, name)| name.to_owned()).collect()
}

fn options(headers: &HeaderMap, methods: &[String]) -> Answer {
    let wants_text = headers.get(ACCEPT).is_some_and(|accept| accepts(accept, "text", "plain"));
    let (content_type, body) =
        if wants_text { ("text/plain", methods.join(", ")) } else { ("application/json", String::new()) };
    let mut answer = Response::new(Body::from(body));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(allow) = HeaderValue::from_str(&methods.join(",")) {
        answer.headers_mut().insert(ALLOW, allow);
    }
    answer
}

/// Refuses bodies that are not JSON and clients that do not take JSON; runs for matched resources alone.
pub(crate) async fn json_only(request: Request, next: Next) -> Answer {
    if *request.method() == Method::OPTIONS {
        return next.run(request).await;
    }
    let headers = request.headers();
    if headers.get(ACCEPT).is_some_and(|accept| !accepts(accept, "application", "json")) {
        return unmatched(StatusCode::NOT_ACCEPTABLE);
    }
    match headers.get(CONTENT_TYPE) {
        Some(given) if has_body(headers) && !is_json(given) => unmatched(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        None if has_body(headers) => {
            let mut answer = unmatched(StatusCode::UNSUPPORTED_MEDIA_TYPE);
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            answer
        }
        _ => next.run(request).await,
    }
}

fn has_body(headers: &HeaderMap) -> bool {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()).and_then(|text| text.parse().ok());
    length.is_some_and(|length: u64| length > 0) || headers.contains_key(TRANSFER_ENCODING)
}

fn is_json(given: &HeaderValue) -> bool {
    let essence = given.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn accepts(accept: &HeaderValue, kind: &str, subtype: &str) -> bool {
    accept.to_str().unwrap_or_default().split(',').any(|range| {
        let range = range.split(';').next().unwrap_or_default().trim();
        let Some((wanted_kind, wanted_subtype)) = range.split_once('/') else { return false };
        let matches = |wanted: &str, offered: &str| wanted == "*" || wanted.eq_ignore_ascii_case(offered);
        matches(wanted_kind, kind) && matches(wanted_subtype, subtype)
    })
}

/// The URI that the router sees: matrix parameters and a trailing slash are dropped.
pub(crate) fn normalized(uri: &Uri) -> Uri {
    let path = uri.path();
    let segments: Vec<&str> = path.split('/').map(|segment| segment.split(';').next().unwrap_or_default()).collect();
    let mut plain = segments.join("/");
    if plain.len() > 1 && plain.ends_with('/') {
        plain.pop();
    }
    if plain == path {
        return uri.clone();
    }
    let path_and_query = match uri.query() {
        Some(query) => format!("{plain}?{query}"),
        None => plain,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(path_and_query).ok();
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

/// The last touch: no `Allow` on 405, and the order of headers that clients see from Kafka Connect.
pub(crate) fn finished(mut answer: Answer, server: &HeaderValue, date: HeaderValue) -> Answer {
    if answer.status() == StatusCode::METHOD_NOT_ALLOWED {
        answer.headers_mut().remove(ALLOW);
    }
    let mut headers = HeaderMap::with_capacity(answer.headers().len() + 2);
    headers.insert("server", server.clone());
    headers.insert("date", date);
    headers.extend(std::mem::take(answer.headers_mut()));
    *answer.headers_mut() = headers;
    answer
}

/// Where this client reaches the worker: `http://host:port`, as the listener and the client's own header say.
pub(crate) struct Base(String);

impl Base {
    pub(crate) fn of(extensions: &Extensions, headers: &HeaderMap) -> Self {
        let scheme = extensions.get::<Scheme>().copied().unwrap_or(Scheme::Http);
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        Self(format!("{}://{host}", scheme.name()))
    }

    /// Where a connector is found.
    pub(crate) fn connector(&self, connector: &str) -> String {
        format!("{}/connectors/{}", self.0, path_segment(connector))
    }
}

impl<S: Sync> FromRequestParts<S> for Base {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions, &parts.headers))
    }
}

/// Percent-encodes what may not stand in a path; `/`, `;` and `+` stay, as in Kafka Connect.
fn path_segment(name: &str) -> String {
    encoded(name, b"-._~!$&'()*+,;=:@/")
}

/// Percent-encodes a name so that it is one segment of a path and nothing else.
pub(crate) fn encoded_segment(name: &str) -> String {
    encoded(name, b"-._~")
}

fn encoded(name: &str, plain: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || plain.contains(&byte);
    let encode = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    name.bytes().map(encode).collect()
}

/// Reads a body of bounded size.
pub(crate) async fn read(body: Body) -> Option<Bytes> {
    axum::body::to_bytes(body, MAX_BODY_BYTES).await.ok()
}

/// Every value of a query parameter, decoded.
pub(crate) fn query_values(uri: &Uri, name: &str) -> Vec<String> {
    let pairs = uri.query().unwrap_or_default().split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.filter(|(key, _)| decoded(key) == name).map(|(_, value)| decoded(value)).collect()
}

/// A Boolean query parameter: `true` in any case, everything else is false; `None` when it is absent or empty.
pub(crate) fn query_flag(uri: &Uri, name: &str) -> Option<bool> {
    let values = query_values(uri, name);
    values.first().filter(|value| !value.is_empty()).map(|value| value.eq_ignore_ascii_case("true"))
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let hex = |digit: u8| char::from(digit).to_digit(16);
        match (byte, tail) {
            (b'%', [high, low, after @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                let value = hex(*high).unwrap_or_default() * 16 + hex(*low).unwrap_or_default();
                bytes.push(u8::try_from(value).unwrap_or_default());
                rest = after;
                continue;
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(byte),
        }
        rest = tail;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_come_in_java_set_order() {
        assert_eq!(allowed(&["GET", "POST"]), ["HEAD", "POST", "GET", "OPTIONS"]);
        assert_eq!(allowed(&["GET", "PUT", "PATCH"]), ["HEAD", "GET", "OPTIONS", "PUT", "PATCH"]);
        assert_eq!(allowed(&["GET", "DELETE"]), ["HEAD", "DELETE", "GET", "OPTIONS"]);
    }

    #[test]
    fn matrix_parameters_and_a_trailing_slash_are_dropped() {
        for (given, seen) in [
            ("/connectors/a;b=c", "/connectors/a"),
            ("/connectors/zz/?x=1", "/connectors/zz?x=1"),
            ("/connectors/a%3Bb", "/connectors/a%3Bb"),
            ("/", "/"),
        ] {
            assert_eq!(normalized(&given.parse().unwrap()), seen.parse::<Uri>().unwrap());
        }
    }

    #[test]
    fn locations_encode_what_kafka_connect_encodes() {
        for (name, segment) in
            [("x6 a", "x6%20a"), ("x6+a", "x6+a"), ("x6;a", "x6;a"), ("x6é", "x6%C3%A9"), ("x6:?#", "x6:%3F%23")]
        {
            assert_eq!(path_segment(name), segment);
        }
        assert_eq!(encoded_segment("a/b;c+d é"), "a%2Fb%3Bc%2Bd%20%C3%A9");
    }

    #[test]
    fn query_values_are_decoded_and_repeatable() {
        let uri: Uri = "/connectors?expand=info&expand=st%61tus&x".parse().unwrap();
        assert_eq!(query_values(&uri, "expand"), ["info", "status"]);
        assert_eq!(query_flag(&"/?a=TRUE&b=banana".parse().unwrap(), "a"), Some(true));
        assert_eq!(query_flag(&"/?a=TRUE&b=banana".parse().unwrap(), "b"), Some(false));
        assert_eq!(query_flag(&"/?a=".parse().unwrap(), "a"), None);
    }
}
