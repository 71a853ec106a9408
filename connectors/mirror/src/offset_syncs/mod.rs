//! Offset syncs: when one is due, and what can be made of those that are there (connect-plugins.md 4.5, 4.6).

mod due;
mod ranges;
mod slots;
mod store;

pub(crate) use due::{DueSyncs, Range};
pub(crate) use ranges::OpenRanges;
pub(crate) use store::{OffsetSyncStore, Translation};
