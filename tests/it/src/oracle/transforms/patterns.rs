//! Patterns as users write them: random ones of `SimpleDateFormat` and of `java.util.regex`, with texts that fit more or less.

use anyhow::Result;
use serde_json::{Value as Json, json};
use sluice_harness::Random;

use super::super::generate::Chance;
use super::super::kept::message;
use super::super::run::{Case, family};
use super::{KEPT, PACKAGE};

/// Whether the oracle took a configuration that we refuse with such a message.
pub(super) fn not_configured(case: &Case, part: &str) -> bool {
    let at_configure = |answer: &Json| answer["error"]["at"] == "configure";
    at_configure(case.ours) && !at_configure(case.theirs) && message(case).contains(part)
}

/// Whether new topics differ in nothing but the text of groups that took no part with us, and hold a part of the old topic with Java:
/// what a part of the expression matched that was tried in vain.
pub(super) fn group_of_a_failed_alternative(case: &Case) -> bool {
    new_topics(case).is_some_and(|topics| {
        let regex = config(case, "regex");
        let replacement = config(case, "replacement");
        regex.contains('(')
            && regex.contains(['|', '*', '+', '?', '{'])
            && differs_in_empty_groups(replacement, topics.old, topics.theirs, topics.ours)
    })
}

/// Whether new topics differ in nothing but the text of groups that are empty with Java, and hold a part of the old topic with us: Java
/// keeps what the last round of a loop matched, also when that was nothing.
pub(super) fn group_of_an_empty_round(case: &Case) -> bool {
    new_topics(case).is_some_and(|topics| {
        let repeats_groups = [")*", ")+", "){"].iter().any(|repeat| config(case, "regex").contains(repeat));
        repeats_groups && differs_in_empty_groups(config(case, "replacement"), topics.old, topics.ours, topics.theirs)
    })
}

/// What a router made of a topic.
struct NewTopics<'a> {
    old: &'a str,
    theirs: &'a str,
    ours: &'a str,
}

fn new_topics<'a>(case: &Case<'a>) -> Option<NewTopics<'a>> {
    let topic = |record: &'a Json| record["topic"].as_str();
    Some(NewTopics { old: topic(case.input)?, theirs: topic(&case.theirs["ok"])?, ours: topic(&case.ours["ok"])? })
}

fn config<'a>(case: &Case<'a>, key: &str) -> &'a str {
    case.request["steps"][0]["config"][key].as_str().unwrap_or_default()
}

/// Whether the two texts are the replacement with groups filled in: the same ones, or empty ones in the second.
fn differs_in_empty_groups(replacement: &str, old: &str, filled: &str, emptier: &str) -> bool {
    let Some(first) = replacement.chars().next() else { return filled.is_empty() && emptier.is_empty() };
    let (literal, rest) = match (first, &replacement[first.len_utf8()..]) {
        ('$', group) => {
            let name = group.strip_prefix('{').and_then(|name| name.find('}')).map(|end| end + 2);
            let rest = &group[name.unwrap_or(1)..];
            return splits(filled).any(|(group, filled)| {
                let fits = |other: &str| other == group || (other.is_empty() && old.contains(group));
                splits(emptier)
                    .any(|(other, emptier)| fits(other) && differs_in_empty_groups(rest, old, filled, emptier))
            });
        }
        ('\\', escaped) => {
            let length = escaped.chars().next().map_or(0, char::len_utf8);
            escaped.split_at(length)
        }
        (literal, rest) => (&replacement[..literal.len_utf8()], rest),
    };
    match (filled.strip_prefix(literal), emptier.strip_prefix(literal)) {
        (Some(filled), Some(emptier)) => differs_in_empty_groups(rest, old, filled, emptier),
        _ => false,
    }
}

/// Every way to cut a text in two.
fn splits(text: &str) -> impl Iterator<Item = (&str, &str)> {
    (0..=text.len()).filter(|at| text.is_char_boundary(*at)).map(|at| text.split_at(at))
}

#[test]
fn simple_date_format() -> Result<()> {
    family("oracle::simple_date_format", KEPT, |random| {
        let items: Vec<String> = (0..=random.below(6)).map(|_| date_item(random)).collect();
        let (reads, mut texts) = (random.percent(60), Vec::new());
        for _ in 0..3 {
            // Before year 1, Java looks for the end of a week year in a year of the other era.
            let earliest = if items.iter().any(|item| item.starts_with('Y')) { -62_135_769_600_000 } else { i64::MIN };
            let value =
                if reads { json!(date_text(random, &items)) } else { json!({"i64": millis(random).max(earliest)}) };
            texts.push(record("t", &value));
        }
        let target = if reads { random.pick(&["unix", "Timestamp", "Time"]) } else { "string" };
        let config = json!({"target.type": target, "format": items.concat()});
        request("TimestampConverter$Value", &config, &texts)
    })
}

#[test]
fn java_regex() -> Result<()> {
    family("oracle::java_regex", KEPT, |random| {
        let Sampled { mut regex, text } = alternatives(random, 3);
        // Loops in loops take Java for ever on long texts.
        let text: String = text.chars().take(10).collect();
        if random.percent(4) && !regex.is_empty() {
            regex.remove(random.below(regex.len()));
        }
        let replacement = random.pick(&["<$0>", "$1-$2", "[$1]", "x", "$3", "\\$$1", "${n}", "$10"]);
        let config = json!({"regex": regex, "replacement": replacement});
        let near = if random.percent(30) { format!("{text}{}", random.pick(&["a", "-", "1"])) } else { text.clone() };
        let records = [text, near, topic(random)].map(|topic| record(&topic, &Json::Null));
        request("RegexRouter", &config, &records)
    })
}

fn request(class: &str, config: &Json, records: &[Json]) -> Json {
    json!({"op": "transform", "steps": [{"class": format!("{PACKAGE}.{class}"), "config": config}], "records": records})
}

fn record(topic: &str, value: &Json) -> Json {
    json!({"kind": "sink", "topic": topic, "partition": 0, "offset": 5, "value": value})
}

/// A letter of a pattern some times over, or a delimiter.
fn date_item(random: &mut Random) -> String {
    if random.percent(35) {
        return random.pick(&["-", "/", ":", " ", "'T'", ".", "''", "'o''c'", ", ", "é", "'x y'"]).to_owned();
    }
    let letter = random.pick(&[
        "y", "y", "M", "d", "H", "m", "s", "S", "G", "Y", "L", "w", "W", "D", "F", "E", "u", "a", "k", "K", "h", "z",
        "Z", "X",
    ]);
    let most = if letter == "X" { 3 } else { 5 };
    letter.repeat(1 + random.below(most))
}

/// A text for a pattern, wrong here and there.
fn date_text(random: &mut Random, items: &[String]) -> String {
    let mut text: String = items.iter().map(|item| field_text(random, item)).collect();
    match random.below(12) {
        0 => text.push_str(random.pick(&["x", " 1", "9"])),
        1 => text.insert(0, ' '),
        2 => drop(text.pop()),
        _ => {}
    }
    text
}

fn field_text(random: &mut Random, item: &str) -> String {
    let (letter, count) = (item.chars().next().unwrap_or(' '), item.chars().count());
    match letter {
        'G' => random.pick(&["AD", "BC", "ad", "Anno Domini"]).to_owned(),
        'M' | 'L' if count > 2 => random.pick(&["Jan", "February", "may", "DECEMBER", "Sept"]).to_owned(),
        'E' => random.pick(&["Sun", "Thursday", "fri"]).to_owned(),
        'a' => random.pick(&["AM", "PM", "pm"]).to_owned(),
        'z' | 'Z' => {
            random.pick(&["UTC", "GMT", "GMT+1:30", "GMT-02:00", "+0130", "-0900", "GMT+25:00", "+1"]).to_owned()
        }
        'X' => random.pick(&["Z", "+01", "-0130", "+05:45", "+1", "z"]).to_owned(),
        letter if letter.is_ascii_alphabetic() => number(random, letter, count),
        _ => item.replace("''", "\u{0}").replace('\'', "").replace('\u{0}', "'"),
    }
}

fn number(random: &mut Random, letter: char, count: usize) -> String {
    let width = if random.percent(80) { count } else { 1 + random.below(6) };
    let most = match letter {
        'y' | 'Y' => 2100,
        'D' => 366,
        'S' => 999,
        'm' | 's' => 59,
        'H' | 'k' | 'd' | 'w' => 31,
        _ => 7,
    };
    let number = if random.percent(90) { random.below(most + 1) } else { random.below(100_000) };
    let sign = if random.percent(4) { "-" } else { "" };
    let blank = if random.percent(4) { " " } else { "" };
    format!("{blank}{sign}{number:0width$}")
}

/// A moment between the years 1600 and 2300, or any.
fn millis(random: &mut Random) -> i64 {
    match random.below(10) {
        0 => {
            *random.pick(&[&0, &-1, &1, &i64::MAX, &i64::MIN, &86_399_999, &-62_135_769_600_000, &253_402_300_800_000])
        }
        1 => random.next() as i64,
        2 => (random.next() as i64) >> 14,
        _ => (random.next() % 22_000_000_000_000) as i64 - 11_600_000_000_000,
    }
}

fn topic(random: &mut Random) -> String {
    let part = |random: &mut Random| random.pick(&["a", "b", "ab", "-", "1", "A", ".", "_", "aa", "c", "orders"]);
    (0..random.below(6)).map(|_| part(random)).collect()
}

/// An expression, and a text that it may well match.
struct Sampled {
    regex: String,
    text: String,
}

fn alternatives(random: &mut Random, depth: usize) -> Sampled {
    let mut all = sequence(random, depth);
    while random.percent(20) {
        let Sampled { regex, text } = sequence(random, depth);
        all.regex = format!("{}|{regex}", all.regex);
        if random.percent(50) {
            all.text = text;
        }
    }
    all
}

fn sequence(random: &mut Random, depth: usize) -> Sampled {
    let mut all = Sampled { regex: String::new(), text: String::new() };
    for _ in 0..random.below(4) {
        let Sampled { regex, text } = quantified(random, depth);
        all.regex.push_str(&regex);
        all.text.push_str(&text);
    }
    all
}

fn quantified(random: &mut Random, depth: usize) -> Sampled {
    let Sampled { regex, text } = atom(random, depth);
    if random.percent(60) {
        return Sampled { regex, text };
    }
    let (quantifier, least, most) =
        [("?", 0, 1), ("*", 0, 3), ("+", 1, 3), ("{2}", 2, 2), ("{1,2}", 1, 2), ("{0,1}", 0, 1), ("{1,}", 1, 3)]
            [random.below(7)];
    let kind = random.pick(&["", "", "", "?", "+"]);
    let times = least + random.below(most - least + 1);
    Sampled { regex: format!("{regex}{quantifier}{kind}"), text: text.repeat(times) }
}

fn atom(random: &mut Random, depth: usize) -> Sampled {
    if depth > 0 && random.percent(35) {
        let Sampled { regex, text } = alternatives(random, depth - 1);
        let open = random.pick(&["(", "(", "(", "(?:", "(?=", "(?!", "(?>", "(?i:", "(?<n>", "(?-i:"]);
        let text = if matches!(open, "(?=" | "(?!") { String::new() } else { text };
        return Sampled { regex: format!("{open}{regex})"), text };
    }
    if random.percent(20) {
        return Sampled { regex: class(random, depth), text: random.pick(&["a", "b", "1", "-", "."]).to_owned() };
    }
    const ATOMS: [(&str, &str); 43] = [
        ("a", "a"),
        ("b", "b"),
        ("ab", "ab"),
        ("-", "-"),
        ("1", "1"),
        ("A", "A"),
        (".", "b"),
        ("_", "_"),
        ("c", "c"),
        ("orders", "orders"),
        ("\\.", "."),
        ("\\d", "1"),
        ("\\w", "a"),
        ("\\W", "-"),
        ("\\D", "a"),
        ("\\s", " "),
        ("\\S", "b"),
        ("^", ""),
        ("$", ""),
        ("\\b", ""),
        ("\\B", ""),
        ("\\A", ""),
        ("\\z", ""),
        ("\\Z", ""),
        ("\\p{L}", "a"),
        ("\\p{Upper}", "A"),
        ("\\P{Alpha}", "1"),
        ("\\p{Punct}", "_"),
        ("\\1", ""),
        ("\\1", "a"),
        ("\\2", "b"),
        ("(?i)", ""),
        ("\\x61", "a"),
        ("\\Qa.\\E", "a."),
        ("(?<=a)", ""),
        ("(?<!b)", ""),
        ("\\R", "\n"),
        ("\\h", " "),
        ("\\V", "b"),
        ("]", "]"),
        ("}", "}"),
        ("(?s)", ""),
        ("(a|b)", "a"),
    ];
    let (regex, text) = ATOMS[random.below(ATOMS.len())];
    Sampled { regex: regex.to_owned(), text: text.to_owned() }
}

fn class(random: &mut Random, depth: usize) -> String {
    let part = |random: &mut Random| {
        random.pick(&["a", "b-c", "a-z", "\\d", "\\w", "\\-", "A-Z", "_", ".", "^", "&", "\\p{Lower}"])
    };
    let mut text: String = (0..=random.below(2)).map(|_| part(random)).collect();
    if depth > 0 && random.percent(25) {
        let more = class(random, depth - 1);
        text = format!("{text}{}{more}", random.pick(&["", "&&"]));
    }
    format!("[{}{text}]", random.pick(&["", "", "^"]))
}
