//! Editors: holds in real drivers, batches of several authors at once.

use std::sync::Arc;
use std::time::Duration;

use starline_event::EventFilter;
use starline_orchestrator::{Author, Editor, Refusal, Role, Run, RunError, RunOptions};
use starline_types::{
    Dependency, DependencyKind, Edit, EditBatch, EditorSettings, Event, HoldReason, HoldScope, Reading,
    Revision, RunSettings, RunState, TaskId,
};
use tokio::time::Instant;

use crate::support::{Setup, call, graph, noop, task_id, with_devices};

fn batch(run: &Run, edits: Vec<Edit>) -> EditBatch {
    EditBatch { base: run.status().revision, edits, ..EditBatch::default() }
}

fn add(name: &str) -> Edit {
    Edit::AddTask { task: Arc::new(noop(name)), after: vec![] }
}

fn edge(from: &str, to: &str) -> Edit {
    Edit::AddDependency(Dependency::success(task_id(from), task_id(to)))
}

async fn reading(run: &Run, task: &str) -> Reading {
    let snapshot = run.snapshot().await.expect("a snapshot");
    snapshot.tasks.iter().find(|view| view.id == task_id(task)).expect("the task").reading
}

/// Y9: three chains of two steps, first steps of 100, 200 and 300 ms, an editor that takes 300 ms.
async fn chains(setup: &Setup, scope: HoldScope) -> Vec<(TaskId, u128)> {
    let mut tasks: Vec<_> =
        [("a1", 100), ("b1", 200), ("c1", 300)].map(|(name, ms)| call(name, "sleep", ms)).into();
    tasks.extend(["a2", "b2", "c2"].map(noop));
    let mut editor = EditorSettings::default();
    editor.hold.scope = scope;
    let settings = RunSettings { editor: Some(Arc::new(editor)), ..RunSettings::default() };
    let options = RunOptions { settings, ..RunOptions::default() };
    let graph = graph(tasks, &[("a1", "a2"), ("b1", "b2"), ("c1", "c2")]);
    let run = setup.orchestrator.submit(graph, options).await.expect("accepted");
    let mut events = setup.bus.subscribe(EventFilter::all().run(run.id().clone()));
    let mut editor = run.editor("slow").await.expect("attached");
    let begin = Instant::now();
    run.start().await.expect("started");
    let answers = async {
        while let Some(handed) = editor.next_hold().await {
            tokio::time::sleep(Duration::from_millis(300)).await;
            editor.release(handed.hold).await.expect("open");
        }
    };
    let mut assigned = Vec::new();
    let watch = async {
        loop {
            let event = events.next().await.expect("open").expect("no gap");
            if let Event::TaskAssigned { task, .. } = &event.event {
                assigned.push((task.id().clone(), begin.elapsed().as_millis()));
            }
            if event.event.run_end().is_some() {
                break;
            }
        }
    };
    tokio::join!(answers, watch);
    assigned
}

#[tokio::test(start_paused = true)]
async fn scenario_y9_each_chain_waits_for_its_own_hold() {
    let setup = with_devices(&["d1", "d2", "d3"]).await;
    let assigned = chains(&setup, HoldScope::Descendants).await;
    let at = |name: &str| assigned.iter().find(|(task, _)| task == &task_id(name)).expect("assigned").1;
    assert_eq!([at("a1"), at("b1"), at("c1")], [0, 0, 0]);
    assert_eq!([at("a2"), at("b2"), at("c2")], [400, 700, 700], "{assigned:?}");
}

#[tokio::test(start_paused = true)]
async fn scenario_y1_a_commit_that_names_the_hold_closes_it() {
    let setup = with_devices(&["d1"]).await;
    let run = setup.submit(graph(vec![noop("a"), noop("b")], &[("a", "b")])).await;
    let mut editor = run.editor("agent").await.expect("attached");
    run.start().await.expect("started");
    let handed = editor.next_hold().await.expect("a hold");
    assert_eq!(handed.finished.iter().map(|(task, _)| task.as_str()).collect::<Vec<_>>(), ["a"]);
    assert_eq!((run.pending_count(), run.pending_task_ids().await.expect("ids")), (1, vec![task_id("a")]));
    assert!(!run.wait_for_pending(Duration::from_millis(200)).await, "the hold stays open");
    assert_eq!(reading(&run, "b").await, Reading::Held);

    let mut refused = batch(&run, vec![edge("b", "a")]);
    refused.hold = Some(handed.hold);
    let refusal = editor.apply(refused).await.expect_err("a has ended");
    assert!(matches!(refusal, RunError::Refused(Refusal::Rejected(_))), "{refusal}");
    assert!(editor.holds(handed.hold), "a rejection leaves the hold open");

    let mut edit = batch(&run, vec![add("x"), edge("a", "x"), edge("x", "b")]);
    edit.hold = Some(handed.hold);
    let applied = editor.apply(edit).await.expect("committed").expect("a revision");
    assert_eq!((applied.revision, applied.author.as_str()), (Revision(1), "agent"));
    assert!(!editor.holds(handed.hold) || run.pending_count() > 0);
    drop(editor);
    let outcome = run.outcome().await.expect("outcome");
    assert_eq!(
        (outcome.status, outcome.total_tasks, outcome.revision),
        (RunState::Completed, 3, Revision(1))
    );
}

#[tokio::test(start_paused = true)]
async fn scenario_y12_an_editor_that_goes_lets_everything_go_on() {
    let setup = with_devices(&["d1"]).await;
    let run = setup.submit(graph(vec![noop("a"), noop("b")], &[("a", "b")])).await;
    let mut events = setup.bus.subscribe(EventFilter::all().run(run.id().clone()));
    let mut editor = run.editor("agent").await.expect("attached");
    assert_eq!(run.editor("another").await.map(drop), Err(RunError::HasEditor));
    run.start().await.expect("started");
    assert!(editor.next_hold().await.is_some());
    drop(editor);
    assert_eq!(run.outcome().await.expect("outcome").status, RunState::Completed);
    let mut reasons = Vec::new();
    while let Some(Ok(event)) = events.try_next() {
        if let Event::HoldClosed { reason, .. } = &event.event {
            reasons.push(*reason);
        }
    }
    assert_eq!(reasons, [HoldReason::EditorLost]);
    assert!(run.editor("late").await.is_err(), "the run has ended");
}

#[tokio::test(start_paused = true)]
async fn work_that_is_added_behind_the_last_task_continues_the_run() {
    let setup = with_devices(&["d1"]).await;
    let run = setup.submit(graph(vec![noop("a")], &[])).await;
    let mut events = setup.bus.subscribe(EventFilter::all().run(run.id().clone()));
    let mut editor = run.editor("agent").await.expect("attached");
    run.start().await.expect("started");
    for round in 0..3 {
        let handed = editor.next_hold().await.expect("a hold");
        let (last, _) = &handed.finished[0];
        let task = Arc::new(noop(&format!("more{round}")));
        let after = vec![(last.clone(), DependencyKind::Success)];
        let edits = if round < 2 { vec![Edit::AddTask { task, after }] } else { vec![] };
        let answer = EditBatch { hold: Some(handed.hold), ..batch(&run, edits) };
        editor.apply(answer).await.expect("committed");
    }
    let outcome = run.outcome().await.expect("outcome");
    assert_eq!((outcome.total_tasks, outcome.revision), (3, Revision(2)));
    let mut ends = 0;
    while let Some(Ok(event)) = events.try_next() {
        ends += usize::from(event.event.run_end().is_some());
    }
    assert_eq!(ends, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "ten authors at once")]
async fn ten_editors_at_once_are_all_answered() {
    const EACH: usize = 50;
    let setup = with_devices(&["d1"]).await;
    let run = setup.run(graph(vec![call("root", "hang", 0)], &[])).await;
    let mut events = setup.bus.subscribe(EventFilter::all().run(run.id().clone()));
    let authors = (0..10).map(|author| {
        let run = run.clone();
        tokio::spawn(async move {
            let who = Author::new(&format!("author{author}"), Role::Embedder);
            let mut revisions = Vec::new();
            for number in 0..EACH {
                let name = format!("t{author}-{number}");
                let edits = vec![add(&name), edge("root", &name)];
                let applied = run.apply_as(batch(&run, edits), None, who.clone()).await.expect("committed");
                revisions.push(applied.expect("a revision").revision.0);
            }
            revisions
        })
    });
    let mut all = Vec::new();
    for author in authors.collect::<Vec<_>>() {
        let revisions = author.await.expect("no panic");
        assert!(revisions.is_sorted(), "an author sees its own edits in order");
        all.extend(revisions);
    }
    all.sort_unstable();
    assert_eq!(all, (1..=10 * EACH as u64).collect::<Vec<_>>(), "none is lost, none is answered twice");
    assert_eq!(run.snapshot().await.expect("snapshot").tasks.len(), 1 + 10 * EACH);
    run.cancel(true).await.expect("cancelled");
    run.wait().await;
    let mut revision = Revision(0);
    while let Some(Ok(event)) = events.try_next() {
        if let Event::EditCommitted(applied) = &event.event {
            assert_eq!(applied.revision, revision.next(), "revisions go up by one");
            revision = applied.revision;
        }
        assert_eq!(event.revision, revision, "an envelope has the revision after its fact");
    }
    assert_eq!(revision.0, 10 * EACH as u64);
}

#[tokio::test(start_paused = true)]
async fn undo_redo_and_checks_go_through_handles() {
    let setup = with_devices(&["d1"]).await;
    let run = setup.run(graph(vec![call("root", "hang", 0)], &[])).await;
    let me = || Author::new("me", Role::Operator);
    let checked = run.check(batch(&run, vec![add("x")]), None, me()).await.expect("valid").expect("a commit");
    assert_eq!((checked.revision, run.status().revision), (Revision(1), Revision(0)));
    run.apply(batch(&run, vec![add("x"), edge("root", "x")])).await.expect("committed");
    assert_eq!(reading(&run, "x").await, Reading::Waiting);
    run.undo(Some(Revision(1)), me()).await.expect("undone");
    assert_eq!(run.snapshot().await.expect("snapshot").tasks.len(), 1);
    assert!(run.undo(None, me()).await.is_err(), "there is nothing more to undo");
    run.redo(None, me()).await.expect("redone");
    assert_eq!((reading(&run, "x").await, run.status().revision), (Reading::Waiting, Revision(3)));
    // A repeated request gets its first answer.
    let request = Some("r-1".parse().expect("id"));
    let again = EditBatch { request, ..batch(&run, vec![add("y")]) };
    let first = run.apply(again.clone()).await.expect("committed").expect("a commit");
    let second = run.apply(again).await.expect("answered").expect("the same commit");
    assert_eq!((first.revision, run.status().revision), (second.revision, Revision(4)));
    run.cancel(true).await.expect("cancelled");
}

fn _editors_can_be_sent(editor: Editor) -> impl Send {
    editor
}
