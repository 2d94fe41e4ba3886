//! What must hold whenever a burst of inputs has been worked off.

use starline_assign::Binding;
use starline_types::{FailurePolicy, PauseCause, RunState, Timestamp};

use super::book::{RunBook, Stand};
use super::gates::Gate;
use super::{Finding, Ground, Judge, hold};

impl Judge {
    /// Looks at all runs after a commit. `times` are their clocks.
    pub(crate) fn settled(&mut self, ground: &Ground<'_>, times: &[Timestamp]) -> Result<(), Finding> {
        for (run, book) in self.books.iter_mut().enumerate() {
            book.nothing_unsaid(run)?;
        }
        for device in std::mem::take(&mut self.filled) {
            let (live, slots) = (self.live_on(device), ground.devices[device].profile.slots);
            let id = &ground.devices[device].profile.id;
            hold!(O7, live <= slots, "device {id} has {live} attempts in {slots} slots");
        }
        for device in std::mem::take(&mut self.gone) {
            let (live, id) = (self.live_on(device), &ground.devices[device].profile.id);
            // One that returned in the same moment may have been given something new.
            let back = ground.devices[device].alive;
            hold!(
                O9,
                back || live == 0,
                "device {id} is gone for certain and {live} attempts on it are still live"
            );
        }
        for (run, book) in self.books.iter().enumerate() {
            let Some(t) = times.get(run).copied() else { continue };
            let open =
                book.tasks.iter().filter(|task| !matches!(task.stand, Stand::Ended(_) | Stand::Gone)).count();
            let begun = matches!(book.state, RunState::Executing | RunState::Paused);
            let held = !book.holds.open.is_empty();
            hold!(
                O9,
                !(begun && open == 0) || held || book.pause.is_some_and(|pause| pause.undo),
                "run {run} goes on although all of its tasks have ended"
            );
            let failed = book
                .tasks
                .iter()
                .any(|task| task.stand == Stand::Ended(starline_types::OutcomeStatus::Failed));
            let pending = book.tasks.iter().filter(|task| task.stand == Stand::Pending).count();
            let fast = book.settings.on_failure == FailurePolicy::FailFast;
            hold!(
                O9,
                !(fast && failed && pending > 0) || book.undo.is_on(),
                "run {run} fails fast and keeps {pending} pending tasks"
            );
            let unheeded =
                book.undo.is_unheeded() && book.state == RunState::Executing && book.ending.is_none();
            hold!(O9, !unheeded, "run {run} goes on although something was not undone");
            let waiting = book.undo.waits() && book.ending.is_none();
            hold!(
                O9,
                !waiting || pending == 0,
                "run {run} is to be rolled back and keeps {pending} pending tasks"
            );
            is_on_time(run, book, t)?;
            super::holds::are_on_time(run, book, t)?;
            if book.state == RunState::Executing && book.ending.is_none() {
                self.is_at_work(run, book, t, ground)?;
            }
        }
        for (book, t) in self.books.iter_mut().zip(times) {
            book.note_ready(*t);
        }
        Ok(())
    }

    fn live_on(&self, device: usize) -> u32 {
        self.books.iter().map(|book| book.live_on(device)).sum()
    }

    /// Nothing impossible stays, and nothing that could start waits.
    fn is_at_work(
        &self,
        run: usize,
        book: &RunBook,
        t: Timestamp,
        ground: &Ground<'_>,
    ) -> Result<(), Finding> {
        let room = book.settings.max_parallel.is_none_or(|max| book.running() < max);
        for task in 0..book.tasks.len() {
            if book.tasks[task].stand != Stand::Pending {
                continue;
            }
            let id = &book.tasks[task].spec.id;
            if book.is_covered(task) {
                continue;
            }
            let planned = book.tasks[task].planned.map(|device| &ground.devices[device]);
            let fits = planned.is_none_or(|seat| super::fits(&seat.profile, &book.tasks[task].spec));
            hold!(O7, fits, "task {run}/{id} stays planned on a device that it does not fit any more");
            let stays = book.is_impossible(task) && !book.waits_for_edit();
            hold!(O9, !stays, "task {run}/{id} can never run and is not skipped");
            let unasked = book.tasks[task].gate == Gate::Closed
                && book.is_satisfied(task)
                && book.tasks[task].backoff <= t;
            hold!(O9, !unasked, "task {run}/{id} could run but for its gate, and nobody is asked");
            if !room || !book.is_ready(task, t) {
                continue;
            }
            let free = |device: &usize| self.live_on(*device) < ground.devices[*device].profile.slots;
            let candidates = book.candidates(task, t, ground.devices);
            let planned = book.tasks[task].planned;
            let waits = match book.binding {
                Some(Binding::Late) => candidates.iter().any(free),
                Some(Binding::Early) => match planned.filter(|device| ground.devices[*device].takes_work()) {
                    Some(device) => candidates.contains(&device) && free(&device),
                    None => !candidates.is_empty(),
                },
                None => match planned {
                    Some(device) => candidates.contains(&device) && free(&device),
                    None => book.tasks[task].spec.pin().is_some() && candidates.iter().any(free),
                },
            };
            hold!(
                O9,
                !waits,
                "task {run}/{id} could start and waits: planned {planned:?}, candidates {candidates:?}"
            );
        }
        Ok(())
    }
}

/// No limit is exceeded: what is due has happened.
fn is_on_time(run: usize, book: &RunBook, t: Timestamp) -> Result<(), Finding> {
    if book.state.is_terminal() {
        return Ok(());
    }
    let deadline = book.started.zip(book.settings.deadline).map(|(started, limit)| started + limit);
    let late = book.ending.is_none() && deadline.is_some_and(|deadline| deadline <= t);
    hold!(O9, !late, "run {run} goes on beyond its deadline {deadline:?}");
    let due = book.pause.and_then(|pause| pause.deadline);
    hold!(O9, due.is_none_or(|due| due > t), "run {run} stays paused beyond {due:?}");
    for (at, task) in book.tasks.iter().enumerate() {
        let id = &task.spec.id;
        if let (Gate::Asked { until: Some(until) }, Stand::Pending) = (task.gate, task.stand) {
            hold!(O9, until > t, "the question about {run}/{id} stands beyond {until}");
        }
        if let Stand::Live(live) = task.stand {
            let limit = task.spec.run_timeout.map(|limit| live.since + limit);
            let late = live.cancel.is_none() && limit.is_some_and(|limit| limit <= t);
            hold!(
                O9,
                !late,
                "{run}/{id}#{} runs beyond its limit {limit:?} and is not stopped",
                live.attempt
            );
            let over = live.over_by.is_none_or(|by| by > t);
            hold!(O9, over, "{run}/{id}#{} should be over by {:?} and is not", live.attempt, live.over_by);
        } else if book.state == RunState::Executing && book.is_ready(at, t) && !book.is_covered(at) {
            let (waited, limit) = (book.waited(at, t), task.spec.queue_timeout);
            let late = limit.is_some_and(|limit| limit.0 <= waited);
            hold!(O9, !late, "task {run}/{id} has waited {waited} ms, and its limit is {limit:?}");
        }
    }
    Ok(())
}

impl RunBook {
    /// Notes since when tasks are ready: the clock of a burst is exact.
    fn note_ready(&mut self, t: Timestamp) {
        if !matches!(self.state, RunState::Executing | RunState::Paused) {
            return;
        }
        let paused = self.paused_until(t);
        for task in 0..self.tasks.len() {
            let ready = self.is_ready(task, t);
            let covered = ready && self.is_covered(task);
            let noted = &mut self.tasks[task];
            if !ready {
                (noted.held, noted.ready) = (None, None);
                continue;
            }
            let since = noted.ready.get_or_insert((t, paused));
            // The clock stands still under a hold, and goes on from where it was.
            if covered {
                noted.held.get_or_insert((t, paused));
            } else if let Some((held, then)) = noted.held.take() {
                *since = (since.0 + t.since(held), since.1 + paused - then);
            }
        }
    }
}

/// What may be left when nothing happens any more: a run that has ended, or one that says why it has not.
pub(super) fn at_rest(run: usize, book: &RunBook, ground: &Ground<'_>) -> Result<(), Finding> {
    if book.state.is_terminal() {
        return Ok(());
    }
    let paused = book.state == RunState::Paused;
    hold!(O9, paused, "run {run} is {} and nothing happens any more", book.state);
    let cause = book.pause.map(|pause| pause.cause);
    hold!(O9, cause == Some(PauseCause::NeedsOperator), "run {run} stays paused by {cause:?}");
    if book.pause.is_some_and(|pause| pause.limited || pause.undo) {
        return Ok(());
    }
    for task in 0..book.tasks.len() {
        let placeable = book.is_ready(task, book.t)
            && match book.binding {
                Some(_) => !book.candidates(task, book.t, ground.devices).is_empty(),
                None => book.tasks[task].planned.is_some_and(|device| ground.devices[device].takes_work()),
            };
        let id = &book.tasks[task].spec.id;
        hold!(O9, !placeable, "run {run} waits for an operator although task {id} has a device");
    }
    Ok(())
}
