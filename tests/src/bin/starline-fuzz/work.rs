//! A child: it runs inputs in this process.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::ExitCode;

use starline_tests::fuzz::{Finding, Hunt, Source, Target, catch, listen, tell};

use crate::options::Work;

/// The stack that inputs are read on, as the threads of a runtime have it.
const STACK: usize = 2 << 20;

/// Runs some inputs, and prints what came of them: one line `finding PATH WHAT` for each finding, then one line `tally`.
pub(crate) fn run(work: Work) -> ExitCode {
    listen();
    match std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(move || run_here(&work))
        .map(std::thread::JoinHandle::join)
    {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        Ok(Ok(Err(error))) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
        Ok(Err(_)) | Err(_) => ExitCode::FAILURE,
    }
}

fn run_here(work: &Work) -> std::io::Result<()> {
    let at = File::create(&work.at)?;
    let source = Source::new(work.target);
    let mut hunt = Hunt::new(&source, work.seed).measured();
    for index in work.from..work.to {
        at.write_at(&(index + 1).to_le_bytes(), 0)?;
        if let Some(finding) = hunt.run(index) {
            let path = save(&work.findings, work.target, work.seed, &finding)?;
            println!("finding {path} {}", finding.what);
        }
    }
    let tally = hunt.finish();
    println!(
        "tally {} {} {} {} {} {}",
        tally.inputs,
        tally.accepted,
        tally.slowest.took.as_micros(),
        tally.slowest_index,
        tally.peak,
        if tally.slowest.call.is_empty() { "-" } else { tally.slowest.call }
    );
    Ok(())
}

/// Saves an input, and gives its path.
pub(crate) fn save(
    findings: &Path,
    target: &Target,
    seed: u64,
    finding: &Finding,
) -> std::io::Result<String> {
    let folder = findings.join(target.name);
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{seed}-{}", finding.index));
    fs::write(&path, &finding.input)?;
    fs::write(path.with_extension("txt"), format!("{}\n", finding.what))?;
    Ok(path.display().to_string())
}

/// Runs one saved input, and says what came of it.
pub(crate) fn replay(target: &'static Target, file: &Path) -> ExitCode {
    let input = match fs::read(file) {
        Ok(input) => input,
        Err(error) => {
            eprintln!("error: {}: {error}", file.display());
            return ExitCode::FAILURE;
        }
    };
    listen();
    tell();
    match catch(|| (target.check)(&input)) {
        Ok(accepted) => {
            println!("{}", if accepted { "accepted" } else { "refused" });
            ExitCode::SUCCESS
        }
        Err(what) => {
            println!("{what}");
            ExitCode::FAILURE
        }
    }
}
