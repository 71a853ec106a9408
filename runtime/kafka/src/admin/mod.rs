//! Calls on the cluster itself: its id, topics, topic settings and offsets.
//!
//! The herder, topic creation and the internal logs call it, usually through one shared [`Admin`]. Each call ends by
//! its deadline, and nothing here retries: the caller knows how long it can wait and what to tell the user. Group calls
//! are in [`wire`](crate::wire).

mod client;
mod mirror;
mod topic;

pub use client::Admin;
pub use topic::{NewTopic, OffsetSpec, TopicDescription};
