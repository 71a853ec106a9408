//! English names of eras, months, days of the week, halves of the day and time zones.

pub(super) const ERAS: [&str; 2] = ["BC", "AD"];
/// The long names can be read and are never written.
pub(super) const LONG_ERAS: [&str; 2] = ["Before Christ", "Anno Domini"];
pub(super) const HALVES: [&str; 2] = ["AM", "PM"];
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The short form of a month or day.
pub(super) fn short(name: &'static str) -> &'static str {
    &name[..3]
}

/// A time zone that can be read by name: long and short name, minutes east of UTC; then the same in summer.
type Zone = (&'static str, &'static str, i32, &'static str, &'static str, i32);

/// The usual ones, with the meaning that Java gives to names that stand for several: IST is Israel's, CST Chicago's.
const ZONES: [Zone; 26] = [
    ("Coordinated Universal Time", "UTC", 0, "Coordinated Universal Time", "UTC", 0),
    ("Pacific Standard Time", "PST", -480, "Pacific Daylight Time", "PDT", -420),
    ("Mountain Standard Time", "MST", -420, "Mountain Daylight Time", "MDT", -360),
    ("Central Standard Time", "CST", -360, "Central Daylight Time", "CDT", -300),
    ("Eastern Standard Time", "EST", -300, "Eastern Daylight Time", "EDT", -240),
    ("Alaska Standard Time", "AKST", -540, "Alaska Daylight Time", "AKDT", -480),
    ("Hawaii-Aleutian Standard Time", "HST", -600, "Hawaii-Aleutian Daylight Time", "HDT", -540),
    ("Atlantic Standard Time", "AST", -240, "Atlantic Daylight Time", "ADT", -180),
    ("Newfoundland Standard Time", "NST", -210, "Newfoundland Daylight Time", "NDT", -150),
    ("Greenwich Mean Time", "GMT", 0, "British Summer Time", "BST", 60),
    ("Western European Standard Time", "WET", 0, "Western European Summer Time", "WEST", 60),
    ("Central European Standard Time", "CET", 60, "Central European Summer Time", "CEST", 120),
    ("Eastern European Standard Time", "EET", 120, "Eastern European Summer Time", "EEST", 180),
    ("Israel Standard Time", "IST", 120, "Israel Daylight Time", "IDT", 180),
    ("India Standard Time", "India Standard Time", 330, "India Standard Time", "India Standard Time", 330),
    ("Singapore Standard Time", "SGT", 480, "Singapore Standard Time", "SGT", 480),
    ("Hong Kong Standard Time", "HKT", 480, "Hong Kong Standard Time", "HKT", 480),
    ("China Standard Time", "China Standard Time", 480, "China Standard Time", "China Standard Time", 480),
    ("Japan Standard Time", "JST", 540, "Japan Standard Time", "JST", 540),
    ("Korean Standard Time", "KST", 540, "Korean Standard Time", "KST", 540),
    ("Australian Western Standard Time", "AWST", 480, "Australian Western Standard Time", "AWST", 480),
    ("Australian Eastern Standard Time", "AEST", 600, "Australian Eastern Daylight Time", "AEDT", 660),
    ("New Zealand Standard Time", "NZST", 720, "New Zealand Daylight Time", "NZDT", 780),
    ("South Africa Standard Time", "SAST", 120, "South Africa Standard Time", "SAST", 120),
    ("Brasilia Standard Time", "BRT", -180, "Brasilia Standard Time", "BRT", -180),
    ("Argentina Standard Time", "ART", -180, "Argentina Standard Time", "ART", -180),
];

/// The zone whose name `text` begins with: its minutes east of UTC, the length of the name, and whether it has the name all year.
pub(super) fn zone(text: &str) -> Option<(i32, usize, bool)> {
    let names = ZONES.iter().flat_map(|&(long, short, minutes, summer_long, summer_short, summer_minutes)| {
        let all_year = long == summer_long;
        [(long, minutes), (short, minutes), (summer_long, summer_minutes), (summer_short, summer_minutes)]
            .map(|(name, minutes)| (minutes, name, all_year))
    });
    let fitting = names.filter(|(_, name, _)| begins_with(text, name));
    fitting.max_by_key(|(_, name, _)| name.len()).map(|(minutes, name, all_year)| (minutes, name.len(), all_year))
}

/// Whether `text` begins with `name`, in any case.
pub(super) fn begins_with(text: &str, name: &str) -> bool {
    text.as_bytes().get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
}
