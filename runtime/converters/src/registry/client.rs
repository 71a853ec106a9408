//! The registry's REST interface, one method per call. Nothing is cached here.

use serde_json::{Value, json};

use super::answers;
use super::config::ClientConfig;
use super::error::Error;
use super::http::Http;
use super::schema::{RegisteredSchema, SchemaFormat, SchemaText};
use sluice_api::Result as ConnectResult;

/// A client of one registry, which may have several addresses.
#[derive(Debug)]
pub(super) struct RegistryClient {
    http: Http,
}

impl RegistryClient {
    /// A client; nothing is asked yet.
    ///
    /// # Errors
    /// `Config` when certificates or addresses cannot be used.
    pub(super) fn new(config: &ClientConfig) -> ConnectResult<Self> {
        Ok(Self { http: Http::new(config)? })
    }

    /// Registers `schema` under `subject`, or finds it there. Gives its id.
    pub(super) fn register(&self, subject: &str, schema: &SchemaText, normalize: bool) -> Result<i32, Error> {
        let path = format!("/subjects/{}/versions?normalize={normalize}", encoded(subject));
        self.http.post(&path, &request(schema), answers::registered_id)
    }

    /// The id and version of `schema` under `subject`.
    pub(super) fn look_up(
        &self,
        subject: &str,
        schema: &SchemaText,
        normalize: bool,
    ) -> Result<(i32, Option<i32>), Error> {
        let path = format!("/subjects/{}?normalize={normalize}&deleted=false", encoded(subject));
        self.http.post(&path, &request(schema), answers::looked_up)
    }

    /// The schema with that id; `subject` says in which context it is looked for.
    pub(super) fn schema(&self, id: i32, subject: Option<&str>) -> Result<SchemaText, Error> {
        let subject = subject.map(|subject| format!("&subject={}", encoded(subject))).unwrap_or_default();
        self.http.get(&format!("/schemas/ids/{id}?fetchMaxId=false{subject}"), answers::schema)
    }

    /// The newest schema of `subject`.
    pub(super) fn latest(&self, subject: &str) -> Result<RegisteredSchema, Error> {
        self.http.get(&format!("/subjects/{}/versions/latest", encoded(subject)), answers::registered)
    }

    /// A version of `subject`, deleted or not: a schema that refers to it still needs it.
    pub(super) fn version(&self, subject: &str, version: i32) -> Result<RegisteredSchema, Error> {
        let path = format!("/subjects/{}/versions/{version}?deleted=true", encoded(subject));
        self.http.get(&path, answers::registered)
    }
}

/// The body that registers or looks up; Avro is what a registry takes when no type is named.
fn request(schema: &SchemaText) -> Vec<u8> {
    let mut body = json!({ "schema": schema.text });
    if schema.format != SchemaFormat::Avro {
        body["schemaType"] = Value::from(schema.format.name());
    }
    if !schema.references.is_empty() {
        body["references"] = schema
            .references
            .iter()
            .map(
                |reference| json!({"name": reference.name, "subject": reference.subject, "version": reference.version}),
            )
            .collect();
    }
    body.to_string().into_bytes()
}

/// Percent-encodes everything that is not unreserved.
fn encoded(subject: &str) -> String {
    let mut out = String::with_capacity(subject.len());
    for byte in subject.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_segment_of_the_path() {
        assert_eq!(encoded("orders-value"), "orders-value");
        assert_eq!(encoded(":.ctx:a/b é"), "%3A.ctx%3Aa%2Fb%20%C3%A9");
    }

    #[test]
    fn avro_is_not_named_in_a_request() {
        let body = |format| String::from_utf8(request(&SchemaText::new(format, "\"int\""))).unwrap();
        assert_eq!(body(SchemaFormat::Avro), r#"{"schema":"\"int\""}"#);
        assert_eq!(body(SchemaFormat::Json), r#"{"schema":"\"int\"","schemaType":"JSON"}"#);
    }
}
