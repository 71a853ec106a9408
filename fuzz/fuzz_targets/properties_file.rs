//! Java properties files: worker files and connector files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_worker::config::properties::PropertiesFile;

fuzz_target!(|text: &str| {
    let Ok(file) = PropertiesFile::parse("fuzzed", text) else { return };
    let lines = text.split(['\n', '\r']).count();
    for key in file.properties().keys() {
        let line = file.line_of(key).expect("every key is on a line");
        assert!((1..=lines).contains(&line), "line {line} of {lines}");
    }
});
