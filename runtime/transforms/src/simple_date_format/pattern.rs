//! Patterns: letters that stand for fields, and literal text.

/// A letter of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Letter {
    Era,
    Year,
    WeekYear,
    Month,
    WeekOfYear,
    WeekOfMonth,
    DayOfYear,
    DayOfMonth,
    DayOfWeekInMonth,
    DayOfWeek,
    IsoDayOfWeek,
    AmPm,
    HourOfDay,
    HourOfDay1,
    Hour,
    Hour1,
    Minute,
    Second,
    Millisecond,
    ZoneName,
    ZoneOffset,
    IsoZone,
}

/// A piece of a pattern.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    Literal(String),
    Field(Letter, usize),
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatternError {
    #[error("Illegal pattern character '{0}'")]
    IllegalCharacter(char),
    #[error("Unterminated quote")]
    UnterminatedQuote,
    #[error("invalid ISO 8601 format: length={0}")]
    IsoZone(usize),
}

impl Letter {
    fn of(letter: char) -> Option<Self> {
        Some(match letter {
            'G' => Self::Era,
            'y' => Self::Year,
            'Y' => Self::WeekYear,
            // The form of a month that stands alone is the same in English.
            'M' | 'L' => Self::Month,
            'w' => Self::WeekOfYear,
            'W' => Self::WeekOfMonth,
            'D' => Self::DayOfYear,
            'd' => Self::DayOfMonth,
            'F' => Self::DayOfWeekInMonth,
            'E' => Self::DayOfWeek,
            'u' => Self::IsoDayOfWeek,
            'a' => Self::AmPm,
            'H' => Self::HourOfDay,
            'k' => Self::HourOfDay1,
            'K' => Self::Hour,
            'h' => Self::Hour1,
            'm' => Self::Minute,
            's' => Self::Second,
            'S' => Self::Millisecond,
            'z' => Self::ZoneName,
            'Z' => Self::ZoneOffset,
            'X' => Self::IsoZone,
            _ => return None,
        })
    }
}

/// The pieces of a pattern. Literal text stands between single quotes or is not made of ASCII letters; two single quotes are one.
pub(super) fn compile(pattern: &str) -> Result<Vec<Item>, PatternError> {
    let mut items = Vec::new();
    let mut rest = pattern.chars().peekable();
    let mut quoted = false;
    let mut last = None;
    while let Some(c) = rest.next() {
        if c == '\'' && rest.next_if_eq(&'\'').is_none() {
            quoted = !quoted;
            last = None;
        } else if quoted || !c.is_ascii_alphabetic() {
            last = None;
            push_literal(&mut items, c);
        } else {
            let letter = Letter::of(c).ok_or(PatternError::IllegalCharacter(c))?;
            match items.last_mut() {
                Some(Item::Field(_, count)) if last == Some(c) => *count += 1,
                _ => items.push(Item::Field(letter, 1)),
            }
            last = Some(c);
        }
    }
    if quoted {
        return Err(PatternError::UnterminatedQuote);
    }
    match items.iter().find_map(too_long) {
        Some(count) => Err(PatternError::IsoZone(count)),
        None => Ok(items),
    }
}

/// The number of letters when there are more than the forms of an ISO zone.
fn too_long(item: &Item) -> Option<usize> {
    match item {
        Item::Field(Letter::IsoZone, count) if *count > 3 => Some(*count),
        _ => None,
    }
}

fn push_literal(items: &mut Vec<Item>, c: char) {
    match items.last_mut() {
        Some(Item::Literal(text)) => text.push(c),
        _ => items.push(Item::Literal(c.to_string())),
    }
}
