//! The laws hold for what keeps them, and notice what does not.

mod devices;
mod generators;
mod journals;
mod strategies;

/// What a law says of a subject that breaks it; `None` if it holds.
fn broken(law: impl FnOnce() + std::panic::UnwindSafe) -> Option<String> {
    let panic = std::panic::catch_unwind(law).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default())
}

/// Asks that a law notices, and says why.
#[track_caller]
fn breaks(law: impl FnOnce() + std::panic::UnwindSafe, why: &str) {
    let said = broken(law);
    assert!(said.as_ref().is_some_and(|said| said.contains(why)), "{why:?} is not in {said:?}");
}
