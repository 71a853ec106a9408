//! The catalog: types, columns, keys, publications, slots, and what a server must be set up with.
//!
//! Owns every statement that is not a snapshot's. The task calls it at the start and when a table's definition comes that it does
//! not know; nothing here keeps positions.

mod access;
mod preconditions;
mod publication;
mod server;
mod slot;
mod system;
mod tables;
mod types;

pub(crate) use access::{TableAccess, keyless_tables, unreadable_tables};
pub(crate) use preconditions::{Problem, check};
pub(crate) use publication::{prepare_publication, publication_problems};
pub(crate) use server::ServerFacts;
pub(crate) use slot::{CreatedSlot, Slot, create_slot, drop_slot, find_slot};
pub(crate) use system::System;
pub(crate) use tables::{TableFacts, TableName, list_tables, table_facts};
pub(crate) use types::{TypeInfo, TypeKind, Types};
