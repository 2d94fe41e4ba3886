//! Counts of a test run, read from what the test programs print.

use std::fmt;

/// Follows the output of `cargo test … -- --show-output`, line by line.
///
/// A test that misses something outside prints `skipped: <reason>` and returns; the harness calls that a
/// pass. It is counted as a skip here, so that nothing passes in silence.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    reported_passes: u64,
    failed: u64,
    skips: Vec<Skip>,
    failures: Vec<String>,
    /// A test program that has begun and has not given its result yet.
    open: bool,
    part: Part,
    /// The test whose output is being read.
    test: Option<String>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Skip {
    test: String,
    reason: String,
}

/// Part of what one test program prints.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Part {
    #[default]
    Verdicts,
    Successes,
    Failures,
}

/// The three numbers that end a test run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    /// Reads a line of the standard output. `false`: it belongs to a test that passed, and a reader of the
    /// log can do without it.
    pub(crate) fn line(&mut self, line: &str) -> bool {
        // A test may print such a line itself, and then it stands in the part with its output.
        if self.part == Part::Verdicts && is_start(line) {
            self.close();
            self.open = true;
            return true;
        }
        if let Some(result) = line.strip_prefix("test result: ") {
            self.result(result);
            return true;
        }
        match (line, self.part) {
            ("successes:", _) => {
                self.begin(Part::Successes);
                return false;
            }
            ("failures:", _) => self.begin(Part::Failures),
            (_, Part::Verdicts) => self.verdict(line),
            (_, Part::Successes | Part::Failures) => self.captured(line),
        }
        self.part != Part::Successes
    }

    /// Reads a line of the standard error output.
    pub(crate) fn error_line(&mut self, line: &str) {
        if let Some(reason) = line.strip_prefix("skipped: ") {
            self.skip("a test", reason);
        }
    }

    /// Ends the run: what has begun and never gave a result is a failure, and so is a run that ended badly
    /// although no test says why, for example because it did not build.
    pub(crate) fn finish(&mut self, success: bool) {
        self.close();
        if !success && self.failed == 0 {
            self.failed = 1;
            self.failures.push("the test run itself: see above".to_owned());
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        let skipped = self.skips.len() as u64;
        let silent = self.skips.iter().filter(|skip| skip.reason != IGNORED).count() as u64;
        Counts { passed: self.reported_passes.saturating_sub(silent), failed: self.failed, skipped }
    }

    fn begin(&mut self, part: Part) {
        self.part = part;
        self.test = None;
    }

    /// A test program has ended, or should have.
    fn close(&mut self) {
        if self.open {
            self.failed += 1;
            self.failures.push("a test program that ended without a result".to_owned());
        }
        self.open = false;
        self.begin(Part::Verdicts);
    }

    /// `ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s`
    fn result(&mut self, result: &str) {
        let number = |name: &str| {
            result
                .split([';', '.'])
                .filter_map(|part| part.trim().strip_suffix(name))
                .find_map(|number| number.trim().parse::<u64>().ok())
                .unwrap_or_default()
        };
        self.reported_passes += number("passed");
        self.failed += number("failed");
        self.open = false;
        self.begin(Part::Verdicts);
    }

    /// `test name ... ok`, `FAILED`, `ignored` or `ignored, why`; also what tests print past the capture.
    fn verdict(&mut self, line: &str) {
        if let Some(reason) = line.strip_prefix("skipped: ") {
            self.skip("a test", reason);
        }
        let Some((name, verdict)) = line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... "))
        else {
            return;
        };
        if verdict == "FAILED" {
            self.failures.push(name.to_owned());
        } else if verdict == "ignored" || verdict.starts_with("ignored, ") {
            self.skip(name, IGNORED);
        }
    }

    /// What a test printed, below a line with its name.
    fn captured(&mut self, line: &str) {
        if let Some(name) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----")) {
            self.test = Some(name.to_owned());
        } else if let Some(reason) = line.strip_prefix("skipped: ")
            && self.part == Part::Successes
            && let Some(test) = self.test.take()
        {
            // Taken, so that a test with two reasons counts once.
            self.skip(&test, reason);
        }
    }

    fn skip(&mut self, test: &str, reason: &str) {
        self.skips.push(Skip { test: test.to_owned(), reason: reason.trim().to_owned() });
    }
}

const IGNORED: &str = "marked as ignored";

/// `running 3 tests`
fn is_start(line: &str) -> bool {
    let number = line.strip_prefix("running ").and_then(|rest| rest.split_once(" test"));
    number.is_some_and(|(number, end)| number.parse::<u64>().is_ok() && (end.is_empty() || end == "s"))
}

/// What was skipped and why, and what failed; nothing if all passed.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Skip { test, reason } in &self.skips {
            writeln!(f, "skipped {test}: {reason}")?;
        }
        for failure in &self.failures {
            writeln!(f, "failed {failure}")?;
        }
        Ok(())
    }
}

impl Counts {
    /// Reads the line that [`Display`](fmt::Display) writes.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let mut parts = line.split(", ");
        let mut next = |name: &str| parts.next()?.strip_suffix(name)?.strip_suffix(' ')?.parse().ok();
        let counts = Self { passed: next("passed")?, failed: next("failed")?, skipped: next("skipped")? };
        parts.next().is_none().then_some(counts)
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts, the report, and the lines that are shown.
    fn read(text: &str, success: bool) -> (String, String, Vec<&str>) {
        let mut tally = Tally::default();
        let shown = text.lines().filter(|line| tally.line(line)).collect();
        tally.finish(success);
        (tally.counts().to_string(), tally.to_string(), shown)
    }

    const PASSING: &str = "
running 3 tests
test a ... ok
test b ... ok
test c ... ignored, needs a moon

successes:

---- a stdout ----
skipped: python3 is missing
skipped: and so is node

---- b stdout ----
a line that says skipped: in the middle

successes:
    a
    b

test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    #[test]
    fn a_skip_is_no_pass_and_gives_its_reason_once() {
        let (counts, report, shown) = read(PASSING, true);
        assert_eq!(counts, "1 passed, 0 failed, 2 skipped");
        assert_eq!(report, "skipped c: marked as ignored\nskipped a: python3 is missing\n");
        assert!(shown.contains(&"test a ... ok") && shown.last().is_some_and(|line| line.contains("result")));
        assert!(!shown.iter().any(|line| line.contains("stdout ----")), "{shown:?}");
    }

    #[test]
    fn failures_are_named_and_their_output_is_shown() {
        let text = "running 2 tests\ntest x::y ... FAILED\ntest z ... ok\n\nfailures:\n\n---- x::y stdout ----\n\
                    skipped: half of it\nboom\n\nfailures:\n    x::y\n\n\
                    test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 3 filtered out\n";
        let (counts, report, shown) = read(text, false);
        assert_eq!(counts, "1 passed, 1 failed, 0 skipped");
        assert_eq!(report, "failed x::y\n");
        assert!(shown.contains(&"boom"));
    }

    #[test]
    fn several_programs_add_up() {
        let (counts, _, _) = read(&PASSING.repeat(3), true);
        // Tests of the same name in several programs are skipped once each, not once in all.
        assert_eq!(counts, "3 passed, 0 failed, 6 skipped");
    }

    #[test]
    fn a_program_that_dies_is_a_failure() {
        let (counts, report, _) = read("running 5 tests\ntest a ... ok\n", false);
        assert_eq!(counts, "0 passed, 1 failed, 0 skipped");
        assert!(report.contains("without a result"), "{report}");
        let (counts, _, _) = read(&format!("running 5 tests\n{PASSING}"), false);
        assert_eq!(counts, "1 passed, 1 failed, 2 skipped");
    }

    #[test]
    fn a_run_that_does_not_build_is_a_failure() {
        assert_eq!(read("", false).0, "0 passed, 1 failed, 0 skipped");
        assert_eq!(read("", true).0, "0 passed, 0 failed, 0 skipped");
    }

    #[test]
    fn skips_past_the_capture_count_as_well() {
        let mut tally = Tally::default();
        tally.line("running 1 test");
        tally.line("test a ... ok");
        tally.error_line("skipped: no ssh");
        tally.line("test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out");
        assert_eq!(tally.counts().to_string(), "0 passed, 0 failed, 1 skipped");
    }

    #[test]
    fn counts_are_read_as_written() {
        let counts = Counts { passed: 12, failed: 0, skipped: 3 };
        assert_eq!(Counts::read(&counts.to_string()), Some(counts));
        for line in
            ["", "12 passed", "1 passed, 2 failed, 3 skipped, 4 more", "x passed, 0 failed, 0 skipped"]
        {
            assert_eq!(Counts::read(line), None, "{line}");
        }
    }
}
