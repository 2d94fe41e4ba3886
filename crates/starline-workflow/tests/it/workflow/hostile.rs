//! Files that were made to do harm.

use proptest::prelude::*;
use starline_workflow::{
    DeviceFile, GalaxyOptions, LoadOptions, Problem, Workflow, import_galaxy, import_wfformat,
};

use crate::listed;

/// Every reader of the crate over the same bytes.
fn read_all(bytes: &[u8]) -> Vec<Problem> {
    let mut problems = Workflow::parse(bytes, &LoadOptions::default()).err().unwrap_or_default();
    problems.extend(DeviceFile::parse(bytes).err().unwrap_or_default());
    problems.extend(import_wfformat(bytes).err().unwrap_or_default());
    let options = GalaxyOptions { inspect: true, ..GalaxyOptions::default() };
    problems.extend(import_galaxy(bytes, &options).err().unwrap_or_default());
    for problem in &problems {
        assert!(problem.line > 0 && problem.column > 0, "{problem}");
        let shown = starline_workflow::render(problem, "f");
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
    }
    problems
}

#[track_caller]
fn refused(bytes: &[u8], code: &str, words: &str) {
    refused_once(bytes, code, words);
    read_all(bytes);
}

#[track_caller]
fn refused_once(bytes: &[u8], code: &str, words: &str) {
    let problems = Workflow::parse(bytes, &LoadOptions::default()).expect_err("refused");
    assert_eq!(problems.len(), 1, "{}", listed(&problems));
    assert_eq!(problems[0].code, code, "{}", problems[0]);
    assert!(problems[0].to_string().contains(words), "{}", problems[0]);
}

#[test]
fn alias_bombs_are_refused() {
    let mut bomb = "version: 1\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..40 {
        let below = level - 1;
        let aliases = vec![format!("*a{below}"); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    bomb.push_str("tasks: {}\n");
    refused(bomb.as_bytes(), "limit_exceeded", "aliases");
    // Mappings, and one long text behind many aliases.
    let long = format!("version: 1\nx: &x {}\ny: [{}]\n", "z".repeat(1 << 19), "*x, ".repeat(40));
    refused(long.as_bytes(), "limit_exceeded", "aliases");
    let deep = format!(
        "version: 1\nx: &x {}1{}\ny: {}*x{}\n",
        "[".repeat(40),
        "]".repeat(40),
        "[".repeat(40),
        "]".repeat(40)
    );
    refused(deep.as_bytes(), "limit_exceeded", "deep");
}

#[test]
fn aliases_of_much_are_refused_before_it_is_made() {
    let many = |count: usize, entry: &dyn Fn(usize) -> String| (0..count).map(entry).collect::<String>();
    let tasks = many(1_000_000, &|at| format!("  t{at}: *x\n"));
    let file = format!("version: 1\nmetadata: {{ x: &x {{ run: {{ noop: }} }} }}\ntasks:\n{tasks}");
    refused_once(file.as_bytes(), "limit_exceeded", "1000000 tasks (at most 100000)");
    let before = many(4_000, &|at| format!("t{at}, "));
    let tasks = many(300, &|at| format!("  u{at}: {{ run: {{ noop: }}, after: *x }}\n"));
    let file = format!("version: 1\nmetadata: {{ x: &x [{before}] }}\ntasks:\n{tasks}");
    refused_once(file.as_bytes(), "limit_exceeded", "dependencies");
    let files = many(31, &|at| format!("f{at}: {{ file: a/b }}, "));
    let tasks = many(50_000, &|at| format!("  t{at}: {{ run: {{ noop: }}, inputs: *x }}\n"));
    let file = format!("version: 1\nmetadata: {{ x: &x {{ {files} }} }}\ntasks:\n{tasks}");
    // By the limit on aliases or the one on memory, whichever is reached first.
    refused_once(file.as_bytes(), "limit_exceeded", "at most");
    let objects = "*x, ".repeat(2_000);
    let lists = "*y, ".repeat(1_000);
    let file = format!(
        "version: 1\nmetadata: {{ x: &x {{ a: 1 }}, y: &y [{objects}], z: [{lists}] }}\ntasks: {{}}\n"
    );
    refused_once(file.as_bytes(), "limit_exceeded", "at most");
}

#[test]
fn deep_documents_are_refused() {
    for deep in [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "{\"a\":".repeat(100_000),
        "- ".repeat(100_000),
        (0..2_000).map(|level| format!("{}a:\n", " ".repeat(level))).collect(),
        "? ".repeat(100_000),
        "[{".repeat(50_000),
    ] {
        refused(deep.as_bytes(), "limit_exceeded", "deep");
    }
    // As deep as allowed is fine.
    let fine = format!("version: 1\ntasks: {{}}\nmetadata: {{ x: {}{} }}\n", "[".repeat(62), "]".repeat(62));
    assert_eq!(Workflow::parse(fine.as_bytes(), &LoadOptions::default()).map(|_| ()), Ok(()));
    let over = format!("version: 1\ntasks: {{}}\nmetadata: {{ x: {}{} }}\n", "[".repeat(63), "]".repeat(63));
    refused(over.as_bytes(), "limit_exceeded", "deep");
}

#[test]
fn large_files_texts_and_numbers_of_values_are_refused() {
    refused(&vec![b'a'; (16 << 20) + 1], "limit_exceeded", "16777217 bytes");
    let text = format!("version: 1\ntasks: {{}}\nname: \"{}\"\n", "n".repeat((1 << 20) + 1));
    refused(text.as_bytes(), "limit_exceeded", "1048577 bytes");
    let values = format!("version: 1\nx: [{}]\n", "1,".repeat(3_000_100));
    refused_once(values.as_bytes(), "limit_exceeded", "too many values");
    let task = format!("version: 1\ntasks:\n  a: {{ run: {{ sh: \"{}\" }} }}\n", "n".repeat(300_000));
    refused(task.as_bytes(), "limit_exceeded", "bytes of text");
    let many = |entry: &str| (0..30_000).map(|n| format!("k{n}: {entry}, ")).collect::<String>();
    for fields in [
        format!("run: {{ exec: [env], env: {{ {} }} }}", many("value")),
        format!("run: {{ noop: }}, outputs: {{ {} }}", many("{ from: stdout }")),
        format!("run: {{ noop: }}, device: {{ needs: [{}] }}", "logs_of_the_day, ".repeat(30_000)),
        format!("run: {{ exec: [echo, {}] }}", "'', ".repeat(300_000)),
    ] {
        let task = format!("version: 1\ntasks:\n  a: {{ {fields} }}\n");
        refused(task.as_bytes(), "limit_exceeded", "bytes of text");
    }
}

#[test]
fn a_flood_of_duplicate_keys_is_cut() {
    let flood = format!("version: 1\ntasks: {{}}\nmetadata: {{{}}}\n", "a: 1,".repeat(100_000));
    let problems = read_all(flood.as_bytes());
    assert_eq!(problems.iter().filter(|problem| problem.code == "limit_exceeded").count(), 3);
    assert!(problems.len() < 3_100, "{}", problems.len());
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    refused(
        b"version: 1\nname: \xff\n",
        "syntax_error",
        "line 2, column 7: syntax_error: byte 17 is not UTF-8",
    );
    refused(b"version: 1\nname: \0\n", "syntax_error", "line 2");
    refused(b"\xff\xfe", "syntax_error", "byte 0");
    refused("version: 1\nname: a\u{FEFF}\n\u{FEFF}tasks: {}\n".as_bytes(), "syntax_error", "line");
}

#[test]
fn line_ends_and_marks_of_other_systems_are_fine() {
    let file = "version: 1\ntasks:\n  a:\n    run: { sh: ls }\n    afer: []\n";
    for file in
        [file.to_owned(), file.replace('\n', "\r\n"), file.replace('\n', "\r"), format!("\u{FEFF}{file}")]
    {
        let problems = Workflow::parse(file.as_bytes(), &LoadOptions::default()).expect_err("a typo");
        assert_eq!(problems.len(), 1, "{}", listed(&problems));
        assert_eq!((problems[0].line, problems[0].column), (5, 5), "{file:?}");
        assert_eq!(problems[0].excerpt, "    afer: []");
    }
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let file = "version: 1\ntasks: {}\n\"na\\e[31mme\": 1\n\"a\u{202E}b\": 2\n";
    let problems = read_all(file.as_bytes());
    assert!(problems.iter().any(|problem| problem.message.contains('\u{FFFD}')), "{}", listed(&problems));
    assert!(problems.iter().all(|problem| !problem.message.contains(['\u{1b}', '\u{202E}'])));
    assert!(problems.iter().all(|problem| !problem.excerpt.contains(['\u{1b}', '\u{202E}'])));
}

/// A file with much of what a file can have.
const VALID: &str = r#"version: 1
name: "x y"
inputs: { n: { type: integer, default: 3 } }
run: { on_failure: fail_fast, deadline: 8h }
devices:
  - { id: a, kind: process, resources: { memory: 1GiB }, exec: { allow_sh: true } }
schemaVersion: "1.5"
workflow:
  specification: { tasks: [ { id: a, parents: [], children: [b] }, { id: b, parents: [a], children: [] } ], files: [] }
  execution: { tasks: [ { id: a, runtimeInSeconds: 1.5, command: { program: ls, arguments: [x] }, machines: [m] } ], machines: [ { nodeName: m } ] }
tasks:
  a: &a
    run: { sh: "echo {{ inputs.n }}", env: { A: 'b' } }
    outputs: { o: { from: stdout, type: integer } }
  b:
    after: { a: { when: outputs.o > 2, note: ~ } }
    retry: { max: 2, factor: 1.5 }
    run:
      exec: [ls, "{{ tasks.a.outputs.o }}"]
      stdin: |
        lines
  c: { after: [a, b], run: { noop: } }
  d: *a
"#;

#[test]
fn files_that_were_cut_off_are_refused() {
    for end in 0..VALID.len() {
        read_all(&VALID.as_bytes()[..end]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        read_all(&bytes);
    }

    #[test]
    fn any_punctuation_is_read_or_refused(text in r#"[-\[\]{}:,?*&!|>'"%@`#~a1 \n\t]{0,60}"#) {
        read_all(text.as_bytes());
        read_all(format!("version: 1\ntasks:\n  a: {text}").as_bytes());
    }

    #[test]
    fn any_mutation_is_read_or_refused(
        changes in proptest::collection::vec((0..VALID.len(), 0..4_usize, any::<u8>(), 0..VALID.len()), 1..6),
    ) {
        let mut bytes = VALID.as_bytes().to_vec();
        for (at, kind, byte, other) in changes {
            let at = at.min(bytes.len().saturating_sub(1));
            match kind {
                0 => bytes.insert(at, byte),
                1 => { bytes.remove(at); }
                2 => bytes[at] = byte,
                // A piece from elsewhere.
                _ => {
                    let piece: Vec<u8> = VALID.as_bytes()[other..(other + 30).min(VALID.len())].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
            if bytes.is_empty() {
                break;
            }
        }
        read_all(&bytes);
    }
}

#[test]
fn floods_of_wrong_names_cost_little() {
    let many = |entry: &dyn Fn(usize) -> String| (0..2_500).map(entry).collect::<Vec<_>>().join(", ");
    let names = many(&|n| format!("SECRET_{n}"));
    let asked = many(&|n| format!("V{n}: SECRT_{n}"));
    let references = many(&|n| format!("{{{{ inputs.x{n} }}}} {{{{ tasks.y{n}.result }}}}")).replace(',', "");
    let declared = many(&|n| format!("input_{n}: {{ default: x }}"));
    let sent = many(&|n| format!("f{n}: {{ artifact: tasks.a{n}.outputs.x }}"));
    let files = many(&|n| format!("f{n}: {{ file: gone/{n} }}"));
    let tasks: String = (0..2_500).map(|n| format!("  task_{n}: {{ run: {{ noop: }} }}\n")).collect();
    for file in [
        format!(
            "version: 1\nsecrets: [{names}]\ntasks:\n  a: {{ run: {{ exec: [ls], secrets: {{ {asked} }} }} }}\n"
        ),
        format!("version: 1\nsecrets: [{names}, {names}]\ntasks: {{}}\n"),
        format!(
            "version: 1\ninputs: {{ {declared} }}\ntasks:\n  a: {{ run: {{ prompt: \"\\t{references}\" }} }}\n"
        ),
        format!(
            "version: 1\ninputs: {{ {declared} }}\ntasks:\n  a:\n    run:\n      sh: |\n        {references}\n"
        ),
        format!("version: 1\ntasks:\n  a: {{ run: {{ noop: }}, inputs: {{ {sent} }} }}\n{tasks}"),
        format!(
            "version: 1\ntasks:\n  a: {{ run: {{ noop: }}, inputs: {{ {files} }}, outputs: {{ x: 5 }} }}\n{tasks}"
        ),
    ] {
        assert!(read_all(file.as_bytes()).len() <= 3_003);
    }
}
