//! The story as it is told. `UPDATE_GOLDEN=1` writes the files anew, for somebody to read.

use std::path::Path;

use starline_report::{AttemptOutcome, History, to_chrome_trace, to_html, to_markdown};
use starline_types::{DeviceId, DeviceProfile, Millis, Reading, RunState};

use crate::records::id;
use crate::story::story;

fn told() -> History {
    let mut history = History::read(&story().all).expect("the story fits");
    let device =
        |id: &str, slots| DeviceProfile::new(DeviceId::new(id).expect("id"), "process").with_slots(slots);
    history.know_devices(&[device("north", 2), device("south", 2), device("idle", 1)]);
    history
}

fn is_golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).expect("a file to write");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == text, "{name} is not as it was; UPDATE_GOLDEN=1 writes it anew:\n{text}");
}

#[test]
fn markdown_is_as_it_was() {
    is_golden("story.md", &to_markdown(&told()));
}

#[test]
fn trace_is_as_it_was() {
    is_golden("story.trace.json", &to_chrome_trace(&told()));
}

#[test]
fn page_is_as_it_was_but_for_its_style_and_graph() {
    let page = to_html(&told());
    let cut = |text: &str, from: &str, to: &str| {
        let (before, rest) = text.split_once(from).expect("it is there");
        let (_, after) = rest.split_once(to).expect("it ends");
        format!("{before}{from}…{to}{after}")
    };
    let page = cut(&page, "<style>", "</style>");
    let page = cut(&page, "id=\"graph\">", "</section>");
    is_golden("story.html", &page.replace("><", ">\n<"));
}

#[test]
fn figures_are_those_of_the_story() {
    let history = told();
    assert_eq!(
        (history.state(), history.name(), history.revision().0),
        (RunState::PartiallyFailed, "nightly", 1)
    );
    let summary = history.summary();
    assert_eq!(summary.makespan, Millis(5000));
    assert_eq!((summary.attempts, summary.retries, summary.failed_attempts), (8, 1, 2));
    // fetch, slow, parse twice, check, repair, inspect, page
    assert_eq!(summary.work, Millis(1000 + 4690 + 500 + 1500 + 800 + 400 + 500 + 500));
    assert_eq!((summary.peak, summary.paused, summary.held), (4, Millis(410), Millis(500)));
    let path: Vec<_> = history
        .critical_path()
        .into_iter()
        .map(|step| (step.task.to_string(), step.wait.0, step.run.0, step.between.0))
        .collect();
    let expected = [("fetch", 0, 1000, 0), ("parse", 0, 2000, 500), ("page", 1000, 500, 0)];
    assert_eq!(path, expected.map(|(task, wait, run, between)| (task.to_owned(), wait, run, between)));
    assert_eq!(path.iter().map(|(_, wait, run, between)| wait + run + between).sum::<u64>(), 5000);
    let lanes = |task: &str| {
        let attempts = &history.task(&id(task)).expect("a task").attempts;
        attempts.iter().map(|attempt| (attempt.device.as_str(), attempt.lane)).collect::<Vec<_>>()
    };
    assert_eq!(lanes("parse"), [("north", 0), ("south", 1)]);
    assert_eq!((lanes("check"), lanes("inspect")), (vec![("north", 1)], vec![("north", 1)]));
    let parse = history.task(&id("parse")).expect("a task");
    assert_eq!(parse.attempts[0].outcome, AttemptOutcome::Failed);
    assert_eq!(parse.attempts[0].output.read().0, "connecting\nconnection reset by peer");
    assert_eq!(parse.wait_time(history.until()), Some(Millis(0)));
    let uses = history.device_use();
    assert_eq!(uses.iter().map(|device| device.slots).collect::<Vec<_>>(), [2, 2, 1]);
    assert!((uses[1].utilisation - 6190.0 / 10_000.0).abs() < 1e-9);
    let chain: Vec<String> =
        history.causes(&id("announce")).iter().map(|cause| format!("{} {cause}", cause.task)).collect();
    assert_eq!(chain, ["announce skipped", "publish skipped", "check failed: exit_status: exit status 3"]);
    assert!(history.causes(&id("fetch")).is_empty());
    assert_eq!(history.readings()[&id("calm")], Reading::Skipped);
    let plan = history.plan();
    assert_eq!((plan.planned, plan.moved.len(), plan.added), (3, 2, vec![id("inspect")]));
    assert_eq!(history.statistics().max_width, 5);
}

#[test]
fn a_run_that_was_killed_is_told_as_far_as_it_goes() {
    let records = story().all;
    for count in 1..=records.len() {
        let history = History::read(&records[..count]).expect("a beginning fits");
        assert!(to_html(&history).contains("</html>"));
        assert!(to_markdown(&history).starts_with("# nightly"));
        let trace: serde_json::Value = serde_json::from_str(&to_chrome_trace(&history)).expect("json");
        assert!(trace["traceEvents"].is_array());
    }
    let cut = records.iter().position(|record| record.t.0 == 3600).expect("a pause");
    let history = History::read(&records[..=cut]).expect("a beginning fits");
    let readings = history.readings();
    assert_eq!(history.state(), RunState::Paused);
    assert_eq!((readings[&id("page")], readings[&id("slow")]), (Reading::AwaitingApproval, Reading::Running));
    assert!(to_html(&history).contains("The run was paused when its records end."));
    let before = records.iter().position(|record| record.t.0 == 2510).expect("an edit");
    let history = History::read(&records[..before]).expect("a beginning fits");
    assert_eq!(
        (history.readings()[&id("repair")], history.readings()[&id("publish")]),
        (Reading::Held, Reading::Blocked)
    );
}
