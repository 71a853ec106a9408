//! Protobuf schemas of others as text or encoded descriptor, and a record by each: text, a zero byte, the record.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_api::Properties;
use sluice_converters::fuzzing::parts;
use sluice_converters::protobuf::ProtobufCodec;

fuzz_target!(|bytes: &[u8]| {
    let (text, record) = parts(bytes);
    if let Ok(codec) = ProtobufCodec::new(&text, &Properties::new()) {
        codec.decode(&record).ok();
    }
});
