//! What the leader tells a worker after a rebalance.

use std::collections::BTreeSet;

use bytes::{BufMut, Bytes, BytesMut};
use sluice_storage::ConnectorTaskId;

use super::bytes_in::{BytesIn, DecodeError};
use super::bytes_out::{put_connectors_and_tasks, put_text};
use super::connectors_and_tasks::ConnectorsAndTasks;
use super::protocol::ProtocolVersion;

/// One member's assignment in any version of the protocol (connect-worker.md 3.2). In V0, `assigned` is all that the
/// worker shall run; later versions say what to add to and what to take from what it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Why there is nothing to run, if so.
    pub error: AssignmentError,
    /// Member id of the leader.
    pub leader: String,
    /// Advertised URL of the leader.
    pub leader_url: String,
    /// Offset of the config topic that the assignment was computed from: it counts only when the worker has read as far.
    pub config_offset: i64,
    /// What to run.
    pub assigned: ConnectorsAndTasks,
    /// What to stop.
    pub revoked: ConnectorsAndTasks,
    /// Milliseconds after which to join again; 0 for no such need.
    pub delay_ms: i32,
}

/// Whether the leader could assign anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum AssignmentError {
    /// It could.
    #[default]
    None,
    /// The leader has not read the config topic as far as another member: read it to the end and join again.
    ConfigMismatch,
    /// A number that this worker does not know: treat it as a failed round.
    Unknown(i16),
}

impl Assignment {
    /// The connectors whose instance is assigned.
    pub fn connectors(&self) -> BTreeSet<String> {
        self.assigned.connectors.clone()
    }

    /// The tasks that are assigned, in ascending order.
    pub fn tasks(&self) -> Vec<ConnectorTaskId> {
        self.assigned.tasks.iter().cloned().collect()
    }

    /// The bytes of that version; V0 has no place for revocations and delay.
    pub fn encode(&self, version: ProtocolVersion) -> Bytes {
        let mut out = BytesMut::new();
        out.put_i16(version.number());
        out.put_i16(self.error.code());
        put_text(&mut out, &self.leader);
        put_text(&mut out, &self.leader_url);
        out.put_i64(self.config_offset);
        put_connectors_and_tasks(&mut out, &self.assigned);
        if version >= ProtocolVersion::V1 {
            put_connectors_and_tasks(&mut out, &self.revoked);
            out.put_i32(self.delay_ms);
        }
        out.freeze()
    }

    /// Reads the bytes of any version. Fields that are missing at the end take their defaults. Never panics.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = BytesIn::new("assignment", bytes);
        input.version()?;
        let error = AssignmentError::from_code(input.i16()?);
        let (leader, leader_url, config_offset) = (input.text()?, input.text()?, input.i64()?);
        let assigned = input.connectors_and_tasks_or_none()?;
        let revoked = input.connectors_and_tasks_or_none()?;
        let delay_ms = if input.is_at_end() { 0 } else { input.i32()? };
        Ok(Self { error, leader, leader_url, config_offset, assigned, revoked, delay_ms })
    }
}

impl AssignmentError {
    /// The number in the bytes.
    pub fn code(self) -> i16 {
        match self {
            Self::None => 0,
            Self::ConfigMismatch => 1,
            Self::Unknown(code) => code,
        }
    }

    fn from_code(code: i16) -> Self {
        match code {
            0 => Self::None,
            1 => Self::ConfigMismatch,
            code => Self::Unknown(code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::worker_state::WorkerState;
    use super::*;
    use proptest::prelude::*;

    const URL: &str = "http://a:8083/";
    const URL_HEX: &str = "000e 687474703a2f2f613a383038332f 0000000000000005";

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex");
        digits.chunks(2).map(byte).collect()
    }

    fn task(connector: &str, task: u32) -> ConnectorTaskId {
        ConnectorTaskId { connector: connector.to_owned(), task }
    }

    fn assigned() -> ConnectorsAndTasks {
        ConnectorsAndTasks { connectors: ["c".to_owned()].into(), tasks: [task("c", 0)].into() }
    }

    /// Appendix A: leader m1, connector c with its instance and task 0.
    fn assignment() -> Assignment {
        Assignment {
            error: AssignmentError::None,
            leader: "m1".to_owned(),
            leader_url: URL.to_owned(),
            config_offset: 5,
            assigned: assigned(),
            revoked: ConnectorsAndTasks::default(),
            delay_ms: 0,
        }
    }

    /// Appendix A: the same, and revoked connector d task 1, delay 300000.
    fn incremental() -> Assignment {
        let revoked = ConnectorsAndTasks { connectors: BTreeSet::new(), tasks: [task("d", 1)].into() };
        Assignment { revoked, delay_ms: 300_000, ..assignment() }
    }

    fn assignment_v0() -> Vec<u8> {
        hex(&format!("0000 0000 0002 6d31 {URL_HEX} 00000001 0001 63 00000002 ffffffff 00000000"))
    }

    fn assignment_v2() -> Vec<u8> {
        hex(&format!(
            "0002 0000 0002 6d31 {URL_HEX} 00000001 0001 63 00000002 ffffffff 00000000
             00000001 0001 64 00000001 00000001 000493e0"
        ))
    }

    fn state(allocation: Option<Assignment>) -> WorkerState {
        WorkerState { url: URL.to_owned(), config_offset: 5, allocation }
    }

    // Invariant 6: the vectors of connect-worker.md, appendix A.
    #[test]
    fn assignments_have_the_bytes_of_appendix_a() {
        assert_eq!(assignment().encode(ProtocolVersion::V0), assignment_v0());
        assert_eq!(Assignment::decode(&assignment_v0()), Ok(assignment()));
        assert_eq!(incremental().encode(ProtocolVersion::V2), assignment_v2());
        assert_eq!(assignment_v2().len(), 70);
        assert_eq!(Assignment::decode(&assignment_v2()), Ok(incremental()));
    }

    #[test]
    fn metadata_has_the_bytes_of_appendix_a() {
        let (v0, v2) = (hex(&format!("0000 {URL_HEX}")), hex(&format!("0002 {URL_HEX} ffffffff")));
        assert_eq!(state(None).encode(ProtocolVersion::V0), v0);
        assert_eq!(state(None).encode(ProtocolVersion::V2), v2);
        assert_eq!(WorkerState::decode(&v0), Ok(state(None)));
        assert_eq!(WorkerState::decode(&v2), Ok(state(None)));
        let holding = [hex(&format!("0002 {URL_HEX} 00000046")), assignment_v2()].concat();
        assert_eq!(state(Some(incremental())).encode(ProtocolVersion::V2), holding);
        assert_eq!(WorkerState::decode(&holding), Ok(state(Some(incremental()))));
    }

    #[test]
    fn version_1_differs_from_version_2_in_its_number_alone() {
        let (v1, v2) = (incremental().encode(ProtocolVersion::V1), incremental().encode(ProtocolVersion::V2));
        assert_eq!((v1[1], v2[1]), (1, 2));
        assert_eq!(v1[2..], v2[2..]);
    }

    #[test]
    fn null_arrays_and_missing_ends_take_their_defaults() {
        let nothing = Assignment { assigned: ConnectorsAndTasks::default(), ..assignment() };
        let head = format!("0001 0000 0002 6d31 {URL_HEX}");
        for end in ["", "ffffffff", "ffffffff ffffffff", "ffffffff ffffffff 00000000"] {
            assert_eq!(Assignment::decode(&hex(&format!("{head} {end}"))), Ok(nothing.clone()), "{end}");
        }
    }

    #[test]
    fn wrong_bytes_are_named_with_their_place() {
        for (bytes, message) in [
            ("ffff", "assignment: version -1 at byte 2"),
            ("00", "assignment: the bytes end inside a 16-bit number at byte 0"),
            ("0000 0000 0009 61", "assignment: 9 bytes expected, 1 left at byte 6"),
            ("0000 0000 fffe", "assignment: text of length -2 at byte 6"),
            ("0000 0000 0001 ff", "assignment: text that is not UTF-8 at byte 7"),
        ] {
            assert_eq!(Assignment::decode(&hex(bytes)).expect_err(bytes).to_string(), message);
        }
        let head = format!("0000 0000 0002 6d31 {URL_HEX}");
        for (end, message) in [
            ("7fffffff", "assignment: array of 2147483647 elements at byte 36"),
            ("00000001 0001 63 00000001 fffffffe", "assignment: task number -2 at byte 47"),
        ] {
            assert_eq!(Assignment::decode(&hex(&format!("{head} {end}"))).expect_err(end).to_string(), message);
        }
    }

    fn any_work() -> impl Strategy<Value = ConnectorsAndTasks> {
        let tasks = proptest::collection::btree_set(("[a-cä]{0,3}", 0_u32..5), 0..6);
        (proptest::collection::btree_set("[a-cä]{0,3}", 0..4), tasks).prop_map(|(connectors, tasks)| {
            ConnectorsAndTasks { connectors, tasks: tasks.iter().map(|(name, number)| task(name, *number)).collect() }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn what_is_written_is_read(assigned in any_work(), revoked in any_work(), delay_ms in 0.., offset in any::<i64>()) {
            let written = Assignment { assigned, revoked, delay_ms, config_offset: offset, ..assignment() };
            let state = WorkerState { url: URL.to_owned(), config_offset: offset, allocation: Some(written.clone()) };
            prop_assert_eq!(WorkerState::decode(&state.encode(ProtocolVersion::V1)), Ok(state));
            let eager = Assignment { revoked: ConnectorsAndTasks::default(), delay_ms: 0, ..written.clone() };
            prop_assert_eq!(Assignment::decode(&written.encode(ProtocolVersion::V0)), Ok(eager));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80), small in any::<bool>()) {
            // Small bytes make plausible lengths and counts, so that reading gets further.
            let bytes: Vec<u8> = bytes.into_iter().map(|byte| if small { byte & 1 } else { byte }).collect();
            drop((Assignment::decode(&bytes), WorkerState::decode(&bytes)));
        }

        #[test]
        fn a_valid_blob_with_any_byte_changed_never_panics(at in 0_usize..70, byte in any::<u8>()) {
            let mut bytes = assignment_v2();
            bytes[at] = byte;
            drop(Assignment::decode(&bytes));
        }
    }
}
