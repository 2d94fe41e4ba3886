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
        [status("report_c"), status("repair_c"), status("discard")],
        ["skipped", "completed", "skipped"]
    );
    assert!(first.position("task_retry_scheduled", "collect_b") < first.position("task_failed", "collect_c"));
    let run = first.result["run_id"].as_str().expect("an id");
    assert!(folder.path().join(".starline/runs").join(run).join("result.json").exists());
}

#[test]
fn people_see_the_plan_the_run_and_what_to_try_next() {
    let folder = Folder::new();
    let ended = folder.run(&["demo", "--ephemeral"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let order = [
        "Plan, by estimated times:",
        "collect_a  north   least loaded",
        "Run:",
        "backoff     collect_b",
        "failed      collect_c",
        "skipped     report_c",
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
