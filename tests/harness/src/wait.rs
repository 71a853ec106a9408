//! Waiting for a condition: the only way a test waits for anything.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long the thread parks between two looks at the condition.
const PAUSE: Duration = Duration::from_millis(20);

/// What one look at a condition found.
pub enum Seen<T> {
    /// The condition holds.
    Met(T),
    /// It does not hold yet; the text is the state that was seen instead and ends up in the error.
    NotYet(String),
}

impl<T> From<Option<T>> for Seen<T> {
    fn from(found: Option<T>) -> Self {
        match found {
            Some(value) => Seen::Met(value),
            None => Seen::NotYet("nothing".to_owned()),
        }
    }
}

impl<T> From<Result<T>> for Seen<T> {
    fn from(found: Result<T>) -> Self {
        match found {
            Ok(value) => Seen::Met(value),
            Err(error) => Seen::NotYet(format!("{error:#}")),
        }
    }
}

/// Looks at a condition until it holds. `look` may return `Option`, `Result` (an error is "not yet") or [`Seen`].
///
/// The error names what was awaited, for how long, and the last state seen.
pub fn wait_until<T, S: Into<Seen<T>>>(what: &str, deadline: Duration, mut look: impl FnMut() -> S) -> Result<T> {
    let began = Instant::now();
    loop {
        let last = match look().into() {
            Seen::Met(value) => return Ok(value),
            Seen::NotYet(state) => state,
        };
        if began.elapsed() >= deadline {
            bail!("waited {:.1} s for {what}; last seen: {last}", began.elapsed().as_secs_f64());
        }
        thread::park_timeout(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_names_what_was_awaited_and_what_was_seen() {
        let error = wait_until::<(), _>("a green light", Duration::ZERO, || Seen::NotYet("red".to_owned()))
            .expect_err("never green");
        assert!(error.to_string().contains("for a green light; last seen: red"), "{error}");
    }

    #[test]
    fn a_condition_is_looked_at_until_it_holds() {
        let mut looks = 0;
        let third = wait_until("the third look", Duration::from_secs(5), || {
            looks += 1;
            (looks == 3).then_some(looks)
        });
        assert_eq!(third.ok(), Some(3));
    }
}
