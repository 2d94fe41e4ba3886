//! Small edits are made by whoever sends them: at once, in order, and without holding up anything else.

use std::sync::Arc;

use futures_util::FutureExt as _;
use starline_graph::TaskGraph;
use starline_journal::{MemoryJournal, NoJournal};
use starline_orchestrator::{Author, Role, Run, RunError, Timings};
use starline_types::{Dependency, Edit, EditBatch, GraphSpec, Revision, RunState};

use crate::support::{call, device, graph, noop, task_id, with_devices, with_journal};

fn batch(run: &Run, edits: Vec<Edit>) -> EditBatch {
    EditBatch { base: run.status().revision, edits, ..EditBatch::default() }
}

fn add(name: &str) -> Edit {
    Edit::AddTask { task: Arc::new(noop(name)), after: vec![] }
}

fn behind(root: &str, name: &str) -> Vec<Edit> {
    vec![add(name), Edit::AddDependency(Dependency::success(task_id(root), task_id(name)))]
}

#[tokio::test]
async fn an_edit_is_acknowledged_without_another_task_being_polled() {
    let setup = with_devices(&["d1"]).await;
    let run = setup.run(graph(vec![call("root", "hang", 0)], &[])).await;
    // The burst of the start is over, and the attempt is with its device.
    while run.status().counts.running == 0 {
        tokio::task::yield_now().await;
    }
    run.snapshot().await.expect("a snapshot");
    for number in 1..=20 {
        let edit = batch(&run, behind("root", &format!("t{number}")));
        let answer = run.apply(edit).now_or_never().expect("at once").expect("committed");
        assert_eq!(answer.expect("a revision").revision, Revision(number));
        assert_eq!(run.status().revision, Revision(number), "what is acknowledged is visible");
    }
    let cycle = batch(&run, vec![Edit::AddDependency(Dependency::success(task_id("t1"), task_id("t1")))]);
    let refused = run.apply(cycle).now_or_never().expect("at once");
    assert!(matches!(refused, Err(RunError::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn with_a_journal_an_answer_waits_for_the_disk() {
    let setup = with_journal(Arc::new(MemoryJournal::new()));
    setup.orchestrator.fleet().connect(device("d1", 1)).await.expect("connected");
    let run = setup.run(graph(vec![call("root", "hang", 0)], &[])).await;
    let mut answer = Box::pin(run.apply(batch(&run, behind("root", "a"))));
    assert!(answer.as_mut().now_or_never().is_none(), "the driver appends it first");
    assert_eq!(answer.await.expect("committed").expect("a revision").revision, Revision(1));
    let timings = setup.orchestrator.timings();
    assert_eq!(timings.edit_check.count(), 1);
    let facts = run.status().seq.0;
    let appended = timings.journal_append.count();
    assert!((1..=facts).contains(&appended), "facts of a burst are one write: {appended} for {facts}");
}

#[tokio::test(start_paused = true)]
async fn edits_and_verdicts_are_timed_and_what_came_too_fast_is_not() {
    let setup = with_devices(&["d1"]).await;
    let run = setup.submit(graph(vec![noop("root")], &[])).await;
    assert_eq!(setup.orchestrator.timings(), Timings::default());
    run.apply(batch(&run, behind("root", "a"))).await.expect("committed");
    run.check(batch(&run, behind("root", "b")), None, Author::new("x", Role::Operator))
        .await
        .expect("checked");
    run.undo(None, Author::new("x", Role::Operator)).await.expect("undone");
    run.apply(batch(&run, behind("nobody", "c"))).await.expect_err("refused");
    let editor = || Author::new("planner", Role::Editor);
    let made = |graph: &TaskGraph| (EditBatch { base: graph.revision(), ..EditBatch::default() }, None, ());
    run.apply_made(made, editor(), true).await.expect("a verdict").1.expect("checked");
    assert_eq!(setup.orchestrator.timings().edit_check.count(), 5);
    let mut busy = 0;
    for _ in 0..1_000 {
        let empty = EditBatch { base: run.status().revision, ..EditBatch::default() };
        busy += u64::from(
            run.apply_as(empty, None, editor()).await.is_err_and(|error| error.to_string().contains("busy")),
        );
        if busy == 3 {
            break;
        }
    }
    assert_eq!(busy, 3);
    let timings = setup.orchestrator.timings();
    assert_eq!(timings.journal_append.count(), 0, "nothing is kept");
    assert_eq!(timings.edit_check.count(), 4 + 100, "as many of an editor as come at once");
}

#[tokio::test]
async fn a_small_edit_does_not_overtake_a_large_one() {
    let setup = with_devices(&["d1"]).await;
    let run = setup.run(graph(vec![call("root", "hang", 0)], &[])).await;
    let more = GraphSpec { tasks: vec![Arc::new(noop("large"))], ..GraphSpec::default() };
    let large = batch(&run, vec![Edit::Build { graph: Arc::new(more), clear_existing: false }]);
    let small = batch(&run, behind("large", "small"));
    let revision = |answer: Result<Option<Arc<starline_types::Applied>>, RunError>| {
        answer.expect("committed").expect("a revision").revision
    };
    let (large, small) = tokio::join!(run.apply(large), run.apply(small));
    assert_eq!((revision(large), revision(small)), (Revision(1), Revision(2)));
}

#[tokio::test]
async fn an_editor_that_never_rests_does_not_keep_a_run_from_going_on() {
    const LENGTH: u32 = 40;
    let setup = with_journal(Arc::new(NoJournal));
    setup.orchestrator.fleet().connect(device("d1", 4)).await.expect("connected");
    let names: Vec<String> = (0..LENGTH).map(|task| format!("t{task}")).collect();
    let edges: Vec<(&str, &str)> =
        names.windows(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
    let mut tasks: Vec<_> = names.iter().map(|name| noop(name)).collect();
    tasks.push(call("root", "hang", 0));
    let run = setup.run(graph(tasks, &edges)).await;
    // One thread: as long as this task goes on, no other is polled.
    let mut number = 0;
    while run.status().counts.completed < LENGTH {
        run.apply(batch(&run, behind("root", &format!("n{number}")))).await.expect("committed");
        number += 1;
    }
    run.cancel(true).await.expect("cancelled");
    assert_eq!(run.outcome().await.expect("outcome").status, RunState::Cancelled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_edit_may_come_from_a_thread_that_has_no_runtime() {
    let setup = with_devices(&["d1"]).await;
    let run = setup.run(graph(vec![call("root", "hang", 0)], &[])).await;
    let editing = run.clone();
    let thread = std::thread::spawn(move || {
        // Either it is made here, or somebody else holds the core and makes it.
        let answer = editing.apply(batch(&editing, behind("root", "more"))).now_or_never();
        answer.is_none_or(|answer| answer.is_ok())
    });
    assert!(thread.join().expect("no panic"));
    run.cancel(true).await.expect("cancelled");
    let outcome = run.outcome().await.expect("outcome");
    assert_eq!((outcome.status, outcome.total_tasks), (RunState::Cancelled, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "four editors at once")]
async fn editors_and_runners_share_the_core_and_nobody_waits_for_ever() {
    const EACH: usize = 200;
    let setup = with_journal(Arc::new(NoJournal));
    setup.orchestrator.fleet().connect(device("d1", 4)).await.expect("connected");
    let mut tasks: Vec<_> = (0..500).map(|task| noop(&format!("t{task}"))).collect();
    tasks.push(call("root", "hang", 0));
    let run = setup.submit(graph(tasks, &[])).await;
    let editor = |name: usize| {
        let run = run.clone();
        tokio::spawn(async move {
            for number in 0..EACH {
                let edits = behind("root", &format!("e{name}-{number}"));
                run.apply(batch(&run, edits)).await.expect("committed");
            }
        })
    };
    let editors: Vec<_> = (0..4).map(editor).collect();
    run.start().await.expect("started");
    for editor in editors {
        editor.await.expect("no panic");
    }
    while run.status().counts.completed < 500 {
        tokio::task::yield_now().await;
    }
    assert_eq!(run.status().revision, Revision(4 * EACH as u64));
    run.cancel(true).await.expect("cancelled");
    assert_eq!(run.outcome().await.expect("outcome").total_tasks, 501 + 4 * EACH);
}
