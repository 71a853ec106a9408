//! What the fuzz targets `properties_file` and `config_providers` ask.

use super::properties::PropertiesFile;
use super::providers;

/// Reads a worker or connector file. Every key is on a line of the file.
pub fn properties_file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(file) = PropertiesFile::parse("fuzzed", text) else { return };
    let lines = text.split(['\n', '\r']).count();
    for key in file.properties().keys() {
        let line = file.line_of(key).expect("every key is on a line");
        assert!((1..=lines).contains(&line), "line {line} of {lines}");
    }
}

/// Resolves properties with variables in them, a line each, against a file that holds everything behind the last zero byte.
pub fn config_providers(bytes: &[u8]) {
    let end = bytes.iter().rposition(|byte| *byte == 0).unwrap_or(bytes.len());
    let Ok(text) = std::str::from_utf8(&bytes[..end]) else { return };
    providers::fuzzing::resolve(text, bytes.get(end + 1..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use sluice_api::testkit::replay_seeds;

    #[test]
    fn seeds_of_the_fuzzers_do_no_harm() {
        replay_seeds("properties_file", super::properties_file);
        replay_seeds("config_providers", super::config_providers);
    }
}
