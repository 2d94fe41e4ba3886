#![doc = include_str!("../README.md")]

mod attempts;
mod cli;
mod command;
mod devices;
mod drive;
mod exit;
mod failure;
mod interrupt;
mod issue;
mod line;
mod load;
mod options;
mod output;
mod paint;
mod records;
mod run_id;
mod simulate;
mod source;
mod summary;
mod view;

fn main() -> std::process::ExitCode {
    cli::main()
}
