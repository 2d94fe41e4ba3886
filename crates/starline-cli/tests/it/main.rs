//! The command line as programs and people meet it: arguments in, output and exit code out.

mod demo;
mod devices;
mod doctor;
mod exit_codes;
mod help;
mod import;
mod init;
mod json;
mod live;
mod nightly;
mod plan;
mod program;
mod records;
mod shells;
mod signals;
mod simulate;
mod tasks;
