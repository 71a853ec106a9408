//! The API described for machines, in OpenAPI 3.1.

use serde_json::{Map, Value, json};

/// Path, method, what it does, and the statuses it answers with.
const OPERATIONS: [(&str, &str, &str, &[u16]); 33] = [
    ("/", "get", "Version of the worker and id of its Kafka cluster", &[200]),
    ("/health", "get", "Whether the worker is ready (KIP-1017)", &[200, 500, 503]),
    ("/metrics", "get", "Metrics as Prometheus text", &[200]),
    ("/connectors", "get", "Names of all connectors; with `expand` their info and status", &[200]),
    ("/connectors", "post", "Create a connector", &[201, 400, 409, 500]),
    ("/connectors/{connector}", "get", "A connector with its config and tasks", &[200, 404, 500]),
    ("/connectors/{connector}", "delete", "Delete a connector; its offsets stay", &[204, 404, 409, 500]),
    ("/connectors/{connector}/config", "get", "The config as it was written", &[200, 404, 500]),
    ("/connectors/{connector}/config", "put", "Create a connector or replace its config", &[200, 201, 400, 409, 500]),
    (
        "/connectors/{connector}/config",
        "patch",
        "Change single keys; null deletes (KIP-477)",
        &[200, 400, 404, 409, 500],
    ),
    ("/connectors/{connector}/status", "get", "State of the connector and its tasks", &[200, 404]),
    ("/connectors/{connector}/tasks", "get", "The tasks with their configs", &[200, 404, 500]),
    (
        "/connectors/{connector}/tasks",
        "post",
        "Between workers: commit task configs, signed with the session key (KIP-507)",
        &[204, 400, 403, 404, 409, 500, 503],
    ),
    (
        "/connectors/{connector}/fence",
        "put",
        "Between workers: fence the producers of earlier tasks, signed with the session key (KIP-618)",
        &[204, 400, 403, 404, 409, 500, 503],
    ),
    ("/connectors/{connector}/tasks/{task}/status", "get", "State of a task", &[200, 404]),
    ("/connectors/{connector}/tasks/{task}/restart", "post", "Restart a task", &[204, 404, 409, 500]),
    (
        "/connectors/{connector}/restart",
        "post",
        "Restart the connector and, by flags, its tasks (KIP-745)",
        &[202, 204, 404, 409, 500],
    ),
    ("/connectors/{connector}/pause", "put", "Pause", &[202, 404, 500]),
    ("/connectors/{connector}/resume", "put", "Resume", &[202, 404, 500]),
    ("/connectors/{connector}/stop", "put", "Stop: no tasks until it is resumed (KIP-875)", &[204, 404, 409, 500]),
    ("/connectors/{connector}/topics", "get", "Topics that the connector has used (KIP-558)", &[200, 403]),
    ("/connectors/{connector}/topics/reset", "put", "Forget those topics", &[202, 403]),
    ("/connectors/{connector}/offsets", "get", "Offsets of the connector (KIP-875)", &[200, 404, 500]),
    ("/connectors/{connector}/offsets", "patch", "Alter offsets of a stopped connector", &[200, 400, 404, 409, 500]),
    ("/connectors/{connector}/offsets", "delete", "Reset offsets of a stopped connector", &[200, 400, 404, 409, 500]),
    ("/connector-plugins", "get", "Installed plugins (KIP-769)", &[200]),
    ("/connector-plugins/{plugin}/config", "get", "Keys that a plugin understands", &[200, 400, 404]),
    ("/connector-plugins/{plugin}/config/validate", "put", "Validate a connector's config", &[200, 400, 500]),
    ("/admin/loggers", "get", "Levels of loggers (KIP-495)", &[200]),
    ("/admin/loggers/{logger}", "get", "Level of a logger", &[200, 404]),
    (
        "/admin/loggers/{logger}",
        "put",
        "Set a level, on this worker or with scope=cluster (KIP-976)",
        &[200, 204, 400, 404],
    ),
    ("/openapi.json", "get", "This document", &[200]),
    ("/connectors/{connector}", "head", "Whether a connector exists", &[200, 404]),
];

/// The whole document.
pub(crate) fn document() -> Value {
    let mut paths = Map::new();
    for (path, method, summary, statuses) in OPERATIONS {
        let entry = paths.entry(path).or_insert_with(|| json!({ "parameters": parameters(path) }));
        entry[method] = json!({ "summary": summary, "responses": responses(statuses) });
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Sluice, a Kafka Connect worker", "version": env!("CARGO_PKG_VERSION"), "license": { "name": "Apache-2.0" } },
        "paths": paths,
        "components": { "schemas": { "Error": {
            "type": "object",
            "properties": { "error_code": { "type": "integer" }, "message": { "type": ["string", "null"] } }
        } } }
    })
}

fn parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })).collect()
}

fn responses(statuses: &[u16]) -> Map<String, Value> {
    let error = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } });
    let describe = |status: &u16| match status {
        200..=299 => json!({ "description": "done" }),
        _ => json!({ "description": "refused", "content": error }),
    };
    statuses.iter().map(|status| (status.to_string(), describe(status))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_summary_and_its_path_parameters() {
        let document = document();
        let task = &document["paths"]["/connectors/{connector}/tasks/{task}/status"];
        assert_eq!(task["parameters"].as_array().unwrap().len(), 2);
        let summary = |path: &str, method: &str| document["paths"][path][method]["summary"].is_string();
        assert!(OPERATIONS.iter().all(|(path, method, _, _)| summary(path, method)));
    }
}
