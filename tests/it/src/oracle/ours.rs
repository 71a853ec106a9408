//! Answers the oracle's requests with Sluice's plugins, in this process.

use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value as Json, json};
use sluice_api::data::{convert_to_string, parse_string};
use sluice_api::{
    ConnectError, Converter, ConverterPlugin, ConverterUse, HeaderConverter, Predicate, PredicatePlugin, Properties,
    Schema, SchemaAndValue, Transformation, TransformationPlugin, Value,
};
use sluice_harness::oracle::{
    schema_from_json, schema_to_json, sink_from_json, sink_to_json, source_from_json, source_to_json, value_from_json,
    value_to_json,
};

/// What answers: the plugins that the binary has.
pub(super) struct Ours {
    transformations: Vec<Box<dyn TransformationPlugin>>,
    predicates: Vec<Box<dyn PredicatePlugin>>,
    converters: Vec<Box<dyn ConverterPlugin>>,
}

/// Why there is no result: our error, or a request that cannot be read.
enum Failure {
    At(&'static str, ConnectError),
    Input(anyhow::Error),
}

type Outcome<T> = Result<T, Failure>;

struct Stage {
    transformation: Box<dyn Transformation>,
    predicate: Option<(Box<dyn Predicate>, bool)>,
}

enum Either {
    Record(Box<dyn Converter>),
    Header(Box<dyn HeaderConverter>),
}

impl Ours {
    pub(super) fn new() -> Self {
        Self {
            transformations: sluice_transforms::transformations(),
            predicates: sluice_transforms::predicates(),
            converters: sluice_converters::plugins(),
        }
    }

    /// The answer to a request. A panic is an answer too, one that no oracle gives.
    pub(super) fn answer(&self, request: &Json) -> Json {
        let answer = catch_unwind(AssertUnwindSafe(|| self.results(request)));
        match answer {
            Ok(Ok(results)) => json!({"results": results}),
            Ok(Err(failure)) => failure.json(),
            Err(_) => json!({"error": {"at": "panic", "class": "panic"}}),
        }
    }

    fn results(&self, request: &Json) -> Outcome<Vec<Json>> {
        match request["op"].as_str().unwrap_or_default() {
            "transform" => {
                let steps = request["steps"].as_array().context("steps").map_err(Failure::Input)?;
                let mut stages: Vec<Stage> = steps.iter().map(|step| self.stage(step)).collect::<Outcome<_>>()?;
                each(&request["records"], |record| transformed(&mut stages, record))
            }
            "predicate" => {
                let mut predicate = self.predicate(request)?;
                each(&request["records"], |record| tested(predicate.as_mut(), record))
            }
            "fromConnect" => {
                let mut converter = self.converter(request)?;
                each(&request["cases"], |case| written(&mut converter, case))
            }
            "toConnect" => {
                let mut converter = self.converter(request)?;
                each(&request["cases"], |case| read(&mut converter, case))
            }
            "parseString" => each(&request["cases"], |text| {
                Ok(schema_and_value(&parse_string(text.as_str().context("a text").map_err(Failure::Input)?)))
            }),
            "convertToString" => each(&request["cases"], |case| {
                let value = typed(case)?.value;
                Ok(json!((!value.is_null()).then(|| convert_to_string(&value))))
            }),
            other => Err(Failure::Input(anyhow::anyhow!("unknown op: {other}"))),
        }
    }

    fn stage(&self, step: &Json) -> Outcome<Stage> {
        let class = step["class"].as_str().unwrap_or_default();
        let plugin =
            self.transformations.iter().find(|plugin| plugin.class() == class).ok_or_else(|| unknown(class))?;
        let transformation = plugin.create(&properties(step)).map_err(configuring)?;
        let predicate = step.get("predicate").map(|json| self.predicate(json)).transpose()?;
        let negate = step["negate"].as_bool().unwrap_or(false);
        Ok(Stage { transformation, predicate: predicate.map(|predicate| (predicate, negate)) })
    }

    fn predicate(&self, json: &Json) -> Outcome<Box<dyn Predicate>> {
        let class = json["class"].as_str().unwrap_or_default();
        let plugin = self.predicates.iter().find(|plugin| plugin.class() == class).ok_or_else(|| unknown(class))?;
        plugin.create(&properties(json)).map_err(configuring)
    }

    fn converter(&self, json: &Json) -> Outcome<Either> {
        let class = json["class"].as_str().unwrap_or_default();
        let plugin = self.converters.iter().find(|plugin| plugin.class() == class).ok_or_else(|| unknown(class))?;
        let mut properties = properties(json);
        let used_for = match json["use"].as_str() {
            Some("header") => {
                properties.entry("converter.type".to_owned()).or_insert_with(|| "header".to_owned());
                let converter = plugin.header_converter(&properties).map_err(configuring)?;
                return converter.map(Either::Header).ok_or_else(|| unknown(class));
            }
            Some("key") => ConverterUse::Key,
            _ => ConverterUse::Value,
        };
        let converter = plugin.converter(&properties, used_for).map_err(configuring)?;
        converter.map(Either::Record).ok_or_else(|| unknown(class))
    }
}

impl Failure {
    fn json(&self) -> Json {
        match self {
            Failure::At(at, error) => json!({"error": {
                "at": at, "class": error.kind().java_class(), "message": error.message(), "trace": error.trace(),
            }}),
            Failure::Input(error) => {
                json!({"error": {"at": "input", "class": "input", "message": format!("{error:#}")}})
            }
        }
    }
}

fn applying(error: ConnectError) -> Failure {
    Failure::At("apply", error)
}

fn configuring(error: ConnectError) -> Failure {
    Failure::At("configure", error)
}

fn unknown(class: &str) -> Failure {
    Failure::At("configure", ConnectError::config(format!("unknown class {class}")))
}

fn properties(json: &Json) -> Properties {
    let all = json["config"].as_object().into_iter().flatten();
    all.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

fn each(inputs: &Json, mut step: impl FnMut(&Json) -> Outcome<Json>) -> Outcome<Vec<Json>> {
    let inputs = inputs.as_array().context("records or cases").map_err(Failure::Input)?;
    let one = |input| match step(input) {
        Ok(result) => json!({"ok": result}),
        Err(failure) => failure.json(),
    };
    Ok(inputs.iter().map(one).collect())
}

fn transformed(stages: &mut [Stage], input: &Json) -> Outcome<Json> {
    if input["kind"] == "source" {
        let mut record = source_from_json(input).map_err(Failure::Input)?;
        for Stage { transformation, predicate } in stages {
            if let Some((predicate, negate)) = predicate
                && predicate.test_source(&record).map_err(applying)? == *negate
            {
                continue;
            }
            match transformation.apply_source(record).map_err(applying)? {
                Some(changed) => record = changed,
                None => return Ok(Json::Null),
            }
        }
        return source_to_json(&record).map_err(Failure::Input);
    }
    let mut record = sink_from_json(input).map_err(Failure::Input)?;
    for Stage { transformation, predicate } in stages {
        if let Some((predicate, negate)) = predicate
            && predicate.test_sink(&record).map_err(applying)? == *negate
        {
            continue;
        }
        match transformation.apply_sink(record).map_err(applying)? {
            Some(changed) => record = changed,
            None => return Ok(Json::Null),
        }
    }
    Ok(sink_to_json(&record))
}

fn tested(predicate: &mut dyn Predicate, input: &Json) -> Outcome<Json> {
    let matches = if input["kind"] == "source" {
        predicate.test_source(&source_from_json(input).map_err(Failure::Input)?)
    } else {
        predicate.test_sink(&sink_from_json(input).map_err(Failure::Input)?)
    };
    matches.map(Json::from).map_err(applying)
}

fn typed(case: &Json) -> Outcome<SchemaAndValue> {
    let schema = schema_from_json(&case["schema"]).map_err(Failure::Input)?;
    let value = value_from_json(&case["value"], schema.as_ref()).map_err(Failure::Input)?;
    Ok(SchemaAndValue { schema, value })
}

fn written(converter: &mut Either, case: &Json) -> Outcome<Json> {
    let SchemaAndValue { schema, value } = typed(case)?;
    let topic = case["topic"].as_str().unwrap_or_default();
    let bytes = match converter {
        Either::Record(converter) => converter.from_connect_data(topic, schema.as_ref(), &value),
        Either::Header(converter) => {
            converter.from_connect_header(topic, case["key"].as_str().unwrap_or_default(), schema.as_ref(), &value)
        }
    };
    Ok(json!(bytes.map_err(applying)?.map(|bytes| STANDARD.encode(bytes))))
}

fn read(converter: &mut Either, case: &Json) -> Outcome<Json> {
    let topic = case["topic"].as_str().unwrap_or_default();
    let bytes = case["bytes"].as_str().map(|text| STANDARD.decode(text).map(Bytes::from)).transpose();
    let bytes = bytes.context("base64").map_err(Failure::Input)?;
    let data = match converter {
        Either::Record(converter) => converter.to_connect_data(topic, bytes.as_ref()),
        Either::Header(converter) => {
            converter.to_connect_header(topic, case["key"].as_str().unwrap_or_default(), bytes.as_ref())
        }
    };
    data.map(|data| schema_and_value(&data)).map_err(applying)
}

fn schema_and_value(data: &SchemaAndValue) -> Json {
    typed_json(data.schema.as_ref(), &data.value)
}

/// A value with its schema as a case has it.
pub(super) fn typed_json(schema: Option<&Schema>, value: &Value) -> Json {
    json!({"schema": schema_to_json(schema), "value": value_to_json(value, schema)})
}
