//! The command line as programs and people meet it: arguments in, output and exit code out.

mod approvals;
mod demo;
mod devices;
mod doctor;
mod everything;
mod exit_codes;
mod export;
mod golden;
mod help;
mod import;
mod init;
mod json;
mod kinds;
mod live;
mod nightly;
mod past;
mod plan;
mod program;
mod records;
mod secrets;
mod sent;
mod shells;
mod signals;
mod simulate;
mod started;
mod tasks;
