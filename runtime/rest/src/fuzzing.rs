//! What the fuzz target `rest_bodies` asks.

use sluice_herder::RequestSignature;

use crate::{body, resources};

/// Reads a body as each endpoint that takes one. A config that was read is written so that it reads the same.
pub fn rest_bodies(bytes: &[u8]) {
    resources::parse_any(bytes);
    // The headers of a request between workers: an algorithm and a code.
    let headers = std::str::from_utf8(bytes).ok().and_then(|text| text.split_once('\n'));
    drop(headers.map(|(algorithm, code)| RequestSignature::parse(algorithm, code)));
    if let Ok(Some(config)) = body::nullable_properties(bytes) {
        let written = serde_json::to_vec(&config).expect("texts and nulls");
        let again = body::nullable_properties(&written).ok().flatten().expect("our own JSON");
        assert!(again.iter().eq(config.iter()), "{again:?} instead of {config:?}");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn seeds_of_the_fuzzer_do_no_harm() {
        sluice_api::testkit::replay_seeds("rest_bodies", super::rest_bodies);
    }
}
