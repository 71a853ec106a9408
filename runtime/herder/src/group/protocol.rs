//! `connect.protocol`: which protocols a worker offers to its group, and what their versions are.

use bytes::Bytes;

use super::assignment::Assignment;
use super::worker_state::WorkerState;

/// The value of `connect.protocol`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ConnectProtocol {
    /// `eager`: everything stops in every rebalance.
    Eager,
    /// `compatible`: incremental cooperative rebalancing, eager when another worker speaks nothing else.
    Compatible,
    /// `sessioned`: as compatible, and internal requests are signed.
    #[default]
    Sessioned,
}

/// The version of the bytes in metadata and assignments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProtocolVersion {
    /// Eager.
    V0,
    /// Incremental cooperative.
    V1,
    /// The bytes of V1; internal requests are signed.
    V2,
}

impl ConnectProtocol {
    /// The protocol of that name in worker properties; upper and lower case are the same.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [("eager", Self::Eager), ("compatible", Self::Compatible), ("sessioned", Self::Sessioned)];
        all.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim())).map(|(_, protocol)| protocol)
    }

    /// The versions offered, most wanted first. The group takes one that all members offer.
    pub fn versions(self) -> &'static [ProtocolVersion] {
        match self {
            Self::Eager => &[ProtocolVersion::V0],
            Self::Compatible => &[ProtocolVersion::V1, ProtocolVersion::V0],
            Self::Sessioned => &[ProtocolVersion::V2, ProtocolVersion::V1, ProtocolVersion::V0],
        }
    }

    /// Protocol names with this worker's metadata, for a worker that runs nothing yet or is alone: `url` is the
    /// advertised one with a `/` at its end, `config_offset` that of the config topic.
    pub fn offer(self, url: &str, config_offset: i64) -> Vec<(String, Bytes)> {
        self.offer_holding(url, config_offset, None)
    }

    /// As [`ConnectProtocol::offer`], with everything that this worker runs at the moment in `allocation.assigned`.
    pub fn offer_holding(self, url: &str, config_offset: i64, allocation: Option<&Assignment>) -> Vec<(String, Bytes)> {
        let state = WorkerState { url: url.to_owned(), config_offset, allocation: allocation.cloned() };
        self.versions().iter().map(|version| (version.name().to_owned(), state.encode(*version))).collect()
    }
}

impl ProtocolVersion {
    /// The name under which the group knows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::V0 => "default",
            Self::V1 => "compatible",
            Self::V2 => "sessioned",
        }
    }

    /// The version that the group agreed on, by name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::V0, Self::V1, Self::V2].into_iter().find(|version| version.name() == name)
    }

    /// The number in front of the bytes.
    pub fn number(self) -> i16 {
        match self {
            Self::V0 => 0,
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_offers_the_older_ones_too() {
        for (name, offered) in [
            ("eager", vec!["default"]),
            ("Compatible", vec!["compatible", "default"]),
            (" sessioned ", vec!["sessioned", "compatible", "default"]),
        ] {
            let protocol = ConnectProtocol::from_name(name).expect(name);
            let names: Vec<String> = protocol.offer("http://a:8083/", 5).into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, offered);
        }
        assert_eq!(ConnectProtocol::from_name("cooperative"), None);
        assert_eq!(ConnectProtocol::default(), ConnectProtocol::Sessioned);
    }

    #[test]
    fn the_metadata_of_each_offer_has_the_version_of_its_name() {
        for (name, metadata) in ConnectProtocol::Sessioned.offer("http://a:8083/", 5) {
            let version = ProtocolVersion::from_name(&name).expect("known");
            assert_eq!(metadata[..2], version.number().to_be_bytes());
        }
    }
}
