//! `AvroConverter` against Apicurio's, on one registry: the schema that is registered, the bytes behind the id, and what is read.
//!
//! Apicurio's mapping is an older form of Confluent's. Where it lacks keys or differs on purpose, `tests` of the converter have vectors by
//! Confluent's source instead.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use sluice_api::{Schema, SchemaType};
use sluice_harness::oracle::{Oracle, apicurio_jars, difference};
use sluice_harness::{Random, SchemaRegistry, case_seed, count};

use super::generate::{Chance, Shape, loose, of_schema_with_gaps, schema, structure};
use super::ours::{Ours, typed_json};

const OURS: &str = "io.confluent.connect.avro.AvroConverter";
const THEIRS: &str = "io.apicurio.registry.utils.converter.AvroConverter";
/// Values per schema: a schema is registered once.
const VALUES: usize = 5;
/// The row of COMPATIBILITY.md about defaults that come out as null or 0.
const DEFAULTS: &str = "Avro defaults inside arrays and maps of optional elements, and of NaN";
/// The row about names that two types have.
const SHARED_NAMES: &str = "Avro types that share a name and differ";
/// The row about doubles in arrays.
const DOUBLES: &str = "Avro doubles in arrays, read";
/// The row about null with a schema that cannot be mapped.
const NAMES_OF_NULL: &str = "a null whose schema has names that Avro does not allow";
/// Differences that are shown.
const SHOWN: usize = 8;

/// A row of COMPATIBILITY.md with the reason, and how often it was met.
type Kept = BTreeMap<&'static str, usize>;

struct Run<'a> {
    registry: &'a SchemaRegistry,
    oracle: Oracle,
    ours: Ours,
    cases: usize,
    errors: usize,
    read: usize,
    kept: Kept,
    /// By the place without its numbers, so that what is shown is different.
    differences: BTreeMap<String, Vec<String>>,
}

impl Run<'_> {
    fn requests(&self, op: &str, keys: &Json, cases: &[Json]) -> (Json, Json) {
        let (mut ours, mut theirs) = (keys.clone(), keys.clone());
        ours["schema.registry.url"] = json!(self.registry.url());
        theirs["apicurio.registry.url"] = json!(self.registry.own_url());
        theirs["apicurio.registry.as-confluent"] = json!("true");
        theirs["apicurio.registry.use-id"] = json!("contentId");
        theirs["apicurio.registry.auto-register"] = json!("true");
        theirs["apicurio.registry.auto-register.if-exists"] = json!("RETURN_OR_UPDATE");
        let request = |class: &str, config: Json| json!({"op": op, "class": class, "config": config, "use": "value", "cases": cases});
        let mut theirs = request(THEIRS, theirs);
        theirs["keep"] = json!(keys.to_string());
        (request(OURS, ours), theirs)
    }

    fn ask(&self, op: &str, keys: &Json, cases: &[Json]) -> Result<Vec<(Json, Json)>> {
        let (ours, theirs) = self.requests(op, keys, cases);
        let (ours, theirs) = (self.ours.answer(&ours), self.oracle.ask_one(&theirs)?);
        let entries =
            |answer: &Json| answer["results"].as_array().cloned().with_context(|| format!("no results: {answer}"));
        Ok(entries(&ours)?.into_iter().zip(entries(&theirs)?).collect())
    }

    /// Writes the cases with both and reads what was written with both.
    fn compare(&mut self, keys: &Json, cases: &[Json]) -> Result<()> {
        let mut to_read = Vec::new();
        for (case, (ours, theirs)) in cases.iter().zip(self.ask("fromConnect", keys, cases)?) {
            self.cases += 1;
            match (bytes(&ours), bytes(&theirs)) {
                (Some(ours), Some(theirs)) => {
                    self.compare_written(keys, case, &ours, &theirs)?;
                    // Apicurio's converter gives what is no record back without a schema.
                    if self.schema(&ours)?["type"] != "record" {
                        continue;
                    }
                    to_read.push(json!({"topic": case["topic"], "bytes": STANDARD.encode(&theirs)}));
                    to_read.push(json!({"topic": case["topic"], "bytes": STANDARD.encode(&ours)}));
                }
                (None, None) if ours.get("error").is_some() == theirs.get("error").is_some() => self.errors += 1,
                _ => self.differ(keys, case, &theirs, &ours),
            }
        }
        if to_read.is_empty() {
            return Ok(());
        }
        for (case, (mut ours, theirs)) in to_read.iter().zip(self.ask("toConnect", keys, &to_read)?) {
            self.read += 1;
            without_registry_version(&mut ours, &theirs);
            if difference(&theirs, &ours).is_some() {
                self.differ(keys, case, &theirs, &ours);
            }
        }
        Ok(())
    }

    fn compare_written(&mut self, keys: &Json, case: &Json, ours: &[u8], theirs: &[u8]) -> Result<()> {
        let (our_schema, their_schema) = (self.schema(ours)?, self.schema(theirs)?);
        if our_schema != their_schema {
            self.differ(keys, case, &their_schema, &our_schema);
        } else if ours[5..] != theirs[5..] {
            self.differ(keys, case, &json!(STANDARD.encode(&theirs[5..])), &json!(STANDARD.encode(&ours[5..])));
        }
        Ok(())
    }

    /// The schema behind the id in front of a record.
    fn schema(&self, record: &[u8]) -> Result<Json> {
        let id = record.get(1..5).and_then(|id| id.try_into().ok()).map(u32::from_be_bytes).context("an id")?;
        let answer =
            self.registry.rest().get(&SchemaRegistry::path(&format!("/schemas/ids/{id}")))?.expect(200)?.json()?;
        Ok(serde_json::from_str(answer["schema"].as_str().context("a schema")?)?)
    }

    fn differ(&mut self, keys: &Json, case: &Json, theirs: &Json, ours: &Json) {
        match kept(theirs, ours) {
            Some(row) => *self.kept.entry(row).or_default() += 1,
            None => {
                let place = difference(theirs, ours).map(|difference| difference.place).unwrap_or_default();
                let place = place.replace(|character: char| character.is_ascii_digit(), "");
                let text = format!("\n  keys {keys}\n  case {case}\n    oracle {theirs}\n    sluice {ours}");
                self.differences.entry(place).or_default().push(text);
            }
        }
    }
}

fn bytes(entry: &Json) -> Option<Vec<u8>> {
    STANDARD.decode(entry["ok"].as_str()?).ok()
}

/// Apicurio's converter does not tell the version in the registry, which Confluent's does.
fn without_registry_version(ours: &mut Json, theirs: &Json) {
    if theirs["ok"]["schema"].get("version").is_none()
        && let Some(schema) = ours["ok"]["schema"].as_object_mut()
    {
        schema.remove("version");
    }
}

/// The row of a difference that is kept on purpose.
fn kept(theirs: &Json, ours: &Json) -> Option<&'static str> {
    let trace = ours["error"]["trace"].as_str().unwrap_or_default();
    if theirs.get("ok").is_some() && trace.contains("two different Avro types would be named") {
        return Some(SHARED_NAMES);
    }
    if ours == &json!({"ok": null}) && theirs["error"]["class"] == "org.apache.avro.SchemaParseException" {
        return Some(NAMES_OF_NULL);
    }
    if difference(&without_defaults(theirs), &without_defaults(ours)).is_none() {
        return Some(DEFAULTS);
    }
    let schema = |answer: &Json| without_defaults(&answer["ok"]["schema"]);
    let same_schema = difference(&schema(theirs), &schema(ours)).is_none();
    let cut = same_but_cut(&theirs["ok"]["value"], &ours["ok"]["value"], false);
    (theirs.get("ok").is_some() && same_schema && cut).then_some(DOUBLES)
}

/// Without the defaults of arrays and maps, and of floats that may be NaN.
fn without_defaults(json: &Json) -> Json {
    match json {
        Json::Array(items) => items.iter().map(without_defaults).collect(),
        Json::Object(members) => {
            let left_out =
                ["ARRAY", "MAP", "array", "map"].iter().any(|word| members.get("type") == Some(&json!(word)));
            let is_zero_or_nan = |default: &Json| {
                let float = default.get("f64").or(default.get("f32")).and_then(Json::as_str);
                default == "NaN" || matches!(float, Some("NaN" | "0.0"))
            };
            let kept = members.iter().filter(|(key, value)| *key != "default" || !(left_out || is_zero_or_nan(value)));
            kept.map(|(key, value)| (key.clone(), without_defaults(value))).collect()
        }
        other => other.clone(),
    }
}

/// Whether the values are the same but for doubles in arrays, which Avro 1.12.0 cuts to 32 bit.
fn same_but_cut(theirs: &Json, ours: &Json, in_array: bool) -> bool {
    let number = |json: &Json| json["f64"].as_str().and_then(|text| text.parse::<f64>().ok());
    match (theirs, ours) {
        (Json::Array(theirs), Json::Array(ours)) => {
            theirs.len() == ours.len()
                && theirs.iter().zip(ours).all(|(left, right)| same_but_cut(left, right, in_array))
        }
        (Json::Object(left), Json::Object(right)) if !left.contains_key("f64") => {
            let same = |(key, value): (&String, &Json)| {
                right.get(key).is_some_and(|other| same_but_cut(value, other, key == "array"))
            };
            left.len() == right.len() && left.iter().all(same)
        }
        _ => {
            let cut = number(ours).map(|number| f64::from(number as f32));
            difference(theirs, ours).is_none() || (in_array && cut.is_some() && number(theirs) == cut)
        }
    }
}

fn keys(random: &mut Random) -> Json {
    let mut keys = json!({});
    if random.percent(30) {
        keys["connect.meta.data"] = json!("false");
    }
    if random.percent(30) {
        keys["enhanced.avro.schema.support"] = json!("true");
    }
    keys
}

/// Bytes alone are framed in another way, the union around an optional struct alone is not registered by Apicurio's, decimals with a
/// negative scale fail with it, and its registry takes defaults that are no JSON numbers through its own interface alone.
fn comparable(schema: &Schema) -> bool {
    let bytes_alone = schema.schema_type() == SchemaType::Bytes && !schema.is_optional();
    let optional_struct = schema.schema_type() == SchemaType::Struct && schema.is_optional();
    let text = format!("{schema:?}");
    let strange = ["\"scale\": \"-", "NaN", "inf"].iter().any(|part| text.contains(part));
    !bytes_alone && !optional_struct && !strange
}

#[test]
fn avro_converter_maps_as_apicurios_does() -> Result<()> {
    let name = "oracle::avro_converter_maps_as_apicurios_does";
    let (mut random, total) = (Random::of_cases(name), count(200, 10_000));
    let jars = apicurio_jars()?;
    let mut run = Run {
        registry: SchemaRegistry::shared()?,
        oracle: Oracle::with(&[&jars])?,
        ours: Ours::new(),
        cases: 0,
        errors: 0,
        read: 0,
        kept: Kept::new(),
        differences: BTreeMap::new(),
    };
    let mut topics = 0;
    while run.cases < total {
        let keys = keys(&mut random);
        // Avro takes no other names.
        let shape = Shape { plain_names: random.percent(85), ..Shape::ANY };
        let schema = if random.percent(85) { structure(&mut random, shape) } else { schema(&mut random, shape) };
        if !comparable(&schema) {
            continue;
        }
        topics += 1;
        let schemaless = random.percent(10);
        let cases: Vec<Json> = (0..VALUES)
            .map(|_| {
                let mut case = match schemaless {
                    true => typed_json(None, &loose(&mut random, 3)),
                    false => typed_json(Some(&schema), &of_schema_with_gaps(&mut random, &schema)),
                };
                case["topic"] = json!(format!("avro-oracle-{topics}"));
                case
            })
            .collect();
        run.compare(&keys, &cases)?;
    }
    let Run { cases, errors, read, kept, differences, .. } = &run;
    let differ: usize = differences.values().map(Vec::len).sum();
    eprintln!(
        "{name}: {cases} cases written ({errors} refused by both), {read} read, {topics} schemas, {differ} differences, kept {kept:?}, \
         SLUICE_SEED={}",
        case_seed()
    );
    if differ == 0 {
        return Ok(());
    }
    let shortest = |(place, found): (&String, &Vec<String>)| {
        let text = found.iter().min_by_key(|text| text.len()).cloned().unwrap_or_default();
        format!("\n {} times like {place}:{text}", found.len())
    };
    bail!("{differ} differences:{}", differences.iter().take(SHOWN).map(shortest).collect::<String>())
}

#[test]
fn what_is_kept_has_its_row() {
    for row in [DEFAULTS, SHARED_NAMES, DOUBLES, NAMES_OF_NULL] {
        assert!(include_str!("../../../../COMPATIBILITY.md").contains(row), "{row}");
    }
}
