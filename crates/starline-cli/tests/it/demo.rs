//! The demonstration.

use crate::program::{Folder, words};

#[test]
fn it_goes_as_its_script_says_and_equal_seeds_give_equal_events() {
    let folder = Folder::new();
    let (first, second) = std::thread::scope(|scope| {
        let facts = || folder.run_json(&["demo", "--seed", "7"]);
        let (first, second) = (scope.spawn(facts), scope.spawn(facts));
        (first.join().expect("facts"), second.join().expect("facts"))
    });
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    assert_eq!(words(&first.events), words(&second.events));
    assert_eq!(first.result["status"], "partially_failed");
    assert_eq!(first.result["devices"].as_object().map(serde_json::Map::len), Some(3));
    let status = |task: &str| first.status(task).to_owned();
    assert_eq!(
        [status("collect_b"), status("collect_b.r2"), status("discard")],
        ["failed", "completed", "skipped"]
    );
    assert!(first.position("task_retry_scheduled", "collect_c") < first.position("task_failed", "collect_b"));
    let edits = &first.result["edits"];
    assert_eq!((&edits["committed"], &edits["rejected"]), (&1.into(), &1.into()));
    assert_eq!(edits["holds"][0]["triggers"][0], "collect_b");
    let run = first.result["run_id"].as_str().expect("an id");
    assert!(folder.path().join(".starline/runs").join(run).join("result.json").exists());
}

#[test]
fn the_files_that_it_names_are_there() {
    let folder = Folder::new();
    let ended = folder.run(&["demo"]);
    let mut lines = ended.stdout.lines().skip_while(|line| !line.starts_with("Files in "));
    let shown = lines.next().expect("the files are shown");
    let run = folder.path().join(shown.trim_start_matches("Files in ").trim_end_matches(':'));
    let named =
        lines.take_while(|line| line.starts_with("  ")).filter_map(|line| line.trim().split("  ").next());
    let named: Vec<&str> = named.flat_map(|names| names.split(", ")).collect();
    assert!(named.contains(&"report.html"), "{named:?}");
    for name in named {
        assert!(run.join(name).is_file(), "{name} is not in {}", run.display());
    }
}

#[test]
fn people_see_the_plan_the_run_and_what_to_try_next() {
    let folder = Folder::new();
    let ended = folder.run(&["demo", "--ephemeral"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let order = [
        "Plan, by estimated times:",
        "prepare_a  north   least loaded",
        "Run:",
        "backoff     collect_c",
        "failed      collect_b",
        "held        h-1        what follows collect_b",
        "refused     edit       by scripted: would_cycle: merge -> collect_a closes",
        "edited      revision 1  adds inspect_b, collect_b.r2",
        "released    h-1",
        "completed   collect_b.r2",
        "completed   merge",
        "awaiting_approval  page",
        "approved    page       in advance",
        "by the demonstration itself",
        "cancelling  watch",
        "failed      watch",
        "completed   close",
        "partially_failed",
        "device     north",
        "parallel   ",
        "edits      1 committed, 1 rejected",
        "hold       h-1 after collect_b: ",
        "held back close for",
        "as expected",
        "Next:",
        "starline show last",
        "starline run workflow.yaml",
    ];
    let mut rest = ended.stdout.as_str();
    for text in order {
        let at = rest.find(text).unwrap_or_else(|| panic!("no {text:?} in its place: {}", ended.stdout));
        rest = &rest[at..];
    }
    assert!(!ended.stdout.contains('\u{1b}'));
    assert!(!folder.path().join(".starline").exists());
}
