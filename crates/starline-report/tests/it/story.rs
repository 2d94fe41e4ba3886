//! A small run with a bit of everything.

use std::collections::BTreeMap;
use std::sync::Arc;

use starline_types::{
    Applied, CancelReason, ConfirmedBy, DependencyId, DependencyKind, Edit, EditBatch, ErrorKind, Estimate,
    Event, HoldId, HoldReason, HoldScope, Judgement, Millis, PauseCause, Placement, ProgressStream, Revision,
    RunSettings, RunState, SkipReason, StateCounts, TaskError, Timestamp, Verdict,
};

use crate::records::{Records, graph, id, of, on, task};

const SUCCESS: DependencyKind = DependencyKind::Success;

/// Two devices; a retry, a failure with a repair, a condition, an approval, a hold with an edit, a pause.
pub(crate) fn story() -> Records {
    let when = |text: &str| DependencyKind::When(Arc::from(text));
    let mut fetch = task("fetch");
    fetch.estimate = Some(Arc::new(Estimate { duration: Some(Millis(800)), output_bytes: None }));
    let tasks = ["parse", "check", "publish", "announce", "repair", "page", "calm", "slow"].map(task);
    let graph = graph(
        std::iter::once(fetch).chain(tasks).collect(),
        &[
            ("fetch", "parse", SUCCESS),
            ("fetch", "check", SUCCESS),
            ("check", "publish", SUCCESS),
            ("publish", "announce", SUCCESS),
            ("check", "repair", DependencyKind::Failure),
            ("parse", "page", when("outputs.lines >= 150")),
            ("parse", "calm", when("outputs.lines < 150")),
        ],
    );
    let inputs = BTreeMap::from([("pattern".to_owned(), serde_json::json!("ERROR|FATAL"))]);
    let settings =
        RunSettings { inputs, secrets: vec!["PAGER_TOKEN".to_owned()], seed: 7, ..RunSettings::default() };
    let mut run = Records::new("nightly", graph, settings);
    let placed = |task: &str, device: &str| Placement { task: of(task), device: Some(on(device)) };
    let assignments =
        Arc::from([placed("fetch", "north"), placed("parse", "north"), placed("check", "south")]);
    run.at(10, Event::RunReady { strategy: "load_balance".into(), assignments });
    run.at(10, Event::RunStarted { total_tasks: 9, strategy: "load_balance".into() });
    run.assign(10, "fetch", 1, "north");
    run.assign(10, "slow", 1, "south");
    run.complete(1010, "fetch", 1, "north");
    run.assign(1010, "parse", 1, "north");
    run.assign(1210, "check", 1, "north");
    progress(&mut run, 1500, "parse", "connecting\nconnection reset by peer");
    run.at(
        1510,
        Event::TaskRetryScheduled {
            task: of("parse"),
            attempt: 1,
            retry: 1,
            delay_ms: Millis(500),
            error: Arc::new(TaskError::new(ErrorKind::ExitStatus, "exit status 75")),
            avoid: None,
        },
    );
    let triggers = vec![of("check")];
    run.fail(2010, "check", 1, (ErrorKind::ExitStatus, "exit status 3"), "line 1\nline 2\nbroken\n");
    run.at(2010, Event::HoldOpened { hold: HoldId(1), scope: HoldScope::Descendants, triggers });
    run.at(2010, Event::HoldActivated { hold: HoldId(1), deadline: Timestamp(602_010) });
    run.assign(2010, "parse", 2, "south");
    run.revision = Revision(1);
    let batch = EditBatch {
        hold: Some(HoldId(1)),
        reason: Some("look at what is broken".to_owned()),
        edits: vec![Edit::AddTask {
            task: Arc::new(task("inspect")),
            after: vec![(id("check"), DependencyKind::Failure)],
        }],
        ..EditBatch::default()
    };
    run.at(
        2510,
        Event::EditCommitted(Arc::new(Applied { revision: Revision(1), batch, ..Applied::default() })),
    );
    run.at(2510, Event::HoldClosed { hold: HoldId(1), reason: HoldReason::Committed, held_ms: Millis(0) });
    skip(&mut run, 2510, "publish", "check->publish", SkipReason::SourceFailed, None);
    skip(&mut run, 2510, "announce", "publish->announce", SkipReason::SourceSkipped, None);
    run.assign(2510, "repair", 1, "north");
    run.assign(2510, "inspect", 1, "north");
    run.complete(2910, "repair", 1, "north");
    run.complete(3010, "inspect", 1, "north");
    let judged =
        |id: &str, verdict| Judgement { id: DependencyId::new(id).expect("id"), verdict, error: None };
    run.at(
        3510,
        Event::TaskCompleted {
            task: of("parse"),
            attempt: 2,
            device: on("south"),
            result: None,
            outputs: Some(Arc::new(BTreeMap::from([("lines".to_owned(), serde_json::json!(210))]))),
            duration_ms: Millis(1500),
            edges: Box::from([
                judged("parse->page", Verdict::Satisfied),
                judged("parse->calm", Verdict::Impossible),
            ]),
        },
    );
    skip(&mut run, 3510, "calm", "parse->calm", SkipReason::ConditionFalse, None);
    run.at(
        3510,
        Event::ApprovalRequested {
            task: of("page"),
            spec_hash: "0a".into(),
            prompt: Arc::from("Page on-call?"),
            deadline: Some(Timestamp(3_603_510)),
        },
    );
    run.at(3600, Event::RunPaused { cause: PauseCause::Operator, deadline: None, reason: None });
    run.at(4010, Event::RunResumed { by: "ann".into() });
    let granted = Event::ApprovalGranted { task: of("page"), spec_hash: "0a".into(), by: "ann".into() };
    run.at(4510, granted);
    run.assign(4510, "page", 1, "north");
    let cancel = |reason| Event::TaskCancelRequested { task: of("slow"), attempt: 1, reason };
    run.at(4600, cancel(CancelReason::Task));
    run.at(
        4700,
        Event::TaskCancelled {
            task: of("slow"),
            attempt: 1,
            reason: CancelReason::Task,
            confirmed: true,
            confirmed_by: Some(ConfirmedBy::Ack),
            edges: Box::default(),
        },
    );
    run.complete(5010, "page", 1, "north");
    let counts = StateCounts { completed: 5, failed: 1, cancelled: 1, skipped: 3, ..StateCounts::default() };
    run.end(5010, RunState::PartiallyFailed, counts);
    run
}

pub(crate) fn progress(run: &mut Records, t: u64, task: &str, text: &str) {
    let text = Arc::from(text);
    run.at(t, Event::Progress { task: of(task), attempt: 1, stream: ProgressStream::Stderr, text });
}

pub(crate) fn skip(
    run: &mut Records,
    t: u64,
    task: &str,
    edge: &str,
    reason: SkipReason,
    message: Option<&str>,
) {
    run.at(
        t,
        Event::TaskSkipped {
            task: of(task),
            edge: Some(DependencyId::new(edge).expect("id")),
            reason,
            message: message.map(Into::into),
            edges: Box::default(),
        },
    );
}
