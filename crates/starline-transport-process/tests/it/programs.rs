//! The allow-list of programs, and ways around it that are none.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use starline_device::{BlobHash, ErrorKind, Exec};
use starline_transport_process::{AllowedProgram, AllowedScript, ProcessDevice, ProcessOptions};

use crate::request::{Scratch, device, exec, exec_with, failure, run, sh, stdout, write_program};

/// Where the system has a program.
fn system(name: &str) -> PathBuf {
    let places = ["/usr/bin", "/bin"].map(|place| Path::new(place).join(name));
    places.into_iter().find(|path| path.exists()).expect("a program of every system")
}

fn listed(scratch: &Scratch, programs: Vec<AllowedProgram>) -> ProcessOptions {
    let base_dir = Some(fs::canonicalize(scratch.path()).expect("a path"));
    ProcessOptions { programs: Some(programs), base_dir, ..scratch.options() }
}

/// A program that runs in the folder that is relative paths' beginning.
fn here<const N: usize>(argv: [&str; N]) -> starline_device::Attempt {
    exec_with(Exec { argv: argv.map(str::to_owned).to_vec(), cwd: Some(".".to_owned()), ..Exec::default() })
}

async fn refused(device: &Arc<ProcessDevice>, attempt: starline_device::Attempt) -> String {
    let (kind, message, result) = failure(run(device, attempt).await);
    assert_eq!((kind, result.is_null()), (ErrorKind::PermissionDenied, true), "{message}");
    message
}

#[tokio::test]
async fn only_what_is_listed_runs() {
    let scratch = Scratch::new();
    let printf = system("printf");
    let programs = vec![AllowedProgram::new(&printf), AllowedProgram::new("/opt/no/such-program")];
    let device = device(listed(&scratch, programs));
    assert_eq!(stdout(run(&device, exec(["printf", "x"])).await), "x");
    assert_eq!(stdout(run(&device, exec([printf.to_str().expect("text"), "x"])).await), "x");
    let expected = format!(
        "program \"cat\" is not on the allow-list `programs`, which allows {}, /opt/no/such-program",
        printf.display()
    );
    assert_eq!(refused(&device, exec(["cat", "/etc/passwd"])).await, expected);
    // What is not there is told as before.
    assert_eq!(failure(run(&device, exec(["no-such-program"])).await).0, ErrorKind::InvalidRequest);

    let nothing = crate::request::device(listed(&scratch, Vec::new()));
    assert!(refused(&nothing, exec(["printf", "x"])).await.ends_with("which allows nothing"));
    assert_eq!(scratch.attempts(), [""; 0]);
}

#[tokio::test]
async fn a_script_for_the_shell_is_refused_whatever_is_listed() {
    let scratch = Scratch::new();
    let device = device(listed(&scratch, vec![AllowedProgram::new("/bin/sh")]));
    let message = refused(&device, sh("true")).await;
    assert!(message.contains("allow-list `programs`"), "{message}");
}

#[tokio::test]
async fn a_path_is_what_it_leads_to() {
    let scratch = Scratch::new();
    let base = fs::canonicalize(scratch.path()).expect("a path");
    let printf = fs::canonicalize(system("printf")).expect("a path");
    // Programs of the same name elsewhere, and links in both directions.
    write_program(&scratch.device(), &base.join("printf"), "#!/bin/sh\necho fake\n").await;
    fs::set_permissions(base.join("printf"), fs::Permissions::from_mode(0o700)).expect("a mode");
    fs::create_dir(base.join("bin")).expect("a folder");
    symlink(&printf, base.join("bin/printf")).expect("a link");
    symlink(&printf, base.join("cat")).expect("a link");
    symlink(system("cat"), base.join("bin/format")).expect("a link");
    symlink(&printf, base.join("format")).expect("a link");

    let device = device(listed(&scratch, vec![AllowedProgram::new(&printf)]));
    assert_eq!(stdout(run(&device, here(["bin/printf", "x"])).await), "x");
    let up = "../".repeat(20) + printf.strip_prefix("/").expect("absolute").to_str().expect("text");
    assert_eq!(stdout(run(&device, here([&up, "x"])).await), "x");
    for program in ["./printf", "bin/../printf", base.join("printf").to_str().expect("text")] {
        assert!(refused(&device, here([program, "x"])).await.contains("is not on the allow-list"));
    }
    // The file is the right one, and a program with many names would do something else under this one.
    assert!(refused(&device, here(["./cat", "x"])).await.contains("is not on the allow-list"));

    // A link may be listed; then it counts where it leads to.
    let linked = crate::request::device(listed(&scratch, vec![AllowedProgram::new(base.join("format"))]));
    assert_eq!(stdout(run(&linked, here(["./format", "x"])).await), "x");
    assert_eq!(stdout(run(&linked, exec([printf.to_str().expect("text"), "x"])).await), "x");
    assert!(refused(&linked, here(["bin/format", "x"])).await.contains("is not on the allow-list"));
}

#[tokio::test]
async fn a_task_sets_nothing_that_decides_what_runs() {
    let scratch = Scratch::new();
    let device = device(listed(&scratch, vec![AllowedProgram::new(system("printf"))]));
    for name in [
        "PATH",
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "LD_AUDIT",
        "DYLD_INSERT_LIBRARIES",
        "GCONV_PATH",
        "BASH_ENV",
        "ENV",
        "IFS",
        "PYTHONPATH",
        "PYTHONINSPECT",
        "PERL5OPT",
        "PERL5LIB",
        "RUBYOPT",
        "RUBYLIB",
        "NODE_OPTIONS",
    ] {
        let argv = vec!["printf".to_owned(), "x".to_owned()];
        let env = [(name.to_owned(), scratch.path().display().to_string())].into();
        let message = refused(&device, exec_with(Exec { argv, env, ..Exec::default() })).await;
        assert!(message.contains(&format!("{name:?}")) && message.contains("allow-list"), "{message}");
    }
    let argv = vec!["printf".to_owned(), "x".to_owned()];
    let env = [("LC_ALL".to_owned(), "C".to_owned())].into();
    assert_eq!(stdout(run(&device, exec_with(Exec { argv, env, ..Exec::default() })).await), "x");
}

#[tokio::test]
async fn each_argument_matches_a_rule() {
    let scratch = Scratch::new();
    let program = |args: &[&str]| {
        let args = Some(args.iter().map(|pattern| (*pattern).to_owned()).collect());
        vec![AllowedProgram { args, ..AllowedProgram::new(system("printf")) }]
    };
    let device = device(listed(&scratch, program(&["%s-%s", "--only=*", "*.csv"])));
    assert_eq!(
        stdout(run(&device, exec(["printf", "%s-%s", "--only=a b", "c.csv"])).await),
        "--only=a b-c.csv"
    );
    let message = refused(&device, exec(["printf", "%s-%s", "--other", "c.csv"])).await;
    assert!(message.starts_with("argument \"--other\" of "), "{message}");
    assert!(
        message.ends_with(r#"matches no rule of `args`, which allow "%s-%s", "--only=*", "*.csv""#),
        "{message}"
    );
    for argument in ["", "c.csv\n", "x--only=a", "%s-%s "] {
        refused(&device, exec(["printf", argument])).await;
    }
    let none = crate::request::device(listed(&scratch, program(&[])));
    assert!(refused(&none, exec(["printf", "x"])).await.ends_with("which allow no arguments"));
    // Several rules for one program: one of them is enough.
    let both = [program(&["a"]), program(&["b"])].concat();
    let both = crate::request::device(listed(&scratch, both));
    assert_eq!(stdout(run(&both, exec(["printf", "b"])).await), "b");
    refused(&both, exec(["printf", "a", "b"])).await;
}

#[tokio::test]
async fn what_runs_other_programs_needs_a_script() {
    let scratch = Scratch::new();
    let base = fs::canonicalize(scratch.path()).expect("a path");
    let tool = base.join("tool");
    symlink(system("sh"), &tool).expect("a link");
    let copy = base.join("bash");
    symlink(system("printf"), &copy).expect("a link");
    let names = ["sh", "env", "find", "xargs", "nice", "nohup", "timeout"].map(system);
    let programs = names.iter().chain([&tool, &copy]).map(AllowedProgram::new).collect();
    let device = device(listed(&scratch, programs));
    let [sh, env, find, xargs, nice, nohup, timeout] =
        names.each_ref().map(|path| path.to_str().expect("text"));
    for attempt in [
        exec([sh, "-c", "echo x"]),
        exec(["sh", "-s"]),
        exec([env, "sh", "-c", "echo x"]),
        exec([find, "/bin/sh", "-exec", "{}", "-c", "echo x", ";"]),
        exec([xargs, "echo"]),
        exec([nice, "echo", "x"]),
        exec([nohup, "echo", "x"]),
        exec([timeout, "9", "echo", "x"]),
        // By the name of the file, and by the name in the list.
        exec([tool.to_str().expect("text"), "-c", "echo x"]),
        exec([copy.to_str().expect("text"), "x"]),
    ] {
        let message = refused(&device, attempt).await;
        assert!(message.contains("runs whatever it is given"), "{message}");
    }
}

#[tokio::test]
async fn a_declared_script_runs_as_long_as_it_is_what_it_was() {
    let scratch = Scratch::new();
    let base = fs::canonicalize(scratch.path()).expect("a path");
    let (script, other) = (base.join("report.sh"), base.join("other.sh"));
    let text = "echo \"report $*\"; cat";
    fs::write(&script, text).expect("a file");
    fs::write(&other, text).expect("a file");
    symlink(&script, base.join("link.sh")).expect("a link");
    let blake3 = BlobHash::from_hex(&blake3::hash(text.as_bytes()).to_hex()).expect("a digest");
    let entry = AllowedProgram {
        script: Some(AllowedScript { path: script.clone(), blake3: blake3.clone() }),
        args: Some(vec!["--*".to_owned()]),
        ..AllowedProgram::new(system("sh"))
    };
    let device = device(listed(&scratch, vec![entry]));
    let path = script.to_str().expect("text");
    for script in [path, "report.sh", "./link.sh"] {
        assert_eq!(stdout(run(&device, here(["sh", script, "--all"])).await), "report --all\n");
    }
    // What it is given to read is no script.
    let argv = vec!["sh".to_owned(), path.to_owned()];
    let fed = Exec { argv, stdin: Some("echo pwned".to_owned()), ..Exec::default() };
    assert_eq!(stdout(run(&device, exec_with(fed)).await), "report \necho pwned");

    for attempt in [
        here(["sh"]),
        here(["sh", "-c", "echo x"]),
        here(["sh", "-c", path]),
        here(["sh", "-x", path]),
        here(["sh", "--", path]),
        here(["sh", "other.sh"]),
        here(["sh", "no-such-file"]),
        here(["sh", ""]),
    ] {
        let message = refused(&device, attempt).await;
        assert!(message.contains("may run") && message.contains("report.sh"), "{message}");
    }
    assert!(refused(&device, here(["sh", path, "x"])).await.contains("`args`"));

    fs::write(&script, "echo pwned").expect("a file");
    let message = refused(&device, here(["sh", path])).await;
    assert!(message.contains("was changed") && message.contains(blake3.as_str()), "{message}");
    fs::remove_file(&script).expect("removed");
    refused(&device, here(["sh", path])).await;
}
