//! Probes: sequences of REST calls whose answers are compared between Apache Kafka Connect and ours.
//!
//! The table ([`probes`]) holds every probe; [`Lab`] puts one to a worker; the
//! golden files hold the oracle's answers.
//! The `golden` binary writes those files, `tests/it` compares live. Volatile parts are masked by [`Masks`].

mod dump;
mod golden;
mod lab;
mod masks;
mod run;
mod step;
mod table;
mod verdict;

pub use dump::{InternalTopics, Marks};
pub use golden::{golden_folder, read_golden, write_golden};
pub use lab::Lab;
pub use masks::Masks;
pub use run::{Outcome, Run, Stage};
pub use step::{Ask, Place, Probe, Step};
pub use table::probes;
pub use verdict::{Difference, Known, differences};
