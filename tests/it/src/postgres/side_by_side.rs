//! Debezium and Sluice on one database at the same time: records must be equal, topic by topic, after what only one run can have
//! (times of processing, ids of runs, the snapshot's own position) is taken out.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sluice_harness::{Engine, Kafka, Postgres, Record, Worker, wait_until};

use super::{SOON, config, properties, start, types, wait_streaming, with};

/// Of one length, so that texts of a certain length stay so.
const THEIRS: &str = "pgjvm";
const OURS: &str = "pgown";

/// One worker of each kind for all tests of the run: a JVM takes long to start.
fn workers() -> Result<&'static [Worker; 2]> {
    static WORKERS: OnceLock<Result<[Worker; 2], String>> = OnceLock::new();
    let start = || -> Result<[Worker; 2]> {
        let kafka = Kafka::shared()?;
        Ok([start(Engine::Oracle, &properties(kafka, THEIRS)?)?, start(Engine::Sluice, &properties(kafka, OURS)?)?])
    };
    let workers = WORKERS.get_or_init(|| start().map_err(|error| format!("{error:#}")));
    workers.as_ref().map_err(|error| anyhow::anyhow!("the workers did not start: {error}"))
}

/// Both connectors on one database.
pub(super) struct Pair {
    kafka: &'static Kafka,
    postgres: Postgres,
    database: String,
    workers: &'static [Worker; 2],
    known: &'static [Known],
    sentinel: Cell<u32>,
}

/// A difference that COMPATIBILITY has a row for: where (`*` for any end), what the difference says, and why.
pub(super) type Known = (&'static str, &'static str, &'static str);

impl Drop for Pair {
    fn drop(&mut self) {
        for (worker, prefix) in self.workers.iter().zip([THEIRS, OURS]) {
            // A connector without its server would try again until the end of the run.
            drop(worker.rest().delete(&format!("/connectors/{prefix}_{}", self.database)));
        }
    }
}

impl Pair {
    /// Runs `setup`, then starts both with the keys of `more` besides the usual ones.
    pub(super) fn start(database: &str, setup: &str, more: &[(&str, &str)]) -> Result<Self> {
        let kafka = Kafka::shared()?;
        let postgres = Postgres::start()?;
        postgres.create_database(database)?;
        postgres.sql(database, "CREATE TABLE sentinel (n int PRIMARY KEY)")?;
        postgres.sql(database, setup)?;
        let workers = workers()?;
        let pair =
            Self { kafka, postgres, database: database.to_owned(), workers, known: KNOWN, sentinel: Cell::new(0) };
        for (worker, prefix) in workers.iter().zip([THEIRS, OURS]) {
            let prefix = format!("{prefix}_{database}");
            let config = with(config(&pair.postgres, database, &prefix), more);
            worker.rest().put_connector(&prefix, &config)?.expect(201)?;
        }
        for (worker, prefix) in workers.iter().zip([THEIRS, OURS]) {
            wait_streaming(&pair.postgres, &format!("{prefix}_{database}")).with_context(|| worker.logs())?;
        }
        Ok(pair)
    }

    /// Differences that are meant.
    pub(super) fn knowing(mut self, known: &'static [Known]) -> Self {
        self.known = known;
        self
    }

    pub(super) fn sql(&self, sql: &str) -> Result<()> {
        self.postgres.sql(&self.database, sql).map(drop)
    }

    /// Waits until both have everything that was done so far.
    pub(super) fn wait_all(&self) -> Result<()> {
        let sentinel = self.sentinel.get() + 1;
        self.sentinel.set(sentinel);
        self.sql(&format!("INSERT INTO sentinel VALUES ({sentinel})"))?;
        for prefix in [THEIRS, OURS] {
            let topic = format!("{prefix}_{}.public.sentinel", self.database);
            wait_until(&format!("sentinel {sentinel} in {topic}"), SOON, || {
                let records = self.kafka.topics().read(&topic)?;
                let last = records.last().map(Record::value_text).unwrap_or_default();
                ensure!(last.contains(&format!("\"after\":{{\"n\":{sentinel}}}")), "{} records", records.len());
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Every topic of a connector, its records without what only one run can have.
    fn topics(&self, prefix: &str) -> Result<BTreeMap<String, Vec<Value>>> {
        let prefix = format!("{prefix}_{}", self.database);
        let names = self.kafka.topics().names()?;
        let own = names.iter().filter_map(|name| Some((name, name.strip_prefix(&format!("{prefix}."))?)));
        let mut topics: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for (name, topic) in own {
            for record in self.kafka.topics().read(name)? {
                // Many tables may share a topic; a record says of which it is.
                let record = canonical(&record, &prefix)?;
                let schema = ["value", "key"].into_iter().find_map(|part| record[part]["schema"]["name"].as_str());
                let table =
                    schema.and_then(|name| name.strip_prefix("PREFIX.")?.rsplit_once('.')).map(|(table, _)| table);
                topics.entry(table.unwrap_or(topic).to_owned()).or_default().push(record);
            }
        }
        Ok(topics)
    }

    /// Compares everything; the first differences are in the error. Records of one connector may get to topics in another order than
    /// they were made, so what is missing may still come.
    pub(super) fn compare(&self) -> Result<()> {
        wait_until("equal records", Duration::from_secs(20), || self.compare_now())
    }

    fn compare_now(&self) -> Result<()> {
        let (theirs, ours) = (self.topics(THEIRS)?, self.topics(OURS)?);
        let mut differences = Vec::new();
        for table in theirs.keys().chain(ours.keys().filter(|table| !theirs.contains_key(*table))) {
            let none = Vec::new();
            let (theirs, ours) = (theirs.get(table).unwrap_or(&none), ours.get(table).unwrap_or(&none));
            if theirs.len() != ours.len() {
                differences.push(format!("{table}: Debezium has {} records, Sluice {}", theirs.len(), ours.len()));
            }
            for (at, (their, our)) in theirs.iter().zip(ours).enumerate() {
                differ(&format!("{table}[{at}]"), their, our, &mut differences);
            }
        }
        let found = differences.len();
        differences.retain(|difference| !self.known.iter().any(|known| is_known(difference, *known)));
        let meant = found - differences.len();
        let records: usize = theirs.values().map(Vec::len).sum();
        println!(
            "{}: {records} records of {} tables compared, {meant} differences that are meant",
            self.database,
            theirs.len()
        );
        ensure!(records > 0, "nothing was compared");
        ensure!(
            differences.is_empty(),
            "{} differences:\n{}",
            differences.len(),
            differences.iter().take(60).cloned().collect::<Vec<_>>().join("\n")
        );
        Ok(())
    }
}

/// See [`Known`].
const KNOWN: &[Known] =
    &[("public.times[2].value.payload.after.d", ", Sluice -735160", "a date before Christ in a snapshot")];

fn is_known(difference: &str, (table, end, _): Known) -> bool {
    let names = |table: &str, after: &str| difference.strip_prefix(table).is_some_and(|rest| rest.starts_with(after));
    let place = match table.strip_suffix('*') {
        Some(prefix) => names(prefix, ""),
        None => ["[", ".", ":"].iter().any(|after| names(table, after)),
    };
    place && difference.contains(end)
}

/// Says where two values differ.
fn differ(path: &str, theirs: &Value, ours: &Value, out: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(one), Value::Object(other)) => {
            for key in one.keys().chain(other.keys().filter(|key| !one.contains_key(*key))) {
                let null = Value::Null;
                differ(&format!("{path}.{key}"), one.get(key).unwrap_or(&null), other.get(key).unwrap_or(&null), out);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (at, (one, other)) in one.iter().zip(other).enumerate() {
                differ(&format!("{path}[{at}]"), one, other, out);
            }
        }
        _ if theirs == ours => {}
        _ => out.push(format!("{path}: Debezium {theirs}, Sluice {ours}")),
    }
}

fn canonical(record: &Record, prefix: &str) -> Result<Value> {
    let text = |bytes: Option<&Vec<u8>>| -> Result<Value> {
        let Some(bytes) = bytes else { return Ok(Value::Null) };
        let text = String::from_utf8_lossy(bytes).replace(prefix, "PREFIX");
        serde_json::from_str(&text).with_context(|| text.clone())
    };
    let mut value = text(record.value.as_ref())?;
    mask(&mut value["payload"]);
    let headers: Vec<Value> = record
        .headers
        .iter()
        .map(|(name, value)| {
            let value = if name.ends_with(".runId") { json!("any") } else { text(value.as_ref())? };
            Ok(json!([name, value]))
        })
        .collect::<Result<_>>()?;
    Ok(json!({ "key": text(record.key.as_ref())?, "value": value, "headers": headers }))
}

fn mask(payload: &mut Value) {
    if payload.is_null() {
        return;
    }
    for time in ["ts_ms", "ts_us", "ts_ns"] {
        payload[time] = json!("any");
    }
    // In the order of a hash table.
    if let Some(counts) = payload.get_mut("data_collections").and_then(Value::as_array_mut) {
        counts.sort_by_key(ToString::to_string);
    }
    let of_snapshot = payload["op"] == "r";
    let Some(source) = payload.get_mut("source").filter(|source| source.is_object()) else { return };
    // Each snapshot has its own moment, and a message outside of a transaction has the time at which it was read.
    let timeless = source["txId"].is_null();
    if of_snapshot || timeless {
        for field in ["ts_ms", "ts_us", "ts_ns"] {
            source[field] = json!("any");
        }
    }
    if of_snapshot {
        for field in ["lsn", "txId", "sequence"] {
            source[field] = json!("any");
        }
    }
}

#[test]
fn every_type_in_the_snapshot_and_in_the_stream() -> Result<()> {
    let pair = Pair::start("types", &format!("{}{}", types::SCHEMA, types::ROWS), &[])?;
    pair.wait_all()?;
    pair.sql(types::CHANGES)?;
    pair.wait_all()?;
    pair.compare()
}

#[test]
fn every_type_in_the_other_modes() -> Result<()> {
    let modes = [
        ("decimal.handling.mode", "string"),
        ("time.precision.mode", "connect"),
        ("binary.handling.mode", "base64"),
        ("hstore.handling.mode", "map"),
        ("interval.handling.mode", "string"),
    ];
    let pair = Pair::start("modes", &format!("{}{}", types::SCHEMA, types::ROWS), &modes)?;
    pair.wait_all()?;
    pair.sql(types::CHANGES)?;
    pair.wait_all()?;
    pair.compare()
}

const HISTORY: &str = "
CREATE TABLE plain (id int PRIMARY KEY, name text NOT NULL, note text DEFAULT 'none', amount numeric(10,2));
CREATE TABLE full_identity (id int PRIMARY KEY, big text, n int); ALTER TABLE full_identity REPLICA IDENTITY FULL;
CREATE TABLE no_key (a int, b text); ALTER TABLE no_key REPLICA IDENTITY FULL;
CREATE TABLE two_keys (b int, a text, c int, PRIMARY KEY (a, b));
CREATE TABLE by_index (a int NOT NULL, b int NOT NULL, c text); CREATE UNIQUE INDEX by_index_ab ON by_index (b, a);
ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_ab;
CREATE TABLE serial_key (id serial PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), flag bool NOT NULL DEFAULT true);
CREATE TABLE toasted (id int PRIMARY KEY, n int, big text, bytes bytea, list text[]);
ALTER TABLE toasted ALTER big SET STORAGE EXTERNAL, ALTER bytes SET STORAGE EXTERNAL, ALTER list SET STORAGE EXTERNAL;
INSERT INTO plain SELECT n, 'row ' || n, NULL, n FROM generate_series(1, 50) n;
INSERT INTO full_identity VALUES (1, repeat('x', 9000), 1);
";

const STEPS: &[&str] = &[
    "INSERT INTO plain VALUES (100, 'a', 'b', 1.5); UPDATE plain SET name = 'c' WHERE id = 100; DELETE FROM plain WHERE id = 100;",
    "UPDATE plain SET id = 1001 WHERE id = 1; UPDATE plain SET note = NULL, amount = NULL WHERE id = 2; DELETE FROM plain WHERE id = 3;",
    "UPDATE full_identity SET n = 2; UPDATE full_identity SET id = 2; DELETE FROM full_identity;",
    "INSERT INTO no_key VALUES (1, 'x'), (1, 'x'); UPDATE no_key SET b = 'y'; DELETE FROM no_key;",
    "INSERT INTO two_keys VALUES (1, 'a', 1); UPDATE two_keys SET c = 2; UPDATE two_keys SET a = 'b'; DELETE FROM two_keys;",
    "INSERT INTO by_index VALUES (1, 2, 'c'); UPDATE by_index SET c = 'd'; UPDATE by_index SET a = 5; DELETE FROM by_index;",
    "INSERT INTO serial_key DEFAULT VALUES; UPDATE serial_key SET flag = false; DELETE FROM serial_key;",
    "INSERT INTO toasted SELECT 1, 1, repeat('t', 20000), decode(repeat('ab', 20000), 'hex'), array_fill('e'::text, ARRAY[4000]);
     UPDATE toasted SET n = 2; UPDATE toasted SET big = 'short'; UPDATE toasted SET id = 2;",
    "BEGIN; INSERT INTO plain VALUES (200, 'in', 'a', 1); SAVEPOINT s; INSERT INTO plain VALUES (201, 'gone', '', 1); ROLLBACK TO s;
     INSERT INTO plain VALUES (202, 'kept', '', 1); RELEASE s; COMMIT; BEGIN; DELETE FROM plain; ROLLBACK;",
    "ALTER TABLE plain ADD COLUMN extra int NOT NULL DEFAULT 7; INSERT INTO plain VALUES (300, 'x', 'y', 1, 8);",
    "ALTER TABLE plain DROP COLUMN note; UPDATE plain SET name = 'z' WHERE id = 300;",
    "ALTER TABLE plain ALTER amount TYPE text; UPDATE plain SET amount = 'many' WHERE id = 300;",
    "ALTER TABLE plain RENAME COLUMN name TO title; INSERT INTO plain VALUES (301, 't', '5', 9);",
    "INSERT INTO plain SELECT n, 'bulk', '1', 1 FROM generate_series(2000, 4500) n; UPDATE plain SET title = 'b' WHERE id > 4000;",
    "TRUNCATE plain; INSERT INTO plain VALUES (1, 'after', '1', 1);",
    "SELECT pg_logical_emit_message(true, 'in', 'transaction'); SELECT pg_logical_emit_message(false, 'out', 'side');",
    "COPY plain FROM PROGRAM 'seq 5000 5005 | sed s/$/,copied,1,1/' (FORMAT csv);",
];

#[test]
fn a_history_with_every_kind_of_change() -> Result<()> {
    let pair = Pair::start("history", HISTORY, &[("skipped.operations", "none")])?;
    pair.wait_all()?;
    // Both look into the catalog when a definition changes: a step ends before the next begins.
    for step in STEPS {
        pair.sql(step).with_context(|| (*step).to_owned())?;
        pair.wait_all()?;
    }
    pair.compare()
}

#[test]
fn masked_hashed_cut_and_overridden() -> Result<()> {
    let setup = "CREATE TABLE m (id int PRIMARY KEY, cut text, cutshort varchar(2), cutbytes bytea, masked text, maskednull varchar(9), maskednumber int,
            hashed varchar(20), hashedtext text NOT NULL DEFAULT 'd', hashedv2 text, fixed char(5), kind text, gone text);
        CREATE TABLE keyed (a text, b int, v text, PRIMARY KEY (a)); CREATE TABLE chosen (id int PRIMARY KEY, v text); CREATE TABLE \"odd-name\" (id int PRIMARY KEY);
        INSERT INTO m VALUES (1, 'abcdef', 'xy', '\\x0102030405', 'secret', NULL, 7, 'hash me', 'ünï 😀', 'v2', 'ab', 'k', 'gone');
        INSERT INTO keyed VALUES ('key', 1, 'v'); INSERT INTO \"odd-name\" VALUES (1); INSERT INTO chosen SELECT n, 'v' FROM generate_series(1, 20) n;";
    let more = [
        ("column.truncate.to.3.chars", "public.m.cut.*"),
        ("column.mask.with.5.chars", "public.m.masked.*,public.keyed.a,public.m.fixed"),
        ("column.mask.with.0.chars", "public.m.kind"),
        ("column.mask.hash.SHA-256.with.salt.CzQMA0cB5K", "public.m.hashed,public.m.hashedtext"),
        ("column.mask.hash.v2.SHA-512.with.salt.a.b", "public.m.hashedv2"),
        ("column.exclude.list", "public.m.gone"),
        ("message.key.columns", "public.keyed:b,a"),
        ("snapshot.select.statement.overrides", "public.chosen"),
        (
            "snapshot.select.statement.overrides.public.chosen",
            "SELECT * FROM public.chosen WHERE id % 5 = 0 ORDER BY id",
        ),
        ("tombstones.on.delete", "false"),
        ("schema.name.adjustment.mode", "avro"),
    ];
    let pair = Pair::start("masks", setup, &more)?;
    pair.wait_all()?;
    pair.sql("INSERT INTO m SELECT id + 1, cut, cutshort, cutbytes, masked, 'x', maskednumber, NULL, hashedtext, hashedv2, fixed, kind, gone FROM m;
        UPDATE m SET hashed = repeat('long', 5), cut = 'ab' WHERE id = 1; DELETE FROM m WHERE id = 2; UPDATE keyed SET v = 'w'; DELETE FROM keyed;")?;
    pair.wait_all()?;
    pair.compare()
}

#[test]
fn metadata_of_transactions() -> Result<()> {
    let setup = "CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE b (id int PRIMARY KEY, v text); CREATE TABLE c (id int PRIMARY KEY);
        INSERT INTO a VALUES (0, 'snapshot');";
    let more =
        [("provide.transaction.metadata", "true"), ("skipped.operations", "none"), ("table.exclude.list", "public.c")];
    let pair = Pair::start("transactions", setup, &more)?;
    pair.wait_all()?;
    pair.sql("BEGIN; INSERT INTO a VALUES (1, 'x'), (2, 'y'); INSERT INTO b VALUES (1, 'z'); UPDATE a SET v = 'w'; DELETE FROM b; COMMIT;
        INSERT INTO a VALUES (3, 'alone'); BEGIN; INSERT INTO a VALUES (4, 'lost'); ROLLBACK; UPDATE a SET id = 30 WHERE id = 3;
        BEGIN; INSERT INTO b VALUES (5, 'b'); SAVEPOINT s; INSERT INTO b VALUES (6, 'lost'); ROLLBACK TO s; TRUNCATE a, b; COMMIT;
        INSERT INTO c VALUES (1); BEGIN; INSERT INTO c VALUES (2); INSERT INTO a VALUES (9, 'n'); COMMIT;
        INSERT INTO a SELECT n, 'bulk' FROM generate_series(100, 3100) n;")?;
    pair.wait_all()?;
    pair.compare()
}

#[test]
fn source_types_in_schemas() -> Result<()> {
    let setup = "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN short AS varchar(5);
        CREATE TABLE p (id serial PRIMARY KEY, v varchar(20), t text, n numeric(10,2), nn numeric, i int NOT NULL DEFAULT 3, b bigint, d date, ts timestamp(3),
            tz timestamptz, f float8, bo bool, u uuid, j jsonb, e mood, s short, a int[], by bytea, c char(4), bi bit(8), iv interval);
        CREATE TABLE q (id int PRIMARY KEY, v varchar(7), w text);
        INSERT INTO p (v) VALUES ('a'); INSERT INTO q VALUES (1, 'a', 'b');";
    let more = [("column.propagate.source.type", "public.p.*"), ("datatype.propagate.source.type", r".+\.VARCHAR")];
    let pair = Pair::start("sourcetypes", setup, &more)?.knowing(&[
        (
            "public.p[0]",
            "source.column.length: Debezium \"0\", Sluice \"131089\"",
            "numeric without limits, as in the stream",
        ),
        ("public.p[0]", "source.column.scale: Debezium null, Sluice \"0\"", "the same"),
        ("public.p[1]", "source.column.type: Debezium \"INT4\", Sluice \"SERIAL\"", "a serial, as in the snapshot"),
    ]);
    pair.wait_all()?;
    pair.sql("INSERT INTO p (v, n) VALUES ('b', 1.5); UPDATE q SET v = 'c'; DELETE FROM q;")?;
    pair.wait_all()?;
    pair.compare()
}
