//! Files through the public interface.

mod batches;
mod devices;
mod drawing;
mod galaxy;
mod schema;
mod wfformat;
mod workflow;

use starline_workflow::{LoadOptions, Problem, SchemaKind, Workflow};

/// Reads a file that must be valid.
fn load(file: &str) -> Workflow {
    match Workflow::parse(file.as_bytes(), &LoadOptions::default()) {
        Ok(workflow) => {
            schema::assert_accepted(SchemaKind::Workflow, file);
            workflow
        }
        Err(problems) => panic!("{}\n{file}", listed(&problems)),
    }
}

/// Reads a file that must not be valid.
fn problems(file: &str) -> Vec<Problem> {
    match Workflow::parse(file.as_bytes(), &LoadOptions::default()) {
        Ok(_) => panic!("the file is valid:\n{file}"),
        Err(problems) => problems,
    }
}

fn listed(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
