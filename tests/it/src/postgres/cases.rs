//! Hand-made cases beside Debezium: every type as a column, as a required one with a default, as a key and in an array, with and
//! without the whole old row; and every kind of event. All tables are in one database, so one connector of each kind serves them.

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};
use sluice_harness::{Random, Tier, count, tier};

use super::events::EVENTS;
use super::side_by_side::{Known, Pair};

/// SQL type, and literals: the first one is in the snapshot.
const TYPES: &[(&str, &[&str])] = &[
    ("bool", &["true", "false"]),
    ("smallint", &["0", "-32768", "32767"]),
    ("int", &["1", "-2147483648", "2147483647"]),
    ("bigint", &["1", "-9223372036854775808", "9223372036854775807"]),
    ("real", &["1.5", "'-Infinity'", "'NaN'", "1e-30"]),
    ("double precision", &["2.25", "'Infinity'", "'NaN'", "1e300"]),
    ("numeric", &["12.3400", "-0.000001", "100000000000000000000"]),
    ("numeric(10,4)", &["1.5", "-999999.9999", "0"]),
    ("numeric(5,0)", &["7", "-99999"]),
    ("money", &["'12.34'", "'-0.01'", "'92233720368547758.07'"]),
    ("oid", &["42", "4294967295"]),
    ("text", &["'a'", "''", "E'tab\\t\\\\back\\nline'", "'üñí 😀'"]),
    ("varchar(20)", &["'v'", "'twenty characters ok'"]),
    ("char(6)", &["'c'", "'padded'"]),
    ("\"char\"", &["'x'", "'y'"]),
    ("citext", &["'Ci'", "'cI TEXT'"]),
    ("uuid", &["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'00000000-0000-0000-0000-000000000000'"]),
    ("json", &["'{\"a\":  [1, 2]}'", "'null'", "'\"text\"'"]),
    ("jsonb", &["'{\"b\":  1, \"a\": null}'", "'[]'"]),
    ("xml", &["'<a>b</a>'", "'<c d=\"e\"/>'"]),
    ("inet", &["'10.1.2.3/8'", "'::1'"]),
    ("cidr", &["'10.0.0.0/8'", "'2001:db8::/32'"]),
    ("macaddr", &["'08:00:2b:01:02:03'"]),
    ("macaddr8", &["'08:00:2b:01:02:03:04:05'"]),
    ("bytea", &["'\\x00ff10'", "''"]),
    ("bit(1)", &["B'1'", "B'0'"]),
    ("bit(8)", &["B'10000001'", "B'00000000'"]),
    ("bit(20)", &["B'10000000000000000001'"]),
    ("varbit(16)", &["B'101'", "B''", "B'1111111100000001'"]),
    ("date", &["'2024-02-29'", "'9999-12-31'", "'0044-03-15 BC'"]),
    ("time", &["'10:11:12.123456'", "'24:00:00'"]),
    ("time(3)", &["'23:59:59.999'", "'00:00:00'"]),
    ("timetz", &["'10:11:12.5+02'", "'00:00:00-12'"]),
    ("timestamp", &["'2024-02-29 10:11:12.123456'", "'infinity'", "'-infinity'", "'0044-03-15 01:02:03 BC'"]),
    ("timestamp(3)", &["'1969-12-31 23:59:59.999'", "'infinity'"]),
    ("timestamptz", &["'2024-02-29 10:11:12.123456+03'", "'infinity'", "'-infinity'", "'0044-03-15 01:02:03+00 BC'"]),
    ("timestamptz(3)", &["'2024-02-29 10:11:12.5+03'", "'12024-01-01 00:00:00+00'"]),
    ("interval", &["'1 year 2 mons 3 days 04:05:06.789'", "'-1 mons +3 days -04:05:06'", "'0'"]),
    ("int4range", &["'[1,5)'", "'empty'", "'(,5]'"]),
    ("int8range", &["'[1,5)'", "'(,)'"]),
    ("numrange", &["'[1.5,2.5]'", "'(1,2)'"]),
    ("tsrange", &["'[2020-01-01,2020-02-01)'", "'[2020-01-01 00:00:00.5,)'"]),
    ("tstzrange", &["'[2020-01-01 00:00:00+00,)'"]),
    ("daterange", &["'[2020-01-01,2020-02-01)'", "'empty'"]),
    ("point", &["'(1.5,-2)'", "'(0,0)'"]),
    ("ltree", &["'Top.Sub'", "'A'"]),
    ("hstore", &["'a=>1'", "'a=>NULL'", "''"]),
    ("tsvector", &["'a:1 b:2'", "''"]),
    ("isbn", &["'978-0-393-04002-9'"]),
    ("mood", &["'ok'", "'happy'"]),
    ("short", &["'dom'", "'12345'"]),
    ("amount", &["12.345", "-1"]),
];
/// Types without an order, which cannot be keys.
const NO_KEYS: &[&str] = &["json", "xml", "point"];
/// Types whose arrays Debezium leaves out, or cannot fill (COMPATIBILITY, `types.rs`).
const NO_ARRAYS: &[&str] = &["bit(1)", "bit(8)", "bit(20)", "amount", "short"];
const PRELUDE: &str = "
CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION ltree; CREATE EXTENSION isn;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); CREATE DOMAIN short AS varchar(5); CREATE DOMAIN amount AS numeric(8,3);
";

/// Tables before the connectors start, and what happens to them afterwards. Every step of every case is awaited before the next one
/// begins: both connectors look into the catalog when a definition changes.
pub(super) struct Case {
    pub(super) name: String,
    setup: String,
    steps: Vec<String>,
}

fn typed(at: usize, sql_type: &str, literals: &[&str]) -> Vec<Case> {
    let first = literals[0];
    let case = |kind: &str, setup: &str, steps: &[String]| {
        let name = format!("c{at:02}_{kind}");
        let named = |sql: &str| sql.replace("T_", &name);
        Case { setup: named(setup), steps: steps.iter().map(|step| named(step)).collect(), name }
    };
    let inserts = |columns: &str| {
        let rows = literals.iter().enumerate().map(|(n, literal)| format!("({}, {literal})", n + 10));
        format!("INSERT INTO T_ ({columns}) VALUES {};", rows.collect::<Vec<_>>().join(", "))
    };
    let last = literals[literals.len() - 1];
    let mut cases = vec![
        case(
            "column",
            &format!(
                "CREATE TABLE T_ (id int PRIMARY KEY, v {sql_type}); INSERT INTO T_ VALUES (1, {first}), (2, NULL);"
            ),
            &[format!(
                "{} UPDATE T_ SET v = {last} WHERE id = 1; UPDATE T_ SET v = NULL WHERE id = 10; DELETE FROM T_ WHERE id = 2;",
                inserts("id, v")
            )],
        ),
        case(
            "required",
            &format!(
                "CREATE TABLE T_ (id int PRIMARY KEY, v {sql_type} NOT NULL DEFAULT {first}); INSERT INTO T_ VALUES (1);"
            ),
            &[format!("{} INSERT INTO T_ VALUES (2); DELETE FROM T_;", inserts("id, v"))],
        ),
        case(
            "full",
            &format!(
                "CREATE TABLE T_ (id int PRIMARY KEY, v {sql_type}); ALTER TABLE T_ REPLICA IDENTITY FULL; INSERT INTO T_ VALUES (1, {first});"
            ),
            &[format!(
                "UPDATE T_ SET v = {last}; UPDATE T_ SET v = NULL; UPDATE T_ SET id = 2, v = {first}; DELETE FROM T_;"
            )],
        ),
    ];
    if !NO_KEYS.contains(&sql_type) {
        cases.push(case(
            "key",
            &format!("CREATE TABLE T_ (id {sql_type} PRIMARY KEY, n int); INSERT INTO T_ VALUES ({first}, 1);"),
            &[format!("UPDATE T_ SET n = 2; UPDATE T_ SET id = {last}; DELETE FROM T_;")],
        ));
    }
    if !NO_ARRAYS.contains(&sql_type) {
        let all = literals.join(", ");
        cases.push(case(
            "array",
            &format!("CREATE TABLE T_ (id int PRIMARY KEY, v {sql_type}[]); INSERT INTO T_ VALUES (1, ARRAY[{first}]::{sql_type}[]), (2, NULL);"),
            &[format!("INSERT INTO T_ VALUES (3, ARRAY[{all}]::{sql_type}[]), (4, '{{}}'); UPDATE T_ SET v = NULL WHERE id = 3; DELETE FROM T_ WHERE id = 1;")],
        ));
    }
    cases
}

fn all() -> Vec<Case> {
    let types = TYPES.iter().enumerate().flat_map(|(at, (sql_type, literals))| typed(at, sql_type, literals));
    let events = EVENTS.iter().map(|(name, setup, steps)| {
        let named = |sql: &str| sql.replace("T_", &format!("e_{name}"));
        Case { name: format!("e_{name}"), setup: named(setup), steps: steps.iter().map(|step| named(step)).collect() }
    });
    types.chain(events).collect()
}

/// All in the drill; a part of the types, always the same, and every kind of event in the test tier.
fn chosen() -> Vec<Case> {
    let mut cases = all();
    if tier() == Tier::Test {
        let mut random = Random::of_cases("postgres::cases");
        cases.retain(|case| case.name.starts_with("e_") || random.range(0, 6) == 0);
    }
    cases
}

/// Rows of COMPATIBILITY.
const KNOWN: &[Known] = &[
    ("public.e_partitioned", "Debezium has 2 records, Sluice 0", "the root is not read besides its partitions"),
    (
        "public.e_new_label",
        "parameters.allowed: Debezium \"a,c\", Sluice \"a,b,c\"",
        "labels are those of the definition",
    ),
];

#[test]
fn hand_made_cases() -> Result<()> {
    ensure!(all().len() >= 200, "{} cases", all().len());
    let cases = chosen();
    let mut setup = PRELUDE.to_owned();
    // Made before, as one of the cases has no replica identity, and as all tables change in the middle.
    setup += "CREATE PUBLICATION pgjvm_cases FOR ALL TABLES; CREATE PUBLICATION pgown_cases FOR ALL TABLES;";
    cases.iter().try_for_each(|case| writeln!(setup, "{}", case.setup))?;
    // One topic for all tables: hundreds of topics take long to make and to read.
    let route = [
        ("transforms", "route"),
        ("transforms.route.type", "org.apache.kafka.connect.transforms.RegexRouter"),
        ("transforms.route.regex", r"(.*)\.public\.[ce].*"),
        ("transforms.route.replacement", "$1.cases"),
        ("publication.autocreate.mode", "disabled"),
        ("skipped.operations", "none"),
    ];
    let pair = Pair::start("cases", &setup, &route)?.knowing(KNOWN);
    pair.wait_all()?;
    let rounds = cases.iter().map(|case| case.steps.len()).max().unwrap_or(0);
    for round in 0..rounds {
        for case in &cases {
            if let Some(step) = case.steps.get(round) {
                pair.sql(step).with_context(|| format!("{}: {step}", case.name))?;
            }
        }
        pair.wait_all()?;
    }
    println!("{} cases in {rounds} rounds", cases.len());
    pair.compare()
}

/// What a generated history may do, and how often.
fn change(random: &mut Random, columns: &[String], next: &mut i64) -> String {
    let id = random.range(1, 40);
    let value = random.range(0, 1000);
    let column = &columns[random.range(0, columns.len() as u64) as usize];
    match random.range(0, 14) {
        0..=3 => {
            *next += 1;
            format!("INSERT INTO h_main (id, {column}) VALUES ({}, '{value}');", *next)
        }
        4..=6 => format!("UPDATE h_main SET {column} = '{value}' WHERE id % 7 = {};", id % 7),
        7 => format!("DELETE FROM h_main WHERE id = (SELECT min(id) + {} FROM h_main);", id % 5),
        8 => {
            *next += 1;
            format!("UPDATE h_main SET id = {} WHERE id = (SELECT max(id) FROM h_main);", *next)
        }
        9 => format!("BEGIN; INSERT INTO h_main (id) VALUES (-{id}); DELETE FROM h_other; ROLLBACK;"),
        10 => {
            *next += 3;
            format!(
                "BEGIN; INSERT INTO h_main (id, {column}) VALUES ({next}, 's'); SAVEPOINT a; UPDATE h_main SET {column} = 'lost'; ROLLBACK TO a;
                 SAVEPOINT b; INSERT INTO h_other VALUES ({next}, 'kept'); RELEASE b; UPDATE h_main SET {column} = 'x' WHERE id = {next}; COMMIT;"
            )
        }
        11 => {
            let (from, to) = (*next + 1, *next + 150);
            *next = to;
            format!(
                "INSERT INTO h_other SELECT n, 'bulk' FROM generate_series({from}, {to}) n; DELETE FROM h_other WHERE n BETWEEN {from} AND {};",
                to - 5
            )
        }
        12 => "TRUNCATE h_other;".to_owned(),
        _ => format!(
            "UPDATE h_full SET v = v || '{value}', big = CASE WHEN {value} < 500 THEN big ELSE repeat('{value}', 3000) END;"
        ),
    }
}

/// Changes the definition of `h_main`, and says which columns it has then.
fn definition(random: &mut Random, columns: &mut Vec<String>, number: usize) -> String {
    let at = random.range(0, columns.len() as u64) as usize;
    match random.range(0, 4) {
        0 if columns.len() > 2 => format!("ALTER TABLE h_main DROP COLUMN {};", columns.remove(at)),
        1 => {
            let new = format!("r{number}");
            let old = std::mem::replace(&mut columns[at], new.clone());
            format!("ALTER TABLE h_main RENAME COLUMN {old} TO {new};")
        }
        2 => format!("ALTER TABLE h_main ALTER COLUMN {} TYPE varchar(100);", columns[at]),
        _ => {
            columns.push(format!("a{number}"));
            format!("ALTER TABLE h_main ADD COLUMN a{number} text DEFAULT 'new';")
        }
    }
}

#[test]
fn generated_histories() -> Result<()> {
    let setup = "CREATE TABLE h_main (id bigint PRIMARY KEY, c0 text, c1 text NOT NULL DEFAULT 'one');
        CREATE TABLE h_other (n bigint PRIMARY KEY, v text); CREATE TABLE h_full (id int PRIMARY KEY, v text, big text);
        ALTER TABLE h_full REPLICA IDENTITY FULL; ALTER TABLE h_full ALTER big SET STORAGE EXTERNAL;
        INSERT INTO h_main SELECT n FROM generate_series(1, 30) n; INSERT INTO h_full VALUES (1, 'a', repeat('b', 9000)), (2, 'c', '');";
    let mut random = Random::of_cases("postgres::generated_histories");
    let mut columns = vec!["c0".to_owned(), "c1".to_owned()];
    let mut next = 1000;
    let pair = Pair::start("generated", setup, &[("skipped.operations", "none")])?;
    pair.wait_all()?;
    let rounds = count(4, 60);
    for round in 0..rounds {
        let changes: String = (0..25).map(|_| change(&mut random, &columns, &mut next)).collect();
        pair.sql(&changes).with_context(|| changes.clone())?;
        pair.wait_all()?;
        let ddl = definition(&mut random, &mut columns, round);
        // A row of the new definition makes both look at it before the next change.
        next += 1;
        pair.sql(&format!("{ddl} INSERT INTO h_main (id) VALUES ({next});")).with_context(|| ddl.clone())?;
        pair.wait_all()?;
    }
    println!("{rounds} rounds of 25 statements and a change of a definition");
    pair.compare()
}
