//! The vectors are what ObjectOutputStream of OpenJDK 17 wrote for the maps that the names say (Invariant 6).

use bytes::Bytes;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::{Entry, read, write};

const HEAD: &str = "aced0005737200116a6176612e7574696c2e486173684d61700507dac1c31660d103000246000a6c6f6164466163746f72\
                    4900097468726573686f6c6478703f400000";
const CLASS: &str = "7200025b42acf317f8060854e00200007870";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a digit") as u8;
    digits.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn empty() -> Vec<u8> {
    bytes(&format!("{HEAD}0000000077080000001000000000 78"))
}

fn one() -> Vec<u8> {
    bytes(&format!(
        "{HEAD}0000000c77080000001000000001 75{CLASS}0000001d5b2263222c7b2266696c656e616d65223a22746573742e747874227d5d\
         7571007e00020000000f7b22706f736974696f6e223a34327d 78"
    ))
}

fn two_with_a_null_value() -> Vec<u8> {
    bytes(&format!(
        "{HEAD}0000000377080000000400000002 75{CLASS}0000001d5b2263222c7b2266696c656e616d65223a22746573742e747874227d5d\
         7571007e00020000000f7b22706f736974696f6e223a34327d\
         7571007e0002000000165b2263222c7b2266696c656e616d65223a2262227d5d70 78"
    ))
}

fn null_key() -> Vec<u8> {
    bytes(&format!("{HEAD}0000000c77080000001000000001 7075{CLASS}0000000176 78"))
}

fn one_value_for_two_keys() -> Vec<u8> {
    bytes(&format!(
        "{HEAD}0000000c77080000001000000002 75{CLASS}00000001627571007e00020000000176\
         7571007e00020000000161 71007e0004 78"
    ))
}

/// Keys and values of one byte, in the order in which Java's table had them.
fn thirteen() -> Vec<u8> {
    let first = format!("75{CLASS}0000000106 7571007e00020000000106");
    let others = ["0b", "04", "03", "00", "0c", "05", "02", "09", "0a", "01", "08"];
    let others: String = others.map(|byte| format!("7571007e000200000001{byte}").repeat(2)).concat();
    let second = "7571007e00020000000107".repeat(2);
    bytes(&format!("{HEAD}000000187708000000200000000d {first}{second}{others} 78"))
}

fn array(text: &str) -> Option<Bytes> {
    Some(Bytes::copy_from_slice(text.as_bytes()))
}

fn written(entries: &[Entry]) -> Vec<u8> {
    let entries: Vec<_> =
        entries.iter().map(|(key, value)| (key.clone().expect("key"), value.clone().expect("value"))).collect();
    write(entries.iter().map(|(key, value)| (key, value))).expect("small")
}

fn reason(stream: &[u8]) -> String {
    read(stream).expect_err("not a map of byte arrays").to_string()
}

#[test]
fn maps_that_java_wrote_are_read() {
    let (key, value) = (array(r#"["c",{"filename":"test.txt"}]"#), array(r#"{"position":42}"#));
    assert_eq!(read(&empty()), Ok(vec![]));
    assert_eq!(read(&one()), Ok(vec![(key.clone(), value.clone())]));
    let second = (array(r#"["c",{"filename":"b"}]"#), None);
    assert_eq!(read(&two_with_a_null_value()), Ok(vec![(key, value), second]));
    assert_eq!(read(&null_key()), Ok(vec![(None, array("v"))]));
    assert_eq!(read(&one_value_for_two_keys()), Ok(vec![(array("b"), array("v")), (array("a"), array("v"))]));
}

#[test]
fn bytes_are_those_that_java_writes() {
    for stream in [empty(), one(), thirteen()] {
        assert_eq!(written(&read(&stream).expect("written by Java")), stream);
    }
}

#[test]
fn the_table_grows_as_in_java() {
    assert_eq!([0, 12, 13, 24, 25].map(super::capacity), [16, 16, 32, 32, 64].map(Some));
    assert_eq!(super::capacity(i32::MAX), None);
}

#[test]
fn other_objects_are_refused_by_name() {
    let list = bytes(
        "aced0005737200136a6176612e7574696c2e41727261794c6973747881d21d99c7619d03000149000473697a6578700000000077040000000078",
    );
    assert_eq!(reason(&list), "at byte 7: Expected HashMap but found class java.util.ArrayList");
    let strings = bytes(&format!("{HEAD}0000000c77080000001000000001740001617400016278"));
    assert_eq!(reason(&strings), "at byte 81: expected a byte array, found an object of type 0x74");
    assert_eq!(reason(b"{\"offsets\":[]}"), "at byte 0: not a Java object stream (it starts with AC ED 00 05)");
    assert_eq!(reason(&bytes("aced000574000568656c6c6f")), "at byte 4: expected a java.util.HashMap");
}

#[test]
fn every_cut_is_an_error_at_its_place() {
    let stream = two_with_a_null_value();
    for length in 0..stream.len() {
        assert_eq!(reason(&stream[..length]), format!("at byte {length}: the file is cut off"));
    }
}

#[test]
fn lengths_beyond_the_file_allocate_nothing() {
    let array = bytes(&format!("{HEAD}0000000c77080000001000000001 75{CLASS}7fffffff61"));
    assert!(reason(&array).ends_with("the file is cut off"));
    let map = bytes(&format!("{HEAD}0000000c7708000000107fffffff"));
    assert!(reason(&map).ends_with("the file is cut off"));
    let negative = bytes(&format!("{HEAD}0000000c770800000010ffffffff"));
    assert_eq!(reason(&negative), "at byte 77: the size of the map is negative (-1)");
}

#[test]
fn references_to_other_objects_are_refused() {
    for handle in ["007e0001", "007e0002", "007e0009", "00000000", "ffffffff"] {
        let stream = bytes(&format!("{HEAD}0000000c77080000001000000001 75{CLASS}0000000162 71{handle} 78"));
        assert!(reason(&stream).ends_with("the reference is to no byte array"), "{handle}");
    }
}

proptest! {
    #[test]
    fn any_map_comes_back(entries: Vec<(Vec<u8>, Vec<u8>)>) {
        let entries: Vec<Entry> = entries.into_iter().map(|(key, value)| (Some(key.into()), Some(value.into()))).collect();
        prop_assert_eq!(read(&written(&entries)), Ok(entries));
    }

    // Fuzzes the reader: any bytes, bytes behind a good head, and damaged streams.
    #[test]
    fn no_stream_panics(stream: Vec<u8>, tail in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(read(&stream));
        let mut headed = bytes(&format!("{HEAD}0000000c7708"));
        headed.extend(tail);
        drop(read(&headed));
    }

    #[test]
    fn no_damage_panics_or_grows(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        which in 0..3usize,
    ) {
        let mut stream = [one(), two_with_a_null_value(), one_value_for_two_keys()][which].clone();
        for (index, byte) in changes {
            let index = index.index(stream.len());
            stream[index] = byte;
        }
        if let Ok(entries) = read(&stream) {
            let content: usize = entries.iter().flat_map(|(key, value)| [key, value]).flatten().map(Bytes::len).sum();
            prop_assert!(content <= 2 * stream.len());
        }
    }
}
