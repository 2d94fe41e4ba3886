//! Planners: asked once for each round, and whatever they do, the run goes on.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use starline_event::EventFilter;
use starline_orchestrator::{Planner, RunOptions};
use starline_planner::{PlanRequest, PlannerError, PlannerFault, Proposal};
use starline_types::{
    Dependency, Edit, EditorSettings, Event, EventKind, HoldReason, Millis, Revision, RunSettings, RunState,
};

use crate::support::{Setup, graph, noop, task_id, with_devices};

/// What a planner does when it is asked, by the number of the call.
#[derive(Debug)]
struct Acts {
    acts: Vec<Act>,
    calls: AtomicU32,
    rejections: Mutex<Vec<Vec<String>>>,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Cycle,
    Add,
    Nothing,
    Finish,
    Panic,
    Fail,
    Hang,
}

impl Acts {
    fn new(acts: &[Act]) -> Arc<Self> {
        Arc::new(Self { acts: acts.to_vec(), calls: AtomicU32::new(0), rejections: Mutex::default() })
    }
}

#[async_trait::async_trait]
impl Planner for Acts {
    fn name(&self) -> &str {
        "acts"
    }

    async fn plan(&self, request: PlanRequest) -> Result<Proposal, PlannerError> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) as usize;
        if let Some(rejection) = &request.rejection {
            let codes = rejection.faults.iter().map(|fault| fault.code.clone()).collect();
            self.rejections.lock().expect("unpoisoned").push(codes);
        }
        let edge =
            |from: &str, to: &str| Edit::AddDependency(Dependency::success(task_id(from), task_id(to)));
        match self.acts.get(call).copied().unwrap_or(Act::Nothing) {
            Act::Cycle => Ok(request.batch(vec![edge("c", "b")]).into()),
            Act::Add => {
                let add = Edit::AddTask { task: Arc::new(noop("x")), after: vec![] };
                Ok(request.batch(vec![add, edge("x", "c")]).into())
            }
            Act::Nothing => Ok(Proposal::Nothing),
            Act::Finish => Ok(Proposal::Finish),
            Act::Panic => panic!("no idea"),
            Act::Fail => Err(PlannerError::new(PlannerFault::Unavailable)),
            Act::Hang => std::future::pending().await,
        }
    }
}

/// Runs a chain of three tasks with a planner; returns its calls, the reasons for which holds closed, and the final
/// revision.
async fn run(setup: &Setup, planner: &Arc<Acts>) -> (u32, Vec<HoldReason>, Revision, usize) {
    let mut editor = EditorSettings::default();
    editor.hold.modification_timeout = Millis(5_000);
    let settings = RunSettings { editor: Some(Arc::new(editor)), ..RunSettings::default() };
    let options = RunOptions { settings, planner: Some(Arc::clone(planner) as _), ..RunOptions::default() };
    let chain = graph(vec![noop("a"), noop("b"), noop("c")], &[("a", "b"), ("b", "c")]);
    let run = setup.orchestrator.submit(chain, options).await.expect("accepted");
    let mut events = setup.bus.subscribe(EventFilter::all().run(run.id().clone()));
    run.start().await.expect("started");
    let outcome = tokio::time::timeout(Duration::from_secs(60), run.outcome()).await;
    let outcome = outcome.expect("the run ends whatever the planner does").expect("outcome");
    assert_eq!(outcome.status, RunState::Completed);
    let (mut closed, mut faulted) = (Vec::new(), 0);
    while let Some(Ok(event)) = events.try_next() {
        match &event.event {
            Event::HoldClosed { reason, .. } => closed.push(*reason),
            other => faulted += usize::from(other.kind() == EventKind::PlannerFaulted),
        }
    }
    (planner.calls.load(Ordering::Relaxed), closed, outcome.revision, faulted)
}

#[tokio::test(start_paused = true)]
async fn a_refused_answer_goes_back_with_its_faults() {
    let setup = with_devices(&["d1"]).await;
    let planner = Acts::new(&[Act::Cycle, Act::Cycle, Act::Add]);
    let (calls, closed, revision, _) = run(&setup, &planner).await;
    assert_eq!(*planner.rejections.lock().expect("unpoisoned"), [["would_cycle"], ["would_cycle"]]);
    // Three answers to the first hold, one to each of the others: of x, b and c.
    assert_eq!((calls, revision), (6, Revision(1)));
    assert_eq!(closed[0], HoldReason::Committed);
}

#[tokio::test(start_paused = true)]
async fn after_the_last_answer_the_hold_is_released() {
    let setup = with_devices(&["d1"]).await;
    let planner = Acts::new(&[Act::Cycle, Act::Cycle, Act::Cycle]);
    let (calls, closed, revision, faulted) = run(&setup, &planner).await;
    assert_eq!((calls, revision), (5, Revision(0)));
    assert_eq!(closed, [HoldReason::Released; 3]);
    assert_eq!(faulted, 1, "whoever reads the facts sees that it was not for want of an answer");
}

#[tokio::test(start_paused = true)]
async fn a_planner_that_gives_up_after_a_rejection_is_told_from_one_without_an_answer() {
    for (last, closes) in [(Act::Nothing, 3), (Act::Finish, 1)] {
        let setup = with_devices(&["d1"]).await;
        let (_, closed, revision, faulted) = run(&setup, &Acts::new(&[Act::Cycle, last])).await;
        assert_eq!((revision, faulted), (Revision(0), 1), "{last:?}");
        assert!(closed.len() >= closes && closed[0] == HoldReason::Released, "{closed:?}");
    }
    let setup = with_devices(&["d1"]).await;
    let (_, _, _, faulted) = run(&setup, &Acts::new(&[Act::Cycle, Act::Add])).await;
    assert_eq!(faulted, 0, "the answer after it was good");
}

#[tokio::test(start_paused = true)]
async fn a_planner_that_fails_in_any_way_is_recorded_and_passed_over() {
    for (act, reason) in [
        (Act::Panic, HoldReason::Released),
        (Act::Fail, HoldReason::Released),
        (Act::Hang, HoldReason::Expired),
    ] {
        let setup = with_devices(&["d1"]).await;
        let (calls, closed, _, faulted) = run(&setup, &Acts::new(&[act])).await;
        assert_eq!((calls, closed[0], faulted), (3, reason, 1), "{act:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_planner_that_has_finished_is_asked_no_more() {
    let setup = with_devices(&["d1"]).await;
    let (calls, closed, _, faulted) = run(&setup, &Acts::new(&[Act::Finish])).await;
    assert_eq!((calls, faulted), (1, 0));
    assert_eq!(closed[0], HoldReason::Released);
}
