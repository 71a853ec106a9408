//! Java's regular expressions as users write them: the pattern, the replacement and the text, each a line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_transforms::fuzzing::java_regex;

fuzz_target!(|input: &str| {
    let mut lines = input.splitn(3, '\n');
    let (pattern, replacement) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    java_regex(pattern, lines.next().unwrap_or_default(), replacement);
});
