//! What may be done to stored offsets over REST (connect-plugins.md 4.4).

use sluice_api::connector::AlteredOffsets;
use sluice_api::{ConnectError, OffsetMap, Result, Value};

/// Checks that every partition has these texts, a partition number where `with_partition` says so, and an offset that `is_allowed`. Anything may
/// be deleted.
///
/// # Errors
/// The first partition or offset that cannot be.
pub(crate) fn check(offsets: &AlteredOffsets, texts: &[&str], with_partition: bool, only_zero: bool) -> Result<bool> {
    for (partition, offset) in offsets {
        let Some(offset) = offset else { continue };
        let partition = partition.as_ref().ok_or_else(|| refused("Source partitions may not be null".to_owned()))?;
        for key in texts {
            check_text(partition, key)?;
        }
        if with_partition {
            let shown = show(partition);
            let number = whole(partition, "partition", &format!("Source partition {shown}"), i32::MAX.into())?;
            if number < 0 {
                let detail = "has an invalid value";
                return Err(refused(format!(
                    "Source partition {shown} {detail} {number} for the 'partition' key, which cannot be negative"
                )));
            }
        }
        check_offset(partition, offset, only_zero)?;
    }
    Ok(true)
}

fn check_text(partition: &OffsetMap, key: &str) -> Result<()> {
    match partition.get(key) {
        None | Some(Value::Null) => {
            Err(refused(format!("Source partition {} is missing the '{key}' key, which is required", show(partition))))
        }
        Some(Value::String(_)) => Ok(()),
        Some(other) => Err(refused(format!(
            "Source partition {} has an invalid value {other} for the '{key}' key, which must be a string",
            show(partition)
        ))),
    }
}

fn check_offset(partition: &OffsetMap, offset: &OffsetMap, only_zero: bool) -> Result<()> {
    let shown = show(offset);
    if matches!(offset.get("offset"), None | Some(Value::Null)) {
        return Err(refused(format!(
            "Source offset {shown} for source partition {} is missing the 'offset' key, which is required",
            show(partition)
        )));
    }
    let number = whole(offset, "offset", &format!("Source offset {shown}"), i64::MAX)?;
    let about = format!("Source offset {shown} for source partition {} has an invalid value {number}", show(partition));
    match number {
        0 => Ok(()),
        _ if only_zero => Err(refused(format!("{about} for the 'offset' key; the only accepted value is 0"))),
        number if number < 0 => Err(refused(format!("{about} for the 'offset' key, which cannot be negative"))),
        _ => Ok(()),
    }
}

fn whole(map: &OffsetMap, key: &str, of: &str, most: i64) -> Result<i64> {
    let number = match map.get(key) {
        None | Some(Value::Null) => return Err(refused(format!("{of} is missing the '{key}' key, which is required"))),
        Some(Value::Int32(number)) => Some((*number).into()),
        Some(Value::Int64(number)) => Some(*number),
        Some(_) => None,
    };
    let value = || map.get(key).map(ToString::to_string).unwrap_or_default();
    let wrong =
        || refused(format!("{of} has an invalid value {} for the '{key}' key, which must be an integer", value()));
    number.filter(|number| *number <= most).ok_or_else(wrong)
}

/// As Java prints a map.
fn show(map: &OffsetMap) -> String {
    let fields: Vec<String> = map.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{{{}}}", fields.join(", "))
}

fn refused(message: String) -> ConnectError {
    ConnectError::connect(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(fields: &[(&str, Value)]) -> OffsetMap {
        fields.iter().map(|(name, value)| ((*name).into(), value.clone())).collect()
    }

    fn alter(partition: &[(&str, Value)], offset: &[(&str, Value)]) -> Result<bool> {
        check(&vec![(Some(map(partition)), Some(map(offset)))], &["cluster", "topic"], true, false)
    }

    #[test]
    fn what_the_task_reads_is_accepted() {
        let partition = [("cluster", Value::from("A")), ("topic", Value::from("t")), ("partition", Value::Int64(3))];
        assert!(alter(&partition, &[("offset", Value::Int64(7))]).expect("accepted"));
        assert!(check(&vec![(None, None)], &["cluster"], true, false).expect("anything may be deleted"));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let t = || ("topic", Value::from("t"));
        let a = || ("cluster", Value::from("A"));
        let error = alter(&[t(), ("partition", Value::Int64(3))], &[("offset", Value::Int64(7))]).expect_err("refused");
        assert!(error.message().ends_with("is missing the 'cluster' key, which is required"), "{error}");
        for (partition, offset, end) in [
            (Value::Int64(-1), Value::Int64(0), "for the 'partition' key, which cannot be negative"),
            (Value::from("x"), Value::Int64(0), "for the 'partition' key, which must be an integer"),
            (Value::Int64(1 << 40), Value::Int64(0), "for the 'partition' key, which must be an integer"),
            (Value::Int64(0), Value::Int64(-1), "for the 'offset' key, which cannot be negative"),
            (Value::Int64(0), Value::Null, "is missing the 'offset' key, which is required"),
        ] {
            let error = alter(&[a(), t(), ("partition", partition)], &[("offset", offset)]).expect_err("refused");
            assert!(error.message().ends_with(end), "{error}");
        }
        let zero =
            check(&vec![(Some(map(&[a()])), Some(map(&[("offset", Value::Int64(1))])))], &["cluster"], false, true);
        assert!(zero.expect_err("refused").message().ends_with("the only accepted value is 0"));
    }
}
