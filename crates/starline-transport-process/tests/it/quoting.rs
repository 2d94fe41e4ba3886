//! Texts from outside are arguments, variables and input, and never become anything else.

use std::sync::Arc;

use starline_device::{ErrorKind, Exec, Payload, Shell, TaskReport};

use crate::request::{Scratch, attempt, device, exec_with, failure, run, stdout};

/// What would do something in a shell, in an option parser or in a line-based protocol.
const HOSTILE: [&str; 20] = [
    "$(touch pwned)",
    "`touch pwned`",
    "; touch pwned",
    "| touch pwned",
    "&& touch pwned",
    "> pwned",
    "\n touch pwned\n",
    "'; touch pwned; '",
    "\"; touch pwned; \"",
    "'\"'\"'",
    "\\",
    "$0 $@ $* ${IFS} $HOME",
    "*",
    "~",
    "-c",
    "--",
    "-rf",
    "--help",
    "",
    "\r\u{1b}[2J\u{7f}",
];

/// Prints each argument with its length, and whether somebody has made a file.
const SHOW: &str = r#"for word; do printf '%s|' "$word"; done; [ -e pwned ] && echo pwned; exit 0"#;

#[tokio::test]
async fn arguments_stay_what_they_are() {
    let scratch = Scratch::new();
    let mut all = vec![scratch.options(), scratch.limited()];
    all.extend(scratch.contained().await);
    for options in all {
        let device = device(options);
        let argv = ["sh", "-c", SHOW, "name"].into_iter().chain(HOSTILE).map(str::to_owned).collect();
        let said = stdout(run(&device, exec_with(Exec { argv, ..Exec::default() })).await);
        assert_eq!(said, HOSTILE.map(|word| format!("{word}|")).concat());
        // One that is a program of its own name, and its first argument an option of nobody in between.
        for word in HOSTILE {
            let argv = ["printf", "%s", word].map(str::to_owned).to_vec();
            assert_eq!(stdout(run(&device, exec_with(Exec { argv, ..Exec::default() })).await), word);
            let report =
                run(&device, exec_with(Exec { argv: vec![word.to_owned()], ..Exec::default() })).await;
            let (kind, message, _) = failure(report);
            assert_eq!(kind, ErrorKind::InvalidRequest, "{message}");
        }
    }
    assert_eq!(scratch.attempts(), [""; 0]);
}

#[tokio::test]
async fn variables_and_input_stay_what_they_are() {
    let scratch = Scratch::new();
    let mut all = vec![scratch.options(), scratch.limited()];
    all.extend(scratch.contained().await);
    for options in all {
        let device = device(options);
        for word in HOSTILE {
            let shell = Shell {
                script: r#"printf '%s|' "$WORD"; cat; [ -e pwned ] && echo pwned; exit 0"#.to_owned(),
                env: [("WORD".to_owned(), word.to_owned())].into(),
                stdin: Some(word.to_owned()),
                ..Shell::default()
            };
            let said = stdout(run(&device, attempt("t", Payload::Sh(Arc::new(shell)))).await);
            assert_eq!(said, format!("{word}|{word}"));
        }
    }
}

#[tokio::test]
async fn a_script_is_one_text() {
    let scratch = Scratch::new();
    let mut all = vec![scratch.options(), scratch.limited()];
    all.extend(scratch.contained().await);
    for options in all {
        let device = device(options);
        let script = |text: &str| {
            attempt("t", Payload::Sh(Arc::new(Shell { script: text.to_owned(), ..Shell::default() })))
        };
        // It begins with what would be an option, and is none.
        for text in ["-c 'echo x'", "--help", "-x", "--"] {
            let (kind, ..) = failure(run(&device, script(text)).await);
            assert_eq!(kind, ErrorKind::ExitStatus, "{text}");
        }
        let text = "printf '%s,' 'a b' \"$#\" '$(x)'\n# 'an open quote\nprintf end";
        assert_eq!(stdout(run(&device, script(text)).await), "a b,0,$(x),end");
        assert_eq!(run(&device, script("")).await, run(&device, script(":")).await);
    }
}

#[tokio::test]
async fn a_byte_that_ends_texts_of_the_system_is_refused() {
    let scratch = Scratch::new();
    let mut all = vec![scratch.options(), scratch.limited()];
    all.extend(scratch.contained().await);
    for options in all {
        let device = device(options);
        let nul = || "a\0b".to_owned();
        let shell = |shell: Shell| attempt("t", Payload::Sh(Arc::new(shell)));
        let program = || vec!["true".to_owned()];
        for refused in [
            exec_with(Exec { argv: vec![nul()], ..Exec::default() }),
            exec_with(Exec { argv: vec!["true".to_owned(), nul()], ..Exec::default() }),
            exec_with(Exec { argv: program(), env: [("A".to_owned(), nul())].into(), ..Exec::default() }),
            exec_with(Exec { argv: program(), env: [(nul(), "x".to_owned())].into(), ..Exec::default() }),
            exec_with(Exec { argv: program(), cwd: Some(nul()), ..Exec::default() }),
            shell(Shell { script: nul(), ..Shell::default() }),
        ] {
            let report = run(&device, refused).await;
            assert!(matches!(report, TaskReport::Failed { .. }), "{report:?}");
            assert_eq!(failure(report).0, ErrorKind::InvalidRequest);
        }
        // Input may contain anything.
        let cat = Exec { argv: vec!["cat".to_owned()], stdin: Some(nul()), ..Exec::default() };
        assert_eq!(stdout(run(&device, exec_with(cat)).await), "a\0b");
    }
}
