use super::*;

/// 2024-02-29 12:34:56.789 UTC.
const LEAP_DAY: i64 = 1_709_210_096_789;

fn format(pattern: &str) -> SimpleDateFormat {
    SimpleDateFormat::made_at(pattern, LEAP_DAY).unwrap()
}

fn parsed(pattern: &str, text: &str) -> Option<i64> {
    format(pattern).parse(text).ok()
}

#[test]
fn every_letter_is_written() {
    for (pattern, text) in [
        ("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "2024-02-29T12:34:56.789Z"),
        ("G GGGG y yy yyy yyyyy", "AD AD 2024 24 2024 02024"),
        ("M MM MMM MMMM L LLLL", "2 02 Feb February 2 February"),
        ("E EEEE u a", "Thu Thursday 4 PM"),
        ("D DDDD d F w W Y YY", "60 0060 29 5 9 5 2024 24"),
        ("H k K h", "12 12 0 12"),
        ("z zzzz Z X XXX", "UTC Coordinated Universal Time +0000 Z Z"),
        ("''yyyy'' 'o''clock' 'é'", "'2024' o'clock é"),
        ("", ""),
    ] {
        assert_eq!(format(pattern).format(LEAP_DAY), text, "{pattern}");
    }
}

#[test]
fn midnight_and_noon_have_two_names() {
    assert_eq!(format("H k K h a").format(0), "0 24 0 12 AM");
    assert_eq!(format("H k K h a").format(12 * 3_600_000), "12 12 0 12 PM");
}

#[test]
fn before_1582_the_calendar_is_julian() {
    assert_eq!(format("yyyy-MM-dd G").format(-12_219_292_800_000), "1582-10-15 AD");
    assert_eq!(format("yyyy-MM-dd G").format(-12_219_292_800_001), "1582-10-04 AD");
    assert_eq!(parsed("yyyy-MM-dd", "1582-10-04"), Some(-12_219_379_200_000));
    assert_eq!(format("yyyy G").format(-100_000_000_000_000), "1200 BC");
    assert_eq!(parsed("yyyy G", "1 BC"), parsed("yyyy", "0"));
}

#[test]
fn parsing_is_lenient() {
    let day = |text| parsed("yyyy-MM-dd", text).unwrap() / 86_400_000;
    assert_eq!(day("2019-13-45"), day("2020-02-14"));
    assert_eq!(day("2019-00-00"), day("2018-11-30"));
    assert_eq!(day(" 2019-  8-23xyz"), day("2019-08-23"));
    assert_eq!(parsed("HH:mm", "-1:-1"), Some(-61 * 60_000));
    assert_eq!(parsed("yyyy-MM-dd", "2019-08"), None);
    assert_eq!(parsed("yyyy-MM-dd", ""), None);
    assert_eq!(parsed("MMM", " Feb"), None);
}

#[test]
fn numbers_without_a_delimiter_have_as_many_digits_as_letters() {
    assert_eq!(parsed("yyyyMMddHHmmss", "20240229123456"), Some(LEAP_DAY - 789));
    assert_eq!(parsed("yyyyMMMdd", "2024Feb29"), parsed("yyyyMMdd", "20240229"));
    assert_eq!(parsed("HHmm", "123"), Some((12 * 60 + 3) * 60_000));
}

#[test]
fn two_digits_are_a_year_of_these_hundred_years() {
    let year = |text| format("yyyy").format(parsed("yy-MM-dd", text).unwrap());
    assert_eq!([year("45-01-01"), year("43-01-01"), year("99-01-01")], ["1945", "2043", "1999"]);
    // The century starts on 1944-02-29.
    assert_eq!([year("44-02-28"), year("44-03-01")], ["2044", "1944"]);
    assert_eq!(year("7-01-01"), "0007");
}

#[test]
fn offsets_and_names_of_zones_are_read() {
    let noon = 12 * 60;
    let at = |text: &str| parsed("HH:mm z", text).map(|millis| millis / 60_000);
    for (zone, minutes) in [
        ("UTC", 0),
        ("GMT", 0),
        ("gmt+1:30", 90),
        ("-0730", -450),
        ("PST", -480),
        ("pacific daylight time", -420),
        ("CEST", 120),
        ("IST", 120),
    ] {
        assert_eq!(at(&format!("12:00 {zone}")), Some(noon - minutes), "{zone}");
    }
    assert_eq!(at("12:00 Nowhere"), None);
    assert_eq!(at("12:00 GMT+1"), None);
    for (pattern, text, minutes) in
        [("HHX", "12+02", 120), ("HHXX", "12-0230", -150), ("HHXXX", "12+02:30", 150), ("HHXXX", "12Z", 0)]
    {
        assert_eq!(parsed(pattern, text).map(|millis| millis / 60_000), Some(noon - minutes), "{pattern}");
    }
    assert_eq!(parsed("HHXXX", "12+0230"), None);
}

#[test]
fn the_fields_that_were_read_last_say_the_day() {
    let day = |pattern, text| format("yyyy-MM-dd").format(parsed(pattern, text).unwrap());
    assert_eq!(day("yyyy DDD", "2024 060"), "2024-02-29");
    assert_eq!(day("YYYY-'W'ww-u", "2024-W09-4"), "2024-02-29");
    assert_eq!(day("yyyy-MM F E", "2024-02 5 Thu"), "2024-02-29");
    assert_eq!(day("yyyy-MM W E", "2024-02 5 Thu"), "2024-02-29");
    assert_eq!(day("yyyy DDD MM dd", "2024 001 02 29"), "2024-02-29");
    assert_eq!(day("E", "Thu"), "1970-01-01");
    assert_eq!(format("HH").format(parsed("hh a", "12 AM").unwrap()), "00");
}

#[test]
fn wrong_patterns_are_refused() {
    assert_eq!(SimpleDateFormat::new("bogus").unwrap_err().to_string(), "Illegal pattern character 'b'");
    assert_eq!(SimpleDateFormat::new("yyyy'").unwrap_err().to_string(), "Unterminated quote");
}

#[test]
fn numbers_beyond_32_bit_are_cut_or_saturate() {
    assert_eq!(parsed("S", "4294967297"), Some(1));
    assert_eq!(parsed("S", "99999999999999999999"), Some(i64::from(i32::MAX)));
    assert_eq!(parsed("S", "2E3"), Some(2000));
    assert_eq!(parsed("S", "15E-1"), Some(1));
    assert_eq!(parsed("S", "NaN"), Some(0));
}
