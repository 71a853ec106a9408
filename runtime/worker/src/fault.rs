//! Named points at which a drill kills the process, to prove what a `kill -9` between two lines costs.
//!
//! `SLUICE_FAULT_POINT=name:count:kill` aborts the process when the point `name` is reached for the `count`-th time. The
//! variable is read once; while it is unset a point costs one relaxed load.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

const UNREAD: u8 = 0;
const UNSET: u8 = 1;
const SET: u8 = 2;

static ARMED: AtomicU8 = AtomicU8::new(UNREAD);
static FAULT: OnceLock<Option<Fault>> = OnceLock::new();

struct Fault {
    point: String,
    hits_left: AtomicU64,
}

/// Passes the point `name`; does not return when the environment asks for a death here.
#[inline]
pub fn point(name: &str) {
    if ARMED.load(Ordering::Relaxed) != UNSET {
        reached(name);
    }
}

#[cold]
fn reached(name: &str) {
    let fault = FAULT.get_or_init(|| {
        let fault = std::env::var("SLUICE_FAULT_POINT").ok().as_deref().and_then(parse);
        ARMED.store(if fault.is_some() { SET } else { UNSET }, Ordering::Relaxed);
        fault
    });
    let Some(fault) = fault.as_ref().filter(|fault| fault.point == name) else { return };
    if fault.hits_left.fetch_sub(1, Ordering::Relaxed) == 1 {
        std::process::abort();
    }
}

fn parse(text: &str) -> Option<Fault> {
    let mut parts = text.rsplitn(3, ':');
    let ("kill", count, point) = (parts.next()?, parts.next()?, parts.next()?) else { return None };
    let hits_left = count.parse().ok().filter(|count| *count > 0)?;
    Some(Fault { point: point.to_owned(), hits_left: AtomicU64::new(hits_left) })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::parse;

    #[test]
    fn only_a_name_with_a_count_and_an_action_is_a_fault() {
        let fault = parse("after-ack-before-flush:3:kill").expect("well formed");
        assert_eq!(fault.point, "after-ack-before-flush");
        assert_eq!(fault.hits_left.load(Ordering::Relaxed), 3);
        for text in ["", "x", "x:1", "x:0:kill", "x:one:kill", "x:1:pause"] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
