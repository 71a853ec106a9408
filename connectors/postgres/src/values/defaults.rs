//! Column defaults: the literals that Debezium puts into schemas, in the text form of the type.

/// The default of a column of the type `type_name` whose expression is `expression`, as the type's own text form; `None` for
/// none. A default that a function gives becomes the zero value of the type, as in Debezium.
pub(crate) fn default_text(type_name: &str, is_enum: bool, expression: &str) -> Option<String> {
    if is_enum {
        return enum_default(type_name, expression);
    }
    let zero = match type_name {
        "bit" => "00",
        "varbit" | "int2" | "int4" | "int8" => "0",
        "bool" => "false",
        "bpchar" | "varchar" | "text" | "xml" => "",
        "numeric" | "float4" | "float8" => "0.0",
        "json" | "jsonb" => "{}",
        "uuid" => "00000000-0000-0000-0000-000000000000",
        "date" | "timestamp" => "1970-01-01",
        "timestamptz" => "1970-01-01 00:00:00+00",
        "time" => "00:00",
        "interval" => "00:00:00",
        _ => return None,
    };
    let is_text = matches!(type_name, "bpchar" | "varchar" | "text" | "json" | "jsonb" | "xml");
    let expression = if is_text { expression } else { expression.trim() };
    if expression.starts_with("NULL::") {
        return None;
    }
    let text = if is_generated(expression) { zero.to_owned() } else { literal(expression)? };
    readable(type_name, text)
}

/// Only what the type can be read from, as expressions are not evaluated.
fn readable(type_name: &str, text: String) -> Option<String> {
    match type_name {
        "int2" => text.parse::<i16>().ok().map(|_| text),
        "int4" => text.parse::<i32>().ok().map(|_| text),
        "int8" => text.parse::<i64>().ok().map(|_| text),
        "float4" | "float8" => text.parse::<f64>().ok().map(|_| text),
        "numeric" => sluice_api::data::BigDecimal::parse(&text).ok().map(|_| text),
        // `Boolean.parseBoolean`.
        "bool" => Some(text.eq_ignore_ascii_case("true").to_string()),
        "bit" | "varbit" => text.bytes().all(|bit| matches!(bit, b'0' | b'1')).then_some(text),
        _ => Some(text),
    }
}

/// Whether a function or the clock gives the value: `[(]name(…)` or one of the words without parentheses.
fn is_generated(expression: &str) -> bool {
    let words = ["current_timestamp", "current_time", "current_date", "localtime", "localtimestamp"];
    if words.contains(&expression.to_lowercase().as_str()) {
        return true;
    }
    let body = expression.strip_prefix('(').unwrap_or(expression);
    let name = body.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))).unwrap_or(body.len());
    name > 0 && body[name..].starts_with('(') && body[name..].contains(')')
}

/// What is between the first quotes, or the whole expression when there are none.
fn literal(expression: &str) -> Option<String> {
    let Some(start) = expression.find('\'') else { return Some(expression.to_owned()) };
    let (mut out, mut rest) = (String::new(), &expression[start + 1..]);
    loop {
        let end = rest.find('\'')?;
        out.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        if !rest.starts_with('\'') {
            return Some(out);
        }
        out.push('\'');
        rest = &rest[1..];
    }
}

/// `'label'::type`.
fn enum_default(type_name: &str, expression: &str) -> Option<String> {
    let (value, cast) = expression.rsplit_once("::")?;
    let cast = cast.rsplit('.').next()?.trim_matches('"');
    if cast != type_name {
        return None;
    }
    Some(value.strip_prefix('\'')?.strip_suffix('\'')?.to_owned())
}
