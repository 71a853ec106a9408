//! What can go wrong on the wire, and the one place that says what kind of trouble a broker's error code is.

use std::io;

use kafka_protocol::ResponseError;

use crate::error::PropertyError;

/// A failed exchange with the cluster. [`Error::kind`] says what the caller can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A property has a value that cannot be used.
    #[error("`{key}`: expected {expected}, got \"{value}\"")]
    Property {
        /// Java name of the property.
        key: &'static str,
        /// The value as given.
        value: String,
        /// What would have been accepted.
        expected: &'static str,
    },
    /// The security configuration cannot be used: everything that is wrong with it.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Security(Vec<PropertyError>),
    /// A broker does not want this client, or this client the broker: wrong credentials, a certificate that is not trusted.
    #[error("the Kafka cluster refuses this client: {}", attempts(.tried))]
    Refused {
        /// Every address that was tried in this round, in order, with the reason.
        tried: Vec<(String, io::Error)>,
    },
    /// None of the known addresses took a connection.
    #[error("cannot reach Kafka at {}", attempts(.tried))]
    Unreachable {
        /// Every address that was tried in this round, in order, with the reason.
        tried: Vec<(String, io::Error)>,
    },
    /// The connection broke, or no answer came within the request time-out. The connection is closed.
    #[error("{api} request to {address} failed: {source}")]
    Disconnected {
        /// Address of the broker.
        address: String,
        /// Name of the request.
        api: &'static str,
        /// The reason.
        source: io::Error,
    },
    /// The answer is not what Kafka's protocol prescribes. The connection is closed.
    #[error("{address} sent a malformed answer to {api}: {reason}")]
    Malformed {
        /// Address of the broker.
        address: String,
        /// Name of the request.
        api: &'static str,
        /// What is wrong with the bytes.
        reason: String,
    },
    /// The broker does not speak the version of a request that this client speaks.
    #[error("{address} does not support {api} version {spoken} ({offered})")]
    UnsupportedVersion {
        /// Address of the broker.
        address: String,
        /// Name of the request.
        api: &'static str,
        /// The version that this client speaks.
        spoken: i16,
        /// What the broker offers.
        offered: String,
    },
    /// A request could not be written down: one of its fields is too long for the protocol.
    #[error("{api} request cannot be encoded: {reason}")]
    Unencodable {
        /// Name of the request.
        api: &'static str,
        /// What does not fit.
        reason: String,
    },
    /// The broker answered with an error code.
    #[error("{api} for {subject} failed: {code}")]
    Broker {
        /// Name of the request.
        api: &'static str,
        /// The group, topic partition or member that the code is about.
        subject: String,
        /// Kafka's error.
        code: ResponseError,
    },
    /// The group still has members, so its offsets cannot be altered and it cannot be deleted.
    #[error("group {group} is not empty: {code}")]
    GroupNotEmpty {
        /// The group.
        group: String,
        /// How the broker put it.
        code: ResponseError,
    },
}

/// What the caller can do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The same call may work in a moment.
    Retriable,
    /// Another process took this member's place. Do not go on.
    Fenced,
    /// The group no longer knows this member. Join again; the member id was given up.
    UnknownMember,
    /// The group has moved on to another generation. Join again with the same member id.
    IllegalGeneration,
    /// The group is rebalancing. Join again.
    RebalanceInProgress,
    /// Another broker coordinates the group now, or the connection to the coordinator broke.
    CoordinatorMoved,
    /// The group still has members.
    GroupNotEmpty,
    /// There is no such group.
    GroupMissing,
    /// No broker took a connection.
    Unreachable,
    /// Credentials or certificates are refused: nothing changes until somebody changes them.
    Refused,
    /// The cluster or the configuration refuses this for good.
    Fatal,
}

impl Error {
    /// Sorts the error by what can be done about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::Unreachable { .. } => ErrorKind::Unreachable,
            Error::Refused { .. } => ErrorKind::Refused,
            Error::Disconnected { .. } => ErrorKind::CoordinatorMoved,
            Error::Malformed { .. } => ErrorKind::Retriable,
            Error::GroupNotEmpty { .. } => ErrorKind::GroupNotEmpty,
            Error::Broker { code, .. } => kind_of(*code),
            Error::Property { .. }
            | Error::Security(_)
            | Error::UnsupportedVersion { .. }
            | Error::Unencodable { .. } => ErrorKind::Fatal,
        }
    }

    /// True when the same call may work later without anyone changing anything.
    pub fn is_retriable(&self) -> bool {
        matches!(self.kind(), ErrorKind::Retriable | ErrorKind::CoordinatorMoved | ErrorKind::Unreachable)
    }

    /// True when a group member gets over this by joining again.
    pub fn wants_rejoin(&self) -> bool {
        self.is_retriable()
            || matches!(
                self.kind(),
                ErrorKind::UnknownMember | ErrorKind::IllegalGeneration | ErrorKind::RebalanceInProgress
            )
    }

    /// No address took a connection. A refusal by one of them is the better reason: the others may just be down.
    pub(crate) fn unreachable(tried: Vec<(String, io::Error)>) -> Self {
        if tried.iter().any(|(_, reason)| is_refusal(reason)) {
            return Self::Refused { tried: tried.into_iter().filter(|(_, reason)| is_refusal(reason)).collect() };
        }
        Self::Unreachable { tried }
    }

    /// The error code as a result: 0 is success. `subject` names what the code is about.
    ///
    /// # Errors
    /// [`Error::Broker`] for every other code.
    pub fn check(api: &'static str, subject: &str, code: i16) -> Result<(), Error> {
        match ResponseError::try_from_code(code) {
            None => Ok(()),
            Some(code) => Err(Error::Broker { api, subject: subject.to_owned(), code }),
        }
    }
}

fn kind_of(code: ResponseError) -> ErrorKind {
    match code {
        ResponseError::NotCoordinator | ResponseError::CoordinatorNotAvailable => ErrorKind::CoordinatorMoved,
        ResponseError::UnknownMemberId => ErrorKind::UnknownMember,
        ResponseError::IllegalGeneration => ErrorKind::IllegalGeneration,
        ResponseError::RebalanceInProgress => ErrorKind::RebalanceInProgress,
        ResponseError::FencedInstanceId | ResponseError::FencedMemberEpoch | ResponseError::ProducerFenced => {
            ErrorKind::Fenced
        }
        // The coordinator is still ending what the earlier owner of a transactional id has left.
        ResponseError::ConcurrentTransactions => ErrorKind::Retriable,
        ResponseError::NonEmptyGroup | ResponseError::GroupSubscribedToTopic => ErrorKind::GroupNotEmpty,
        ResponseError::GroupIdNotFound => ErrorKind::GroupMissing,
        code if code.is_retriable() => ErrorKind::Retriable,
        _ => ErrorKind::Fatal,
    }
}

/// A connection fails like this when trying again is of no use.
fn is_refusal(reason: &io::Error) -> bool {
    reason.kind() == io::ErrorKind::PermissionDenied
}

fn attempts(tried: &[(String, io::Error)]) -> String {
    let each: Vec<String> = tried.iter().map(|(address, reason)| format!("{address} ({reason})")).collect();
    each.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(code: i16) -> ErrorKind {
        Error::check("Heartbeat", "g", code).expect_err("an error code").kind()
    }

    #[test]
    fn codes_are_sorted_by_what_the_member_does_next() {
        for (code, expected) in [
            (14, ErrorKind::Retriable),
            (15, ErrorKind::CoordinatorMoved),
            (16, ErrorKind::CoordinatorMoved),
            (22, ErrorKind::IllegalGeneration),
            (23, ErrorKind::Fatal),
            (25, ErrorKind::UnknownMember),
            (27, ErrorKind::RebalanceInProgress),
            (30, ErrorKind::Fatal),
            (68, ErrorKind::GroupNotEmpty),
            (69, ErrorKind::GroupMissing),
            (82, ErrorKind::Fenced),
            (86, ErrorKind::GroupNotEmpty),
            (9999, ErrorKind::Fatal),
        ] {
            assert_eq!(kind(code), expected, "code {code}");
        }
        assert!(Error::check("Heartbeat", "g", 0).is_ok());
    }

    #[test]
    fn unreachable_names_every_address_and_its_reason() {
        let refused = io::Error::other("connection refused");
        let timeout = io::Error::other("timed out");
        let error = Error::Unreachable { tried: vec![("a:1".into(), refused), ("b:2".into(), timeout)] };
        assert_eq!(error.to_string(), "cannot reach Kafka at a:1 (connection refused), b:2 (timed out)");
        assert!(error.is_retriable());
    }
}
