#![doc = include_str!("../README.md")]

mod attempts;
mod board;
mod cli;
mod command;
mod devices;
mod doctor;
mod drive;
mod exit;
mod failure;
mod interrupt;
mod issue;
mod line;
mod live;
mod load;
mod options;
mod output;
mod paint;
mod plan;
mod probe;
mod records;
mod run_id;
mod schema;
mod screen;
mod simulate;
mod source;
mod starter;
mod summary;
mod table;
mod view;

fn main() -> std::process::ExitCode {
    cli::main()
}
