//! The keys with Debezium's names and defaults.

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedValue, Password, Validator, invalid};

use ConfigType::{Boolean, Int, List, Long, Password as Secret, String as Text};
use Importance::{High, Low, Medium};

/// Name, type, importance, default (`None` for required, empty for none) and what it does.
type Key = (&'static str, ConfigType, Importance, Option<&'static str>, &'static str);

const KEYS: &[Key] = &[
    ("topic.prefix", Text, High, None, "the logical name of the server, with which every topic begins"),
    (
        "database.hostname",
        Text,
        High,
        None,
        "host of the server; several, with or without port, between commas: the first that answers and takes writes is used",
    ),
    ("database.port", Int, High, Some("5432"), "port of hosts that have none"),
    ("database.user", Text, High, None, "role with REPLICATION, and SELECT on the tables"),
    ("database.password", Secret, High, Some(""), "password of the role"),
    ("database.dbname", Text, High, None, "the database; one per connector"),
    (
        "database.sslmode",
        Text,
        Medium,
        Some("prefer"),
        "`disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full`",
    ),
    ("database.sslcert", Text, Low, Some(""), "certificate of the client, PEM"),
    ("database.sslkey", Text, Low, Some(""), "key of the client's certificate, PEM or PKCS#8 DER"),
    ("database.sslpassword", Secret, Low, Some(""), "password of that key"),
    ("database.sslrootcert", Text, Low, Some(""), "authorities that the server's certificate may be of, PEM"),
    (
        "database.sslfactory",
        Text,
        Low,
        Some(""),
        "only `org.postgresql.ssl.NonValidatingFactory` means something: no verification",
    ),
    (
        "database.initial.statements",
        Text,
        Low,
        Some(""),
        "SQL that every session begins with, between `;`; `;;` is a semicolon",
    ),
    ("database.query.timeout.ms", Int, Low, Some("600000"), "how long a statement may take"),
    ("topic.delimiter", Text, Low, Some("."), "between the parts of a topic's name"),
    (
        "schema.name.adjustment.mode",
        Text,
        Low,
        Some("none"),
        "`none`, or `avro`: names of schemas get underscores for what Avro does not take",
    ),
    ("topic.heartbeat.prefix", Text, Low, Some("__debezium-heartbeat"), "heartbeats go to `<this>.<topic.prefix>`"),
    ("topic.heartbeat.name", Text, Low, Some(""), "topic of heartbeats, instead of the prefix"),
    ("slot.name", Text, High, Some("debezium"), "the replication slot, one per connector"),
    (
        "slot.drop.on.stop",
        Boolean,
        Medium,
        Some("false"),
        "drop the slot when the task stops: changes until the next start are lost",
    ),
    ("slot.failover", Boolean, Low, Some("false"), "make a failover slot (PostgreSQL 17)"),
    ("slot.stream.params", Text, Low, Some(""), "options of START_REPLICATION, `key=value;key=value`"),
    (
        "slot.max.retries",
        Int,
        Low,
        Some("6"),
        "no effect: a slot that another connection holds is tried until it is free",
    ),
    ("slot.retry.delay.ms", Long, Low, Some("10000"), "no effect, see `slot.max.retries`"),
    ("publication.name", Text, Medium, Some("dbz_publication"), "the publication"),
    (
        "publication.autocreate.mode",
        Text,
        Medium,
        Some("all_tables"),
        "`all_tables`, `filtered` (those of the lists), `no_tables` or `disabled`",
    ),
    (
        "publish.via.partition.root",
        Boolean,
        Low,
        Some("false"),
        "changes of partitions come under the name of the root",
    ),
    ("status.update.interval.ms", Long, Low, Some("10000"), "how often positions are reported to the server"),
    ("flush.lsn.source", Boolean, Low, Some("true"), "tell the server what it may forget"),
    ("lsn.flush.mode", Text, Low, Some("connector"), "`connector` as before, `manual` never"),
    (
        "snapshot.mode",
        Text,
        Medium,
        Some("initial"),
        "`initial`, `initial_only`, `always`, `no_data` (`never`) or `when_needed`",
    ),
    ("snapshot.locking.mode", Text, Low, Some("none"), "`none` or `shared` (ACCESS SHARE on every table)"),
    ("snapshot.lock.timeout.ms", Long, Low, Some("10000"), "how long a lock may take"),
    ("snapshot.delay.ms", Long, Low, Some("0"), "pause before a snapshot"),
    (
        "snapshot.include.collection.list",
        Text,
        Low,
        Some(""),
        "tables of the snapshot, as regular expressions; all that are captured by default",
    ),
    (
        "snapshot.select.statement.overrides",
        Text,
        Low,
        Some(""),
        "tables as `schema.table` that the snapshot reads by the statement in `snapshot.select.statement.overrides.<schema>.<table>`",
    ),
    ("schema.include.list", Text, Medium, Some(""), "schemas, as regular expressions"),
    ("schema.exclude.list", Text, Medium, Some(""), "schemas that are left out"),
    ("table.include.list", Text, High, Some(""), "tables as `schema.table`, as regular expressions"),
    ("table.exclude.list", Text, Medium, Some(""), "tables that are left out"),
    (
        "column.include.list",
        Text,
        Medium,
        Some(""),
        "columns as `schema.table.column`, as regular expressions; key columns must be among them",
    ),
    (
        "column.propagate.source.type",
        Text,
        Low,
        Some(""),
        "columns whose fields tell type, length and scale as schema parameters, as regular expressions",
    ),
    (
        "datatype.propagate.source.type",
        Text,
        Low,
        Some(""),
        "the same for types as `schema.table.type`, as regular expressions",
    ),
    ("column.exclude.list", Text, Medium, Some(""), "columns that are left out; key columns cannot be"),
    (
        "message.key.columns",
        Text,
        Low,
        Some(""),
        "other keys than the tables' own: `table:column,column;table:column`, tables as regular expressions",
    ),
    ("skipped.operations", List, Low, Some("t"), "operations that give no record: `c`, `u`, `d`, `t` or `none`"),
    (
        "skip.messages.without.change",
        Boolean,
        Low,
        Some("false"),
        "updates that change nothing give no record (REPLICA IDENTITY FULL)",
    ),
    ("decimal.handling.mode", Text, Medium, Some("precise"), "`precise`, `double` or `string`"),
    (
        "time.precision.mode",
        Text,
        Medium,
        Some("adaptive"),
        "`adaptive`, `adaptive_time_microseconds`, `connect`, `isostring`, `microseconds` or `nanoseconds`",
    ),
    ("binary.handling.mode", Text, Low, Some("bytes"), "`bytes`, `base64`, `base64-url-safe` or `hex`"),
    ("hstore.handling.mode", Text, Low, Some("json"), "`json` or `map`"),
    ("interval.handling.mode", Text, Low, Some("numeric"), "`numeric` or `string`"),
    ("money.fraction.digits", Int, Low, Some("2"), "digits after the point of money"),
    ("include.unknown.datatypes", Boolean, Low, Some("false"), "columns of unknown types as bytes"),
    (
        "unavailable.value.placeholder",
        Text,
        Low,
        Some("__debezium_unavailable_value"),
        "what stands for an unchanged value that the server does not send; bytes behind `hex:`",
    ),
    (
        "provide.transaction.metadata",
        Boolean,
        Low,
        Some("false"),
        "a record where a transaction begins and ends, and its number and order in every event",
    ),
    ("topic.transaction", Text, Low, Some("transaction"), "those records go to `<topic.prefix>.<this>`"),
    ("tombstones.on.delete", Boolean, Medium, Some("true"), "a record without value after a delete"),
    ("extended.headers.enabled", Boolean, Low, Some("true"), "`__debezium.context.*` headers"),
    ("heartbeat.interval.ms", Long, Medium, Some("0"), "how often a heartbeat is sent, 0 for never"),
    ("heartbeat.action.query", Text, Low, Some(""), "SQL that every heartbeat runs"),
    ("max.batch.size", Int, Medium, Some("2048"), "records of a poll at most"),
    (
        "retriable.restart.connector.wait.ms",
        Long,
        Low,
        Some("10000"),
        "the longest pause before a lost connection is tried again",
    ),
    (
        "sluice.slot.retained.warn.bytes",
        Long,
        Low,
        Some("10737418240"),
        "ours: WAL that the server keeps for the slot; beyond it there is a warning, 0 for none",
    ),
    (
        "sluice.slot.retained.fail.bytes",
        Long,
        Low,
        Some("0"),
        "ours: retained WAL at which the task fails, 0 for never",
    ),
];

/// Values that a key may have, in any case.
const CHOICES: &[(&str, &[&str])] = &[
    ("database.sslmode", &["disable", "allow", "prefer", "require", "required", "verify-ca", "verify-full"]),
    ("schema.name.adjustment.mode", &["none", "avro", "avro_unicode"]),
    ("publication.autocreate.mode", &["all_tables", "disabled", "filtered", "no_tables"]),
    (
        "snapshot.mode",
        &["always", "initial", "initial_only", "no_data", "never", "when_needed", "configuration_based", "custom"],
    ),
    ("snapshot.locking.mode", &["none", "shared", "custom"]),
    ("decimal.handling.mode", &["precise", "double", "string"]),
    (
        "time.precision.mode",
        &[
            "adaptive",
            "adaptive_time_microseconds",
            "connect",
            "isostring",
            "microseconds",
            "nanoseconds",
            "structured",
        ],
    ),
    ("binary.handling.mode", &["bytes", "base64", "base64-url-safe", "hex"]),
    ("hstore.handling.mode", &["json", "map"]),
    ("interval.handling.mode", &["numeric", "string"]),
];

/// The definition.
pub(crate) fn definition() -> ConfigDef {
    KEYS.iter().fold(ConfigDef::new(), |definition, key| definition.define(define(*key)))
}

fn define((name, kind, importance, default, documentation): Key) -> ConfigKey {
    let mut key = ConfigKey::new(name, kind, importance, documentation);
    if let Some(default) = default {
        key = key.default(parsed(kind, default));
    }
    if let Some((_, choices)) = CHOICES.iter().find(|(one, _)| *one == name) {
        key = key.validator(Validator::one_of_ignoring_case(choices));
    }
    match name {
        "slot.name" => key.validator(slot_name()),
        "max.batch.size" => key.validator(Validator::at_least(1)),
        "topic.prefix" | "database.hostname" | "database.user" | "database.dbname" => {
            key.validator(Validator::non_empty_string())
        }
        _ => key,
    }
}

fn parsed(kind: ConfigType, default: &str) -> ParsedValue {
    match kind {
        Boolean => ParsedValue::Boolean(default == "true"),
        Int => ParsedValue::Int(default.parse().unwrap_or(0)),
        Long => ParsedValue::Long(default.parse().unwrap_or(0)),
        List => ParsedValue::List(vec![default.to_owned()]),
        Secret if !default.is_empty() => ParsedValue::Password(Password::new(default)),
        _ if default.is_empty() => ParsedValue::Null,
        _ => ParsedValue::String(default.to_owned()),
    }
}

fn slot_name() -> Validator {
    Validator::new("a name of a slot", |name, value| {
        let text = value.to_string();
        let fits = (1..=63).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if fits { Ok(()) } else { Err(invalid(name, value, "a slot's name has 1 to 63 of a-z, 0-9 and _")) }
    })
}
