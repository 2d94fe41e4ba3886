//! Asking a planner: one call for each round, beside the execution, and nothing it does can stop the run.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use starline_planner::{
    DeviceView, EditFault, Finished, PlanRequest, Planner, PlannerError, Proposal, ProposedBatch, Rejected,
    UnreadEdits,
};
use starline_scheduler::{Code, Fault, Input, Rejection, Unread};
use starline_types::{Applied, EditBatch, HoldId};

use crate::{Editor, HandedOver, Refusal, RunError};

/// Answers for each hold, unless the run says otherwise.
pub(crate) const ATTEMPTS: u32 = 3;
/// After which time an answer is sent again that came too fast.
const BUSY: Duration = Duration::from_millis(100);

/// Lets a planner answer the holds of a run until the run ends or the planner has no more wishes. The task keeps the
/// orchestrator alive until then.
#[expect(
    clippy::disallowed_methods,
    reason = "a planner works beside the execution, for as long as it takes"
)]
pub(crate) fn start(editor: Editor, planner: Arc<dyn Planner>, attempts: u32) {
    tokio::spawn(answer_holds(editor, planner, attempts));
}

async fn answer_holds(mut editor: Editor, planner: Arc<dyn Planner>, attempts: u32) {
    while let Some(handed) = editor.next_hold().await {
        match answer(&mut editor, &*planner, &handed, attempts).await {
            Ok(Wish::More) => {}
            Ok(Wish::None) | Err(Over) => return,
        }
    }
}

/// Whether the planner is to be asked again.
enum Wish {
    More,
    None,
}

/// The run or the orchestrator has ended.
struct Over;

impl From<RunError> for Over {
    fn from(_: RunError) -> Self {
        Self
    }
}

async fn answer(
    editor: &mut Editor,
    planner: &dyn Planner,
    handed: &HandedOver,
    attempts: u32,
) -> Result<Wish, Over> {
    let mut rejection = None;
    // Why the answer before was not taken.
    let mut refusal: Option<String> = None;
    for attempt in 1..=attempts.max(1) {
        let request = request(editor, handed, rejection.take()).await?;
        let asked = AssertUnwindSafe(async { planner.plan(request).await }).catch_unwind();
        let answered = tokio::select! {
            biased;
            answered = asked => answered,
            // Expired, or closed by somebody else: nobody waits for the answer any more.
            () = editor.hold_is_over(handed.hold) => {
                note(editor, planner, handed.hold, "the hold closed before the planner answered").await;
                return Ok(Wish::More);
            }
        };
        let batch = match answered {
            Ok(Ok(Proposal::Edit(batch))) => batch,
            Ok(Ok(Proposal::Nothing)) => {
                give_up(editor, planner, handed.hold, refusal).await;
                release(editor, handed.hold).await;
                return Ok(Wish::More);
            }
            Ok(Ok(Proposal::Finish)) => {
                give_up(editor, planner, handed.hold, refusal).await;
                release(editor, handed.hold).await;
                return Ok(Wish::None);
            }
            Ok(Err(error)) => {
                note(editor, planner, handed.hold, &chain(&error)).await;
                release(editor, handed.hold).await;
                return Ok(Wish::More);
            }
            Err(panic) => {
                note(editor, planner, handed.hold, &format!("the planner panicked: {}", said(&*panic))).await;
                release(editor, handed.hold).await;
                return Ok(Wish::More);
            }
        };
        let ProposedBatch { batch, unread } = batch;
        let proposed = Arc::new(batch.clone());
        match send(editor, handed.hold, batch, unread.map(unread_of)).await {
            Ok(_) => return Ok(Wish::More),
            Err(RunError::Refused(Refusal::Rejected(refused))) => {
                refusal = Some(first(&refused));
                rejection = Some(Rejected { attempt, batch: proposed, faults: faults(&refused) });
            }
            Err(RunError::Refused(other)) => {
                refusal = Some(other.to_string());
                break;
            }
            Err(error) => return Err(error.into()),
        }
    }
    give_up(editor, planner, handed.hold, refusal).await;
    release(editor, handed.hold).await;
    Ok(Wish::More)
}

/// Commits an answer. One that comes too fast after others is sent again, as long as the hold is open.
async fn send(
    editor: &Editor,
    hold: HoldId,
    batch: EditBatch,
    unread: Option<Unread>,
) -> Result<Option<Arc<Applied>>, RunError> {
    loop {
        let sent = editor.apply_read(batch.clone(), unread.clone()).await;
        match &sent {
            Err(RunError::Refused(Refusal::Rejected(refused))) if is_busy(refused) && editor.holds(hold) => {
                tokio::time::sleep(BUSY).await;
            }
            _ => return sent,
        }
    }
}

fn is_busy(refused: &Rejection) -> bool {
    refused.faults.iter().all(|fault| fault.code == Code::Busy)
}

async fn request(
    editor: &Editor,
    handed: &HandedOver,
    rejection: Option<Rejected>,
) -> Result<PlanRequest, Over> {
    let run = editor.run();
    let snapshot = run.snapshot().await?;
    let devices = run.devices().await?;
    let finished = handed.finished.iter();
    let finished = finished.map(|(task, outcome)| Finished { task: task.clone(), outcome: outcome.clone() });
    Ok(PlanRequest {
        run: run.id().clone(),
        hold: handed.hold,
        deadline: handed.deadline,
        now: handed.handed_at,
        revision: snapshot.status.revision,
        finished: finished.collect(),
        devices: devices
            .into_iter()
            .map(|device| DeviceView {
                profile: device.profile,
                status: device.status,
                running: device.running,
                queued: device.queued,
            })
            .collect(),
        policy: run.policy().await?,
        snapshot,
        rejection,
    })
}

/// Records that a hold ends without a change because an answer was rejected, and not because there was none.
async fn give_up(editor: &Editor, planner: &dyn Planner, hold: HoldId, refusal: Option<String>) {
    if let Some(refusal) = refusal {
        note(editor, planner, hold, &format!("its last answer was rejected: {refusal}")).await;
    }
}

/// The first fault of an answer, and how many more there are.
fn first(refused: &Rejection) -> String {
    let Some(first) = refused.faults.first() else { return "without a reason".to_owned() };
    let more = refused.faults.len() - 1;
    let more = if more == 0 { String::new() } else { format!(", and {more} more") };
    format!("{}: {}{more}", first.code, first.message)
}

/// A hold that is over already needs no release.
async fn release(editor: &Editor, hold: HoldId) {
    let _ = editor.release(hold).await;
}

/// Records why nothing came of a hold; where even that cannot be recorded, the run is over.
async fn note(editor: &Editor, planner: &dyn Planner, hold: HoldId, message: &str) {
    let (planner, message) = (planner.name().into(), message.to_owned());
    let _ = editor.run().tell(Input::PlannerFaulted { planner, hold, message }).await;
}

fn faults(refused: &Rejection) -> Vec<EditFault> {
    let plain = |fault: &Fault| EditFault {
        edit: fault.edit,
        code: fault.code.as_str().to_owned(),
        rule: fault.rule.map(str::to_owned),
        item: fault.item.clone(),
        message: fault.message.clone(),
        hint: fault.hint.clone(),
        path: fault.path.clone(),
    };
    refused.faults.iter().map(plain).collect()
}

fn unread_of(unread: UnreadEdits) -> Unread {
    let UnreadEdits { faults, tasks, positions } = unread;
    let typed = faults.into_iter().map(|fault| {
        let code = Code::from_word(&fault.code).unwrap_or(Code::InvalidValue);
        let typed = Fault::new(fault.edit, code, fault.item, fault.message);
        match fault.hint {
            Some(hint) => typed.hint(hint),
            None => typed,
        }
    });
    Unread { faults: typed.collect(), tasks, positions, ..Unread::default() }
}

/// An error with its causes, in one line.
fn chain(error: &PlannerError) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a word")
}
