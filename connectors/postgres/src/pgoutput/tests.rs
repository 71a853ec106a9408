use bytes::Bytes;

use super::*;

fn decode(bytes: &[u8]) -> Result<Message, Malformed> {
    Message::decode(Bytes::copy_from_slice(bytes))
}

fn text(value: &str) -> Vec<u8> {
    [&b"t"[..], &u32::try_from(value.len()).unwrap().to_be_bytes(), value.as_bytes()].concat()
}

/// A tuple of `(id, null, unchanged)`.
fn tuple(id: &str) -> Vec<u8> {
    [&[0, 3][..], &text(id), b"n", b"u"].concat()
}

#[test]
fn rows_are_read_in_place() {
    let message = decode(&[&b"I\0\0\0\x07N"[..], &tuple("42")].concat()).unwrap();
    let Message::Insert { relation: 7, new } = message else { panic!("{message:?}") };
    assert_eq!(new.iter().collect::<Vec<_>>(), [Datum::Text(b"42"), Datum::Null, Datum::Unchanged]);
    assert_eq!(new.len(), 3);
    let Some(Datum::Text(id)) = new.iter().next() else { panic!() };
    assert_eq!(new.owner().slice_ref(id), "42");
}

#[test]
fn an_update_says_what_it_knows_of_the_old_row() {
    let plain = decode(&[&b"U\0\0\0\x07N"[..], &tuple("1")].concat()).unwrap();
    assert!(matches!(plain, Message::Update { old: None, .. }));
    for (kind, key_only) in [(b"K", true), (b"O", false)] {
        let update = [&b"U\0\0\0\x07"[..], kind, &tuple("1"), b"N", &tuple("2")].concat();
        let Message::Update { old: Some(old), new, .. } = decode(&update).unwrap() else { panic!() };
        assert_eq!(old.key_only, key_only);
        assert_eq!(new.iter().next(), Some(Datum::Text(b"2")));
    }
}

#[test]
fn relations_and_transactions() {
    let relation =
        [&b"R\0\0\0\x07"[..], b"public\0t\0d\0\x01", b"\x01id\0", &23u32.to_be_bytes(), &(-1i32).to_be_bytes()];
    let column = Column { is_key: true, name: "id".into(), type_oid: 23, type_modifier: -1 };
    let wanted =
        Relation { oid: 7, schema: "public".into(), name: "t".into(), replica_identity: b'd', columns: vec![column] };
    assert_eq!(decode(&relation.concat()).unwrap(), Message::Relation(wanted));
    let begin = [&b"B"[..], &9u64.to_be_bytes(), &5i64.to_be_bytes(), &3u32.to_be_bytes()].concat();
    assert_eq!(decode(&begin).unwrap(), Message::Begin { final_lsn: 9, commit_micros: 5, xid: 3 });
    let commit = [&b"C\0"[..], &8u64.to_be_bytes(), &9u64.to_be_bytes(), &5i64.to_be_bytes()].concat();
    assert_eq!(decode(&commit).unwrap(), Message::Commit { commit_lsn: 8, end_lsn: 9, commit_micros: 5 });
    let truncate = b"T\0\0\0\x02\0\0\0\0\x07\0\0\0\x08";
    assert_eq!(decode(truncate).unwrap(), Message::Truncate { relations: vec![7, 8] });
    let logical = [&b"M\x01"[..], &9u64.to_be_bytes(), b"p\0", &2u32.to_be_bytes(), b"hi"].concat();
    let Message::Logical { transactional: true, lsn: 9, prefix, content } = decode(&logical).unwrap() else { panic!() };
    assert_eq!((prefix.as_str(), &content[..]), ("p", &b"hi"[..]));
}

#[test]
fn bytes_that_follow_no_protocol_are_an_error_that_says_where() {
    assert_eq!(
        decode(b"?").unwrap_err().to_string(),
        "pgoutput: a type that is not known at byte 1 of a message of type '?'"
    );
    assert_eq!(decode(b"I\0\0").unwrap_err().what, "the message ends inside of a number");
    assert_eq!(decode(b"I\0\0\0\x01N\0\x01t\0\0\0\x09x").unwrap_err().what, "a value is longer than the message");
    assert_eq!(decode(b"I\0\0\0\x01N\0\x01t\xff\xff\xff\xff").unwrap_err().what, "a negative length");
    assert_eq!(decode(b"I\0\0\0\x01N\0\x01b").unwrap_err().what, "a column that is neither text, null nor unchanged");
    assert_eq!(decode(b"R\0\0\0\x01public").unwrap_err().what, "text without end");
    assert!(decode(b"").is_err());
    assert!(decode(b"T\xff\xff\xff\xff\0").is_err(), "a count that cannot be is not allocated");
}
