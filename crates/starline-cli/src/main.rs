#![doc = include_str!("../README.md")]

mod attempts;
mod audit;
mod board;
mod chronicle;
mod cli;
mod command;
mod devices;
mod doctor;
mod drive;
mod editor;
mod edits;
mod exit;
mod explain;
mod failure;
mod foreign;
mod gates;
mod hosting;
mod implied;
mod interrupt;
mod issue;
mod journal;
mod journals;
mod launch;
mod line;
mod live;
mod load;
mod moment;
mod options;
mod output;
mod paint;
mod past;
mod place;
mod plan;
mod probe;
mod records;
mod remote;
mod run_id;
mod schema;
mod screen;
mod secrets;
mod sent;
mod serving;
mod show;
mod simulate;
mod sole;
mod source;
mod starter;
mod state;
mod summary;
mod table;
mod view;
mod watchman;

fn main() -> std::process::ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|word| word == watchman::WORD) {
        return watchman::main(std::path::Path::new(&arguments.next().unwrap_or_default()));
    }
    cli::main()
}
