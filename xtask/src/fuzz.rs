//! The long volume of the hostile-input tests.

use crate::cargo;

pub(crate) const HELP: &str = "\
Gives hostile inputs to every reader of outside data and to the renderer of templates: workflow and device
files, imports, conditions, templates, ids and amounts, edits, graphs, settings, records and journals.
Nothing that comes from outside may panic, hang, take more than a second in one call, or more than 256 MiB;
what is accepted must be written and read back as the same.

Inputs are valid ones with changes; equal seeds give equal inputs. Children run them, one for each
processor, within a limit of memory and under a watchdog. For each target: inputs, the share that was
accepted, the slowest call and the most memory. A finding is saved under `target/fuzz/TARGET`, small where
it can be made small, beside a text that says what it is; the exit code is 1 then.
        --inputs N   of all targets together        --seed S        other inputs
        --jobs J     children at a time             --replay FILE   one saved input of the TARGET
A finding that is fixed stays fixed: put its input into `tests/fuzz/findings/TARGET`, which every
`cargo xtask test` reads, with a few thousand inputs of each target.";

/// Runs the checked build of the fuzz program.
pub(crate) fn run(args: &[String]) -> anyhow::Result<bool> {
    let mut command = cargo::command();
    command.args(["run", "--profile", "checked", "--package", "starline-tests"]);
    command.args(["--bin", "starline-fuzz", "--"]).args(args);
    Ok(cargo::run(&mut command)?.success())
}
