//! Times of items: epoch milliseconds, or ISO 8601 with a zone (castorm's default pattern `yyyy-MM-dd'T'HH:mm:ss[.SSS]X`).

use sluice_api::data::civil_from_days;

const DAY_MS: i64 = 86_400_000;

/// Milliseconds since the epoch; `None` when the text is no such time.
pub(crate) fn parse(text: &str) -> Option<i64> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    let (date, rest) = text.split_at_checked(10)?;
    let time = rest.strip_prefix('T')?;
    let [year, month, day] = fields::<3>(date, '-')?;
    let (clock, rest) = time.split_at_checked(8)?;
    let [hour, minute, second] = fields::<3>(clock, ':')?;
    let right = (1..=12).contains(&month) && hour < 24 && minute < 60 && second < 60;
    let days = days_since_epoch(year, month, day);
    // A day that the month does not have comes out as another one.
    let (y, m, d) = civil_from_days(days);
    if !right || (y, i64::from(m), i64::from(d)) != (year, month, day) {
        return None;
    }
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|one: char| !one.is_ascii_digit())?),
        None => ("", rest),
    };
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    Some(days * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000 + millis - offset_ms(zone)?)
}

/// As Java's `Instant.toString` prints it.
pub(crate) fn print(millis: i64) -> String {
    let (year, month, day) = civil_from_days(millis.div_euclid(DAY_MS));
    let of_day = millis.rem_euclid(DAY_MS);
    let (seconds, fraction) = (of_day / 1000, of_day % 1000);
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:03}") };
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}{fraction}Z",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

fn fields<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut out = [0; N];
    for field in &mut out {
        let part = parts.next().filter(|part| part.len() >= 2 && part.bytes().all(|byte| byte.is_ascii_digit()))?;
        *field = part.parse().ok()?;
    }
    parts.next().is_none().then_some(out)
}

/// `Z`, `+01`, `+0100` or `+01:00`.
fn offset_ms(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let sign = match zone.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let digits: String = zone[1..].chars().filter(|one| *one != ':').collect();
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = format!("{digits:0<4}").parse().ok()?;
    Some(sign * (number / 100 * 60 + number % 100) * 60_000)
}

/// The proleptic Gregorian calendar, counted in years that begin with March.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year.div_euclid(400) * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_printed_as_java_does() {
        for (text, millis, printed) in [
            ("2020-05-08T07:55:44.099+0000", 1_588_924_544_099, "2020-05-08T07:55:44.099Z"),
            ("2020-05-08T07:55:44Z", 1_588_924_544_000, "2020-05-08T07:55:44Z"),
            ("2020-05-15T00:00:06.008000000+00:00", 1_589_500_806_008, "2020-05-15T00:00:06.008Z"),
            ("2020-01-01T01:00:00+01", 1_577_836_800_000, "2020-01-01T00:00:00Z"),
            ("1589500806008", 1_589_500_806_008, "2020-05-15T00:00:06.008Z"),
        ] {
            assert_eq!(parse(text), Some(millis), "{text}");
            assert_eq!(print(millis), printed);
        }
        for text in [
            "",
            "2020-05-08",
            "2020-02-30T00:00:00Z",
            "2020-05-08T07:55:44",
            "2020-05-08T24:00:00Z",
            "x",
            "2020-05-08T07:55:44.1",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
