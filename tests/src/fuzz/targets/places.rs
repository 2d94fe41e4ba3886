//! Problems are where they say, and can be shown.

use starline_workflow::{Problem, render};

/// What must hold of the problems of a file.
pub(super) fn check(bytes: &[u8], problems: &[Problem]) {
    assert!(!problems.is_empty(), "refused without a problem");
    let text = String::from_utf8_lossy(bytes);
    let breaks = text.replace("\r\n", "\n").matches(['\n', '\r']).count();
    for problem in problems {
        let line = problem.line as usize;
        assert!(line > 0 && problem.column > 0, "no place: line {line}, column {}", problem.column);
        assert!(line <= breaks + 1, "line {line} of a file of {} lines: {problem}", breaks + 1);
        assert!(!problem.code.is_empty() && !problem.message.is_empty(), "a problem without words");
        let shown = render(problem, "file");
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "control characters: {shown:?}");
    }
}
