//! The syncs that are kept of one source partition: 64 slots, dense near the latest and ever sparser before it.
//!
//! Which ones are kept decides what a group's offset is translated to, and checkpoints must not go back when a JVM worker takes over or
//! the other way round: so the rules are exactly MirrorMaker's, with its arithmetic that wraps (connect-plugins.md 4.6).
//!
//! Between slot i and slot j there are at most 2^j - 2^i upstream offsets (*recent enough*), and neighbours that differ are at
//! least 2^(i-2) apart (*far enough*).

const SLOTS: usize = 64;

/// A sync, and which one it is: two may have the same offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    number: u64,
    pub(super) upstream: i64,
    pub(super) downstream: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Slots {
    slots: [Kept; SLOTS],
    received: u64,
}

impl Slots {
    /// Every slot has the first sync.
    pub(super) fn new(upstream: i64, downstream: i64) -> Self {
        Self { slots: [Kept { number: 0, upstream, downstream }; SLOTS], received: 0 }
    }

    /// Takes a sync. `alone` forgets all others: what was there before may have been used to translate farther.
    pub(super) fn update(&mut self, upstream: i64, downstream: i64, alone: bool) {
        self.received += 1;
        let sync = Kept { number: self.received, upstream, downstream };
        if alone || upstream < self.slots[0].upstream {
            self.slots = [sync; SLOTS];
        } else {
            self.push(sync);
        }
    }

    /// The latest sync at or before this upstream offset, else the earliest there is.
    pub(super) fn lookup(&self, upstream: i64) -> Kept {
        let found = self.slots.iter().find(|sync| sync.upstream <= upstream);
        found.copied().unwrap_or(self.slots[SLOTS - 1])
    }

    fn push(&mut self, sync: Kept) {
        let before = self.slots;
        // What the next slot gets if what it has is too old: always something that may be there.
        let mut candidate = sync;
        let mut next_candidate = 0;
        self.slots[0] = sync;
        for current in 1..SLOTS {
            let newer = self.slots[current - 1];
            loop {
                let old = before[next_candidate];
                let is_far = far_enough(newer, old, current - 1);
                let fits = recent_enough(newer, old, current - 1, current)
                    && is_far
                    && (current + 1 == SLOTS || far_enough(old, self.slots[current + 1], current));
                if fits {
                    candidate = old;
                }
                let is_again = before.get(next_candidate + 1) == Some(&old);
                let is_passed = is_again || !is_far;
                if fits || is_passed {
                    next_candidate += 1;
                }
                if !is_passed || next_candidate >= current {
                    break;
                }
            }
            if recent_enough(newer, self.slots[current], current - 1, current) {
                // Then this is true of all that follow.
                break;
            }
            self.slots[current] = candidate;
        }
    }
}

fn recent_enough(newer: Kept, older: Kept, newer_slot: usize, older_slot: usize) -> bool {
    let bound = older.upstream.wrapping_add(power(older_slot)).wrapping_sub(power(newer_slot));
    newer == older || bound < 0 || newer.upstream <= bound
}

fn far_enough(newer: Kept, older: Kept, newer_slot: usize) -> bool {
    let bound = older.upstream.wrapping_add(power(newer_slot.saturating_sub(2)));
    newer == older || (bound >= 0 && newer.upstream >= bound)
}

/// 2^63 is the smallest number there is, as in Java.
fn power(exponent: usize) -> i64 {
    1_i64.wrapping_shl(u32::try_from(exponent).unwrap_or(0))
}

#[cfg(test)]
impl Slots {
    /// `slot=upstream:downstream` where the sync differs from the slot before; downstream is left out when it is the same.
    pub(super) fn text(&self) -> String {
        let differs = |at: &usize| *at == 0 || self.slots[*at] != self.slots[at - 1];
        let one = |at: usize| {
            let sync = self.slots[at];
            match sync.upstream == sync.downstream {
                true => format!("{at}={}", sync.upstream),
                false => format!("{at}={}:{}", sync.upstream, sync.downstream),
            }
        };
        (0..SLOTS).filter(differs).map(one).collect::<Vec<_>>().join(" ")
    }
}
