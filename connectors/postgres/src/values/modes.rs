//! How the user wants types to be represented.

use super::Placeholder;

/// `decimal.handling.mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecimalMode {
    Precise,
    Double,
    String,
}

/// `time.precision.mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeMode {
    Adaptive,
    AdaptiveTimeMicroseconds,
    Connect,
    IsoString,
    Microseconds,
    Nanoseconds,
}

/// `binary.handling.mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BinaryMode {
    Bytes,
    Base64,
    Base64UrlSafe,
    Hex,
}

/// `hstore.handling.mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HstoreMode {
    Json,
    Map,
}

/// `interval.handling.mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IntervalMode {
    Numeric,
    String,
}

/// Everything that decides a column's schema besides the column.
#[derive(Clone, Debug)]
pub(crate) struct Modes {
    pub(crate) decimal: DecimalMode,
    pub(crate) time: TimeMode,
    pub(crate) binary: BinaryMode,
    pub(crate) hstore: HstoreMode,
    pub(crate) interval: IntervalMode,
    /// Digits after the point of `money`.
    pub(crate) money_digits: i32,
    /// Columns of types that are not known become bytes.
    pub(crate) include_unknown: bool,
    pub(crate) placeholder: Placeholder,
}

impl Default for Modes {
    fn default() -> Self {
        Self {
            decimal: DecimalMode::Precise,
            time: TimeMode::Adaptive,
            binary: BinaryMode::Bytes,
            hstore: HstoreMode::Json,
            interval: IntervalMode::Numeric,
            money_digits: 2,
            include_unknown: false,
            placeholder: Placeholder::default(),
        }
    }
}
