//! Panics as values.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};

thread_local! {
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// From now on panics of this process print nothing, and [`catch`] knows their places.
pub fn listen() {
    set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        PLACE.with(|kept| *kept.borrow_mut() = place);
    }));
}

/// Runs a check.
///
/// # Errors
/// It panicked: what it said, with its place if [`listen`] was called.
pub fn catch(check: impl FnOnce() -> bool) -> Result<bool, String> {
    PLACE.with(|kept| kept.borrow_mut().clear());
    catch_unwind(AssertUnwindSafe(check)).map_err(|panic| {
        let place = PLACE.with(|kept| kept.take());
        let said = said(&*panic);
        if place.is_empty() { said } else { format!("{place}: {said}") }
    })
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without words").to_owned()
}
