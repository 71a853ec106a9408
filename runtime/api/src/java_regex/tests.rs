use super::*;

fn matches(pattern: &str, text: &str) -> bool {
    JavaRegex::new(pattern).unwrap().matches(text).unwrap()
}

fn replaced(pattern: &str, text: &str, replacement: &str) -> Result<String, Error> {
    JavaRegex::new(pattern).unwrap().replace_first(text, replacement)
}

#[test]
fn whole_texts_match() {
    for (pattern, right, wrong) in [
        ("a|ab", "ab", "abc"),
        (r"orders-\d+", "orders-12", "orders-"),
        (r"[a-z&&[^x]]+", "abc", "axc"),
        (r"[^\w&&[^-]]+", ".-", "a"),
        (r"[]a]+", "]a", "b"),
        (r"(?i)Ab[c-e]", "aBD", "aBf"),
        (r"\Qa.b\E+", "a.bb", "axb"),
        (r"(?!_).*", "topic", "_topic"),
        (r"(?<=^|a)b|.+(?<!-internal)", "x", "x-internal"),
        (r"(\w)\1", "aa", "ab"),
        (r"(?<l>.)-\k<l>", "a-a", "a-b"),
        (r"a*+b", "aab", "aa"),
        (r"\p{Upper}\p{Alpha}\P{Digit}", "Ab.", "Ab1"),
        (r"\x41\u0042\x{43}\0104\cA", "ABCD\u{1}", "ABCD"),
        (r"(?x) a b # comment", "ab", "a b"),
        (r"a{2}{3}", "aa", "aaaaaa"),
        (r"^a$", "a", "b"),
        (r"(?s).", "\n", ""),
        (r"\p{IsLatin}\p{L}\p{javaLowerCase}", "éßx", "1ßx"),
    ] {
        assert!(matches(pattern, right), "{pattern} {right}");
        assert!(!matches(pattern, wrong), "{pattern} {wrong}");
    }
    assert!(!matches(".", "\u{85}"));
}

#[test]
fn dollar_stands_before_a_last_line_terminator() {
    assert_eq!(replaced("b$", "ab\n", "X").unwrap(), "aX\n");
    assert_eq!(replaced("$", "a\r\n", "X").unwrap(), "aX\r\n");
    assert_eq!(replaced("(?m)^b", "a\nb", "X").unwrap(), "a\nX");
    assert_eq!(replaced(r"b\z", "ab\n", "X").unwrap(), "ab\n");
}

#[test]
fn the_first_match_is_replaced() {
    for (pattern, text, replacement, expected) in [
        ("(a)(b)?", "xac", "[$1$2]", "x[a]c"),
        ("(?<n>b)", "abb", "<${n}>", "a<b>b"),
        ("b", "abb", r"\$1\\", r"a$1\b"),
        ("(b)", "ab", "$11", "ab1"),
        ("q", "ab", "$9", "ab"),
        ("", "ab", "-", "-ab"),
    ] {
        assert_eq!(replaced(pattern, text, replacement).unwrap(), expected, "{pattern} {replacement}");
    }
}

#[test]
fn a_round_of_a_loop_that_takes_nothing_leaves_its_group_alone() {
    for (pattern, matches) in
        [(r"(\B)*?\1$", false), (r"(^)*\1a", false), (r"(^){0,1}\1a", true), (r"(^)?\1a", true), (r"(^)+\1a", true)]
    {
        assert_eq!(JavaRegex::new(pattern).unwrap().matches("a").unwrap(), matches, "{pattern}");
    }
}

#[test]
fn a_possessive_round_gives_nothing_back_to_the_next() {
    assert!(!matches("a(\\w*a{1,}){2}+", "aaaa"));
    assert!(matches("a(\\w*a{1,}){2}", "aaaa"));
    assert!(matches("(?:ab|a){2}+", "aba"));
    assert!(!matches("(?:ab|a){2,}+b", "abab"));
}

#[test]
fn wrong_replacements_are_named() {
    for (replacement, message) in [
        ("$1", "No group 1"),
        ("$", "Illegal group reference: group index is missing"),
        ("$x", "Illegal group reference"),
        ("${x}", "No group with name {x}"),
        ("${x", "named capturing group is missing trailing '}'"),
        ("\\", "character to be escaped is missing"),
    ] {
        assert_eq!(replaced("b", "ab", replacement).unwrap_err().to_string(), message);
    }
}

#[test]
fn wrong_patterns_are_named() {
    for (pattern, message) in [
        ("*a", "Dangling meta character '*' near index 0"),
        ("a**", "Dangling meta character '*' near index 2"),
        ("a{", "Illegal repetition near index 2"),
        ("a{3,2}", "Illegal repetition range near index 5"),
        ("(a", "Unclosed group near index 2"),
        ("a)", "Unmatched closing ')' near index 1"),
        ("[a", "Unclosed character class near index 2"),
        ("[b-a]", "Illegal character range near index 4"),
        (r"\y", "Illegal/unsupported escape sequence near index 2"),
        (r"\X", r"\X is not supported"),
        (r"\1(a)", "a reference to group 1, which does not begin before it, is not supported"),
        (r"(?!(a))\1", "a reference to group 1 of a negative look-around from outside of it is not supported"),
        (r"\p{InGreek}", "the character property {InGreek} is not supported"),
        ("(?<a>x)(?<a>y)", "Named capturing group <a> is already defined near index 12"),
    ] {
        assert_eq!(JavaRegex::new(pattern).unwrap_err().to_string(), message, "{pattern}");
    }
    assert!(JavaRegex::new(&"(".repeat(100_000)).is_err());
    assert!(JavaRegex::new(&"[".repeat(100_000)).is_err());
}

#[test]
fn a_text_that_takes_too_many_steps_is_given_up() {
    let regex = JavaRegex::new(r"(?=(a+)+$)(\w+\s?)+\1x").unwrap();
    assert!(regex.matches(&"a".repeat(60)).is_err() || !regex.matches(&"a".repeat(60)).unwrap());
}
