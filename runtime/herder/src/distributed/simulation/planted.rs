//! Bugs that are put into the seams on purpose: the simulator has to find each of them.

/// Which bug.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Planted {
    #[default]
    None,
    /// A worker does not hear that the group has gone on without it, and its tasks do not ask for the tenure.
    StaleGeneration,
    /// What is revoked is left out of every assignment.
    LostRevocation,
    /// Tasks commit what they have sent, not what was acknowledged.
    EarlyCommit,
}
