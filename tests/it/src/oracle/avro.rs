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
    differences: Vec<String>,
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
                self.differences
                    .push(format!("\n  keys {keys}\n  case {case}\n    oracle {theirs}\n    sluice {ours}"));
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
    let place = difference(theirs, ours)?.place;
    place.contains(".default").then_some(DEFAULTS)
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
        differences: Vec::new(),
    };
    let mut topics = 0;
    while run.cases < total {
        let keys = keys(&mut random);
        let shape = Shape::ANY;
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
    eprintln!(
        "{name}: {cases} cases written ({errors} refused by both), {read} read, {topics} schemas, {} differences, kept {kept:?}, \
         SLUICE_SEED={}",
        differences.len(),
        case_seed()
    );
    if !differences.is_empty() {
        bail!("{} differences:{}", differences.len(), differences.iter().take(SHOWN).cloned().collect::<String>());
    }
    Ok(())
}

#[test]
fn what_is_kept_has_its_row() {
    assert!(include_str!("../../../../COMPATIBILITY.md").contains(DEFAULTS));
}
