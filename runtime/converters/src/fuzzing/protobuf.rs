//! Protobuf records and schemas of others.

use std::sync::LazyLock;

use bytes::Bytes;
use sluice_api::Properties;

use super::parts;
use crate::protobuf::ProtobufCodec;

const SCHEMA: &str = r#"syntax = "proto3"; package p;
    import "google/protobuf/wrappers.proto"; import "google/protobuf/timestamp.proto"; import "google/type/date.proto";
    import "google/type/timeofday.proto"; import "confluent/type/decimal.proto";
    message M {
        int32 a = 1; uint32 b = 2; sint64 c = 3; fixed32 d = 4; uint64 e = 5; float f = 6; double g = 7; bool h = 8;
        string i = 9; bytes j = 10; repeated int32 k = 11; repeated string l = 12; map<string, int32> m = 13;
        map<int32, Inner> n = 14; Inner o = 15; Colour p = 16; optional int32 q = 17; repeated Colour r = 18;
        oneof s { string t = 19; Inner u = 20; google.protobuf.Timestamp v = 21; }
        google.protobuf.Int32Value w = 22; google.protobuf.Timestamp x = 23; google.type.Date y = 24;
        google.type.TimeOfDay z = 25; confluent.type.Decimal aa = 26; repeated Inner bb = 27;
        message Inner { int32 x = 1; repeated sint32 y = 2; Deeper z = 3; message Deeper { string w = 1; } }
        enum Colour { RED = 0; BLUE = 3; } }
    message Second { int32 a = 1; }"#;

static CODECS: LazyLock<Vec<(Properties, ProtobufCodec)>> = LazyLock::new(|| {
    let keys = [
        &[("optional.for.nullables", "true")][..],
        &[],
        &[("wrapper.for.nullables", "true"), ("flatten.unions", "true")],
        &[("generate.struct.for.nulls", "true"), ("int.for.enums", "true")],
    ];
    let of = |pairs: &&[(&str, &str)]| {
        let keys: Properties = pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        let codec = ProtobufCodec::new(SCHEMA, &keys).expect("a good schema");
        (keys, codec)
    };
    keys.iter().map(of).collect()
});

/// A record by a fixed schema that has every kind of field, message indexes in front.
pub fn protobuf(bytes: &[u8]) {
    for (at, (keys, codec)) in CODECS.iter().enumerate() {
        let Ok(read) = codec.decode(&Bytes::copy_from_slice(bytes)) else { continue };
        let Some(schema) = &read.schema else { continue };
        // What was read can be written by the schema that it came with, and then reads the same: fields that may be null are
        // told apart by the first keys alone.
        if at == 0
            && let Ok((text, written)) = ProtobufCodec::encode(schema, &read.value, keys)
        {
            let again =
                ProtobufCodec::new(&text, keys).expect("our own schema").decode(&written).expect("our own bytes");
            assert_eq!(again.value.to_string(), read.value.to_string());
        }
    }
}

/// A schema as text or encoded descriptor, and a record by it: text, a zero byte, the record.
pub fn protobuf_schema(bytes: &[u8]) {
    let (text, record) = parts(bytes);
    if let Ok(codec) = ProtobufCodec::new(&text, &Properties::new()) {
        codec.decode(&record).ok();
    }
}
