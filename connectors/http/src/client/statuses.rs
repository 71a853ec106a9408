//! Sets of HTTP statuses as configurations write them: `400-`, `429,500-599`.

use std::ops::RangeInclusive;

/// A set of statuses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Statuses(Vec<RangeInclusive<u16>>);

impl Statuses {
    /// Comma separated statuses and ranges; a range without an end goes to 599, one without a start from 100, `5xx` is a hundred,
    /// `..` is as good as `-`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(range).collect::<Result<Vec<_>, _>>().map(Self)
    }

    pub(crate) fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

fn range(part: &str) -> Result<RangeInclusive<u16>, String> {
    let expected = || format!("expected statuses and ranges such as 429,500-599 or 400-, got {part}");
    let number = |text: &str, open: u16| match text.trim() {
        "" => Ok(open),
        text => text.parse().ok().filter(|status| (100..=599).contains(status)).ok_or_else(expected),
    };
    if let Some(hundred) = part.to_ascii_lowercase().strip_suffix("xx") {
        let hundred: u16 = hundred.parse().ok().filter(|digit| (1..=5).contains(digit)).ok_or_else(expected)?;
        return Ok(hundred * 100..=hundred * 100 + 99);
    }
    match part.split_once("..").or_else(|| part.split_once('-')) {
        None => number(part, 0).map(|status| status..=status),
        Some((from, to)) => {
            let (from, to) = (number(from, 100)?, number(to, 599)?);
            if from > to { Err(expected()) } else { Ok(from..=to) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_ranges_and_open_ranges_are_read() {
        let in_set = |text: &str| {
            let set = Statuses::parse(text).unwrap();
            [200, 399, 400, 404, 429, 500, 503, 599]
                .into_iter()
                .filter(|status| set.contains(*status))
                .collect::<Vec<_>>()
        };
        assert_eq!(in_set("400-"), [400, 404, 429, 500, 503, 599]);
        assert_eq!(in_set("429, 500-504"), [429, 500, 503]);
        assert_eq!(in_set("-399"), [200, 399]);
        assert_eq!(in_set("200..299,4xx"), [200, 400, 404, 429]);
        assert!(in_set("").is_empty());
    }

    #[test]
    fn mistakes_are_named() {
        for mistake in ["abc", "500-400", "99", "600", "6xx", "1-2-3"] {
            let message = Statuses::parse(mistake).unwrap_err();
            assert!(message.contains(mistake), "{message}");
        }
    }
}
