#![doc = include_str!("../README.md")]

pub mod arbitrary;
mod check;
pub mod device;
#[cfg(feature = "interleave")]
pub mod interleave;
pub mod journal;
mod runtime;
pub mod strategy;
mod watched;

pub use check::check;
pub use runtime::block_on;

pub use proptest;
pub use starline_assign::AssignmentStrategy;
pub use starline_device::{Device, Millis, Payload};
pub use starline_journal::Journal;
pub use starline_sim::{PlayedScript, Script, ScriptError};

/// A test of each law of a module, for one subject.
#[doc(hidden)]
#[macro_export]
macro_rules! laws {
    ($module:ident, $subject:expr; $($law:ident),+ $(,)?) => {
        $(
            #[test]
            fn $law() {
                $crate::$module::$law($subject);
            }
        )+
    };
}
