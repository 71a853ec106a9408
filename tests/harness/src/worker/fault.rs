//! Named fault points: where a `sluice` process shall die by itself.

use std::fmt;

/// `SLUICE_FAULT_POINT=name:count:action`: the worker does `action` when it reaches the point the `count`th time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    point: String,
    count: u32,
}

impl Fault {
    /// The environment variable that the binary reads.
    pub const VARIABLE: &str = "SLUICE_FAULT_POINT";

    /// The process aborts, as `kill -9` would end it, when it reaches `point` the `count`th time (1 is the first).
    #[must_use]
    pub fn kill(point: &str, count: u32) -> Self {
        Fault { point: point.to_owned(), count }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}:kill", self.point, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_reads_as_name_count_action() {
        assert_eq!(Fault::kill("after-ack-before-flush", 2).to_string(), "after-ack-before-flush:2:kill");
    }
}
