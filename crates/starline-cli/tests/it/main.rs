//! The command line as programs and people meet it: arguments in, output and exit code out.

mod demo;
mod exit_codes;
mod help;
mod import;
mod json;
mod nightly;
mod program;
mod records;
mod signals;
mod simulate;
mod tasks;
