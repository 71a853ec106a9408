//! The cluster simulator: the herder's own logic under a deterministic clock.
//!
//! It owns a world of virtual time with a broker in it ([`coordinator`], [`log`], [`topic`]), the wires between ([`world`]) and a data
//! plane that reads, sends and commits ([`plane`]). Everything else is the product: loop, membership, assignors, stores' replay, tenure,
//! books of submitted records. Each process of a worker has a runtime with a paused clock of its own, so it can be stopped, go on as if
//! no time had passed, and be killed at any moment. One seed makes one history ([`history`]), and the same one every time.
//!
//! Checked at each act: Invariant 1 (an offset is stored after everything before it), Invariant 5 (no start while another may act, at
//! most one delivery of an earlier owner after the start of the next, no item held twice in a round), Invariant 7 (a shutdown ends in
//! time). In the end: everything configured runs once and evenly, tasks go on, all workers have the same state (Invariant 4), every
//! request was answered. A failure prints the seed; `SLUICE_SIM_SEED=N` runs that one and prints what happened.

mod client;
mod cluster;
mod coordinator;
mod history;
mod invariants;
mod ledger;
mod log;
mod member;
mod peers;
mod plane;
mod planted;
mod process;
mod random;
mod step;
mod task;
#[cfg(test)]
mod tests;
mod topic;
mod world;
