use super::*;

fn properties(more: &[(&str, &str)]) -> Properties {
    let least = [
        ("s3.bucket.name", "b"),
        ("format.class", "io.confluent.connect.s3.format.json.JsonFormat"),
        ("storage.class", S3_STORAGE),
        ("flush.size", "3"),
    ];
    least.iter().chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn refused(more: &[(&str, &str)]) -> String {
    SinkConfig::parse(&properties(more)).err().expect("it is refused").to_string()
}

#[test]
fn the_defaults_are_confluents() {
    let (config, partitioner) = SinkConfig::parse(&properties(&[])).unwrap();
    assert_eq!(config.store.region, "us-west-2");
    assert!(config.store.path_style && config.store.endpoint.is_none());
    assert_eq!((config.part_bytes, config.store.attempts, config.rotation.records), (26_214_400, 4, 3));
    assert_eq!(config.extension(&config.values), ".json");
    assert!(partitioner.is_constant());
    assert_eq!(config.nulls, NullValues::Fail);
}

#[test]
fn what_contradicts_itself_is_refused_by_key() {
    let time = "io.confluent.connect.storage.partitioner.TimeBasedPartitioner";
    let cases: [(&[(&str, &str)], &str); 14] = [
        (&[("format.class", "io.confluent.connect.s3.format.Nope")], "for configuration format.class"),
        (&[("storage.class", "x")], "for configuration storage.class: expected io.confluent"),
        (&[("s3.wan.mode", "true")], "for configuration s3.wan.mode"),
        (&[("behavior.on.null.values", "write")], "`store.kafka.keys`"),
        (&[("rotate.schedule.interval.ms", "1000")], "for configuration timezone"),
        (&[("partitioner.class", time)], "for configuration partition.duration.ms"),
        (&[("partitioner.class", time), ("partition.duration.ms", "1")], "path.format: the pattern is empty"),
        (&[("partitioner.class", "x.DailyPartitioner")], "for configuration partitioner.class"),
        (&[("partitioner.class", "io.confluent.connect.storage.partitioner.FieldPartitioner")], "partition.field.name"),
        (&[("aws.access.key.id", "k")], "`aws.secret.access.key` is missing"),
        (&[("s3.sse.customer.key", "AAAA"), ("s3.ssea.name", "AES256")], "expected 32 bytes in base64"),
        (&[("s3.sse.kms.key.id", "k")], "needs `s3.ssea.name` aws:kms"),
        (&[("s3.proxy.url", "socks5://p:1")], "expected http://host:port"),
        (&[("s3.part.size", "1000")], "s3.part.size"),
    ];
    for (more, part) in cases {
        let message = refused(more);
        assert!(message.contains(part), "{more:?}: {message}");
    }
}

#[test]
fn what_is_not_there_yet_is_refused_and_says_so() {
    let cases: [(&str, &str); 2] = [("avro.codec", "bzip2"), ("s3.credentials.provider.class", "com.example.Own")];
    for (key, value) in cases {
        let more = [(key, value), ("format.class", "io.confluent.connect.s3.format.avro.AvroFormat")];
        let message = refused(&more);
        assert!(message.contains("not supported yet"), "{key}: {message}");
        let values = SinkConfig::validate(&properties(&more));
        let told = values.iter().find(|told| told.name == key).expect("it is a key");
        assert_eq!(told.error_messages.len(), 1, "{key}");
    }
}

#[test]
fn a_secret_is_in_no_message() {
    let message = refused(&[("s3.sse.customer.key", "c2VjcmV0"), ("s3.ssea.name", "AES256")]);
    assert!(!message.contains("c2VjcmV0"), "{message}");
}

#[test]
fn a_separator_keeps_its_blanks() {
    let class = "io.confluent.connect.s3.format.bytearray.ByteArrayFormat";
    let (config, _) =
        SinkConfig::parse(&properties(&[("format.class", class), ("format.bytearray.separator", " \n")])).unwrap();
    assert_eq!(config.values, Format::Bytes { extension: ".bin".into(), separator: b" \n".to_vec() });
}
