//! Progress lines on standard error, with the seconds since the program started.

use std::sync::OnceLock;
use std::time::Instant;

/// Says what happens now.
pub(crate) fn say(what: &str) {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    eprintln!("[{:5.0} s] {what}", BEGAN.get_or_init(Instant::now).elapsed().as_secs_f64());
}
