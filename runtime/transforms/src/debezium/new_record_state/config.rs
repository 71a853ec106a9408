//! The keys of `ExtractNewRecordState`.

use sluice_api::config::{ConfigDef, ConfigType, Importance, ParsedValue, Validator, Width, invalid};
use sluice_api::{Properties, Result};

use super::super::settings::{Settings, key, text_default};
use super::super::splitting::trim;
use super::DeleteHandling;
use super::added_field::AddedField;
use crate::null_default::NullDefault;

const DELETE_HANDLING: &str = "delete.tombstone.handling.mode";
const PREFIX: &str = "__";

const DELETE_HANDLINGS: [(&str, DeleteHandling); 5] = [
    ("tombstone", DeleteHandling::Tombstone),
    ("drop", DeleteHandling::Drop),
    ("rewrite", DeleteHandling::Rewrite),
    ("rewrite-with-tombstone", DeleteHandling::RewriteWithTombstone),
    ("delete-to-tombstone", DeleteHandling::DeleteToTombstone),
];

/// What was configured.
pub(super) struct Config {
    pub(super) delete_handling: DeleteHandling,
    pub(super) route_by_field: Option<String>,
    pub(super) fields: Vec<AddedField>,
    pub(super) headers: Vec<AddedField>,
    pub(super) null_default: NullDefault,
    pub(super) drop_fields_header: Option<String>,
    pub(super) drop_fields_from_key: bool,
    pub(super) drop_fields_keep_schema_compatible: bool,
}

impl Config {
    pub(super) fn of(properties: &Properties) -> Result<Self> {
        let mut settings = Settings::new(properties);
        let route_by_field = settings.text("route.by.field", "");
        let drop_header = settings.opt_text("drop.fields.header.name").filter(|name| !trim(name).is_empty());
        let config = Self {
            delete_handling: settings.choice(DELETE_HANDLING, &DELETE_HANDLINGS),
            route_by_field: (!route_by_field.is_empty()).then(|| route_by_field.to_owned()),
            fields: added(&mut settings, "add.fields", "add.fields.prefix"),
            headers: added(&mut settings, "add.headers", "add.headers.prefix"),
            // Debezium does not check this one.
            null_default: NullDefault::of_text(settings.text("replace.null.with.default", "true")),
            drop_fields_header: drop_header.map(str::to_owned),
            drop_fields_from_key: settings.flag("drop.fields.from.key", false),
            drop_fields_keep_schema_compatible: settings.flag("drop.fields.keep.schema.compatible", true),
        };
        settings.connect_error().map_or(Ok(config), Err)
    }
}

fn added(settings: &mut Settings<'_>, key: &'static str, prefix: &str) -> Vec<AddedField> {
    let prefix = settings.text(prefix, PREFIX);
    AddedField::list(settings.text(key, ""), prefix).unwrap_or_else(|detail| {
        settings.problem(key, &detail);
        Vec::new()
    })
}

pub(super) fn definition() -> ConfigDef {
    let text = |name, width, display, doc| key(name, ConfigType::String, Importance::Low, width, display, doc);
    let list = |name, display, doc| {
        key(name, ConfigType::List, Importance::Low, Width::Long, display, doc).default(ParsedValue::List(Vec::new()))
    };
    let flag = |name, default, display, doc| {
        let key = key(name, ConfigType::Boolean, Importance::Low, Width::Short, display, doc);
        key.default(ParsedValue::Boolean(default))
    };
    let doc = "What becomes of deleted rows and of the tombstones after them: drop both; tombstone (drop the row, keep its \
               tombstone); rewrite (the row goes on with the field `__deleted`); rewrite-with-tombstone; delete-to-tombstone.";
    let display = "Handle delete and tombstone records";
    let handling = key(DELETE_HANDLING, ConfigType::String, Importance::Medium, Width::Medium, display, doc);
    let fields = "Parts of the change event that the row gets as fields, e.g. `op,source.ts_ms:changed_at`.";
    let headers = "Parts of the change event that become headers, written like `add.fields`.";
    ConfigDef::new()
        .define(handling.default(text_default("tombstone")).validator(known_handling()))
        .define(
            text("route.by.field", Width::Long, "Route by field name", "The column whose value is the topic.")
                .default(text_default("")),
        )
        .define(
            text(
                "add.fields.prefix",
                Width::Short,
                "Field prefix to be added to each field.",
                "Prefix of added fields.",
            )
            .default(text_default(PREFIX)),
        )
        .define(list("add.fields", "Adds the specified field(s) to the message if they exist.", fields))
        .define(
            text(
                "add.headers.prefix",
                Width::Short,
                "Header prefix to be added to each header.",
                "Prefix of added headers.",
            )
            .default(text_default(PREFIX)),
        )
        .define(list("add.headers", "Adds the specified fields to the header if they exist.", headers))
        .define(text(
            "drop.fields.header.name",
            Width::Short,
            "Specifies a header that contains a list of field names to be removed",
            "The header that lists fields to leave out.",
        ))
        .define(flag(
            "drop.fields.from.key",
            false,
            "Specifies whether the fields to be dropped should also be omitted from the key",
            "Whether those fields are left out of the key too.",
        ))
        .define(flag(
            "drop.fields.keep.schema.compatible",
            true,
            "Specifies if fields are dropped, will the event's schemas be compatible",
            "Whether only optional fields are left out.",
        ))
}

/// The one key that Debezium checks in Kafka Connect's validation.
fn known_handling() -> Validator {
    Validator::new("", |name, value| match value {
        ParsedValue::String(text) => {
            let known = DELETE_HANDLINGS.iter().any(|(mode, _)| mode.eq_ignore_ascii_case(trim(text)));
            let listed = "drop, tombstone, rewrite, rewrite-with-tombstone, delete-to-tombstone";
            if known { Ok(()) } else { Err(invalid(name, value, &format!("Value must be one of {listed}"))) }
        }
        _ => Ok(()),
    })
}
