//! Answers of a broker to the raw-protocol client. The first byte chooses the request that is answered.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((request, body)) = bytes.split_first() else { return };
    // The correlation id is the client's own business.
    let frame: Bytes = [&[0; 4], body].concat().into();
    sluice_kafka::wire::fuzzing::answer(*request, &frame);
});
