//! Catches panics of connector code and keeps their message and place for the status.

use std::cell::RefCell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;
use std::task::Poll;

use sluice_api::ConnectError;

thread_local! {
    static LAST: RefCell<Option<Option<String>>> = const { RefCell::new(None) };
}

/// Runs `body`; a panic in it becomes an error that says what was said and where.
///
/// Invariant 8: nothing that a connector does unwinds past this. The values that `body` owned are dropped.
pub(crate) fn catch<T>(body: impl FnOnce() -> T) -> Result<T, ConnectError> {
    install_hook();
    let outer = LAST.replace(Some(None));
    let outcome = catch_unwind(AssertUnwindSafe(body));
    let place = LAST.replace(outer).flatten();
    outcome.map_err(|payload| {
        let said = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a value that is no text".to_owned());
        let place = place.unwrap_or_else(|| "an unknown place".to_owned());
        ConnectError::connect(format!("panicked at {place}: {said}"))
    })
}

/// As [`catch`], for the time that a future runs.
pub(crate) async fn catch_in<T>(future: impl Future<Output = T>) -> Result<T, ConnectError> {
    let mut future = Box::pin(future);
    let polled = poll_fn(|context| match catch(|| future.as_mut().poll(context)) {
        Ok(polled) => polled.map(Ok),
        Err(panicked) => Poll::Ready(Err(panicked)),
    });
    polled.await
}

/// Keeps the place of a panic on a thread that is inside [`catch`]; elsewhere the previous hook has its say.
fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !keep(info) {
                previous(info);
            }
        }));
    });
}

fn keep(info: &PanicHookInfo<'_>) -> bool {
    LAST.try_with(|last| match &mut *last.borrow_mut() {
        Some(place) => {
            *place = info.location().map(ToString::to_string);
            true
        }
        None => false,
    })
    .unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::catch;

    #[test]
    fn a_panic_becomes_an_error_with_message_and_place() {
        // Invariant 8.
        let error = catch(|| panic!("line {} is odd", 7)).expect_err("panicked");
        assert!(error.message().starts_with("panicked at runtime/worker/src/panic_trace.rs:"), "{error}");
        assert!(error.message().ends_with(": line 7 is odd"), "{error}");
        assert_eq!(catch(|| 5).expect("no panic"), 5);
    }
}
