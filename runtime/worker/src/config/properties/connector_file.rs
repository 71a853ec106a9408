//! Connector files of a standalone worker (connect-worker.md 4.2): a flat JSON map, a JSON create request, or `.properties`, told
//! apart by what is in them.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};
use sluice_api::Properties;

use super::{Error, PropertiesFile};

/// `initial_state` (KIP-980).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitialState {
    /// `RUNNING`.
    Running,
    /// `PAUSED`.
    Paused,
    /// `STOPPED`.
    Stopped,
}

/// A connector to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorFile {
    /// Its name.
    pub name: String,
    /// Its configuration, `name` included.
    pub config: Properties,
    /// The state to begin in, when the file says so.
    pub initial_state: Option<InitialState>,
}

/// Reads a connector file.
///
/// # Errors
/// Any of [`Error`].
pub fn parse_connector_file(path: &Path) -> Result<ConnectorFile, Error> {
    let shown = path.display().to_string();
    let bytes = fs::read(path).map_err(|source| Error::Read { path: shown.clone(), source })?;
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(object)) => from_json(&shown, &object),
        Ok(other) => Err(shape(&shown, format!("found {}", kind(&other)))),
        Err(error) if bytes.trim_ascii_start().starts_with(b"{") => Err(shape(&shown, error.to_string())),
        Err(_) => {
            let config = PropertiesFile::read(path)?.properties();
            let name = config.get("name").cloned().ok_or(Error::MissingName { path: shown })?;
            Ok(ConnectorFile { name, config, initial_state: None })
        }
    }
}

fn from_json(path: &str, object: &Map<String, Value>) -> Result<ConnectorFile, Error> {
    let Some(Value::Object(config)) = object.get("config") else {
        let config = flat(path, object)?;
        let name = config.get("name").cloned().ok_or_else(|| Error::MissingName { path: path.to_owned() })?;
        return Ok(ConnectorFile { name, config, initial_state: None });
    };
    let mut config = flat(path, config)?;
    let name = match object.get("name") {
        Some(Value::String(name)) => name.clone(),
        _ => return Err(Error::MissingName { path: path.to_owned() }),
    };
    if *config.entry("name".to_owned()).or_insert_with(|| name.clone()) != name {
        return Err(Error::NameMismatch { path: path.to_owned() });
    }
    let initial_state = match object.get("initial_state") {
        None | Some(Value::Null) => None,
        Some(Value::String(state)) => Some(initial_state(path, state)?),
        Some(other) => return Err(shape(path, format!("`initial_state` is {}", kind(other)))),
    };
    Ok(ConnectorFile { name, config, initial_state })
}

fn initial_state(path: &str, text: &str) -> Result<InitialState, Error> {
    match text.to_ascii_uppercase().as_str() {
        "RUNNING" => Ok(InitialState::Running),
        "PAUSED" => Ok(InitialState::Paused),
        "STOPPED" => Ok(InitialState::Stopped),
        _ => Err(shape(path, format!("`initial_state` is {text:?}, expected RUNNING, PAUSED or STOPPED"))),
    }
}

/// Numbers and booleans are taken as the text they are written with, as Kafka takes them; nulls are left out.
fn flat(path: &str, object: &Map<String, Value>) -> Result<Properties, Error> {
    let mut properties = Properties::with_capacity(object.len());
    for (key, value) in object {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(value) => value.to_string(),
            Value::Null => continue,
            other => return Err(shape(path, format!("`{key}` is {}", kind(other)))),
        };
        properties.insert(key.clone(), text);
    }
    Ok(properties)
}

fn shape(path: &str, detail: String) -> Error {
    Error::Shape { path: path.to_owned(), detail }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Object(_) => "an object",
        Value::Array(_) => "an array",
        Value::String(_) => "a text",
        Value::Number(_) => "a number",
        Value::Bool(_) => "true or false",
        Value::Null => "null",
    }
}
