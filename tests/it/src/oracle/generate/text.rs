//! Names, texts and bytes.

use sluice_harness::Random;

use super::Chance;

/// Field names that schemas, schemaless maps and configurations share, so that they meet often.
pub(in crate::oracle) const FIELDS: [&str; 10] = ["a", "b", "c", "d", "id", "ts", "x.y", "é", "𝄞", "a b"];

const TEXTS: [&str; 34] = [
    "",
    "a",
    " ",
    "  x ",
    "true",
    "FALSE",
    "null",
    "0",
    "-1",
    "+7",
    " 1",
    "1.5",
    "1e3",
    "300",
    "NaN",
    "Infinity",
    "2019-08-23",
    "2019-08-23T14:34:54.346Z",
    "14:34:54.346Z",
    "1969-12-31",
    "héllo",
    "\u{1F600} x",
    "\u{0}\u{1f}\u{7f}",
    "\"q\\\"",
    "a/b",
    "\u{2028}",
    "tab\tline\n\r",
    "9223372036854775807",
    "9223372036854775808",
    "-129",
    "1E400",
    "[1,2]",
    "{\"a\":1}",
    "ﬀ\u{FFFF}",
];

const NUMBERS: [&str; 33] = [
    "0",
    "-0",
    "1",
    "-1",
    "01",
    "127",
    "128",
    "-128",
    "-129",
    "300",
    "32767",
    "65536",
    "2147483647",
    "2147483648",
    "-2147483649",
    "3000000000",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "99999999999999999999",
    "1.0",
    "1.5",
    "1.9",
    "-0.0",
    "0.1",
    "1e3",
    "1E10",
    "1e400",
    "-1e400",
    "1e-400",
    "1.50",
    "123456789.125",
    "12345678901234567890.5",
];

pub(in crate::oracle) fn field_name(random: &mut Random) -> &'static str {
    // The first names come up more often.
    let bound = if random.percent(70) { 4 } else { FIELDS.len() };
    FIELDS[random.below(bound)]
}

/// A field name of letters alone.
pub(super) fn plain_field_name(random: &mut Random) -> &'static str {
    random.pick(&FIELDS[..6])
}

/// A text from the list of corners, or a few random characters of all planes.
pub(in crate::oracle) fn text(random: &mut Random) -> String {
    if random.percent(70) {
        return random.pick(&TEXTS).to_owned();
    }
    let length = random.below(8);
    let character = |random: &mut Random| match random.below(6) {
        0 => char::from_u32(random.below(0x20) as u32),
        1 => char::from_u32(random.range(0x80, 0x800) as u32),
        2 => char::from_u32(random.range(0x800, 0xd800) as u32),
        3 => char::from_u32(random.range(0x1_0000, 0x11_0000) as u32),
        _ => char::from_u32(random.range(0x20, 0x7f) as u32),
    };
    (0..length).filter_map(|_| character(random)).collect()
}

/// The text of a number, as a literal of JSON may be.
pub(in crate::oracle) fn number_text(random: &mut Random) -> String {
    if random.percent(70) {
        return random.pick(&NUMBERS).to_owned();
    }
    let digits = |random: &mut Random, most: usize| -> String {
        (0..1 + random.below(most)).map(|_| char::from(b'0' + random.below(10) as u8)).collect()
    };
    let mut number = String::new();
    if random.percent(30) {
        number.push('-');
    }
    let most = if random.percent(10) { 30 } else { 6 };
    number.push_str(&digits(random, most));
    if random.percent(40) {
        number.push('.');
        number.push_str(&digits(random, 6));
    }
    if random.percent(20) {
        number.push_str(random.pick(&["e", "E", "e+", "E-"]));
        number.push_str(&digits(random, 2));
    }
    number
}

pub(in crate::oracle) fn bytes(random: &mut Random) -> Vec<u8> {
    let most = if random.percent(10) { 40 } else { 9 };
    (0..random.below(most)).map(|_| random.range(0, 256) as u8).collect()
}
