//! Commits, applied a second time to what the reader knows about a graph.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use starline_graph::rename_references;
use starline_types::{
    Applied, ApprovalTimeout, Dependency, DependencyId, DependencyRef, Edit, GraphSpec, LateEdits, Origin,
    PauseCause, Payload, Policy, RejectedEdit, RunState, TaskField, TaskId, TaskSpec,
};

use super::book::{Edge, RunBook, Stand, TaskBook};
use super::gates::Gate;
use super::hear::{Reader, Verdict};
use super::said::{Answered, Said};
use super::shape::Shape;
use super::{Finding, hold};

/// Commits that can be taken back.
const HISTORY: usize = 100;

/// Edits on record.
#[derive(Debug)]
pub(super) struct EditBook {
    pub(super) revision: u64,
    task_rank: u32,
    edge_rank: u32,
    /// Edges that were ever added.
    joined: u32,
    /// What commits were made of, and what they made: those that can be taken back, and those that were.
    done: VecDeque<(Shape, Shape)>,
    undone: Vec<(Shape, Shape)>,
    /// What was said to the run and not yet compared with its facts.
    pub(super) said: VecDeque<Said>,
    /// First answers to batches that may be repeated.
    pub(super) answers: BTreeMap<String, Answered>,
    /// Edits, and tasks that they added.
    pub(super) usage: (u64, u64),
    /// Whether the run waited for a commit that has just come.
    pub(super) wakes: bool,
}

impl EditBook {
    pub(super) fn new(task_rank: u32, edge_rank: u32) -> Self {
        Self {
            revision: 0,
            task_rank,
            edge_rank,
            joined: 0,
            done: VecDeque::new(),
            undone: Vec::new(),
            said: VecDeque::new(),
            answers: BTreeMap::new(),
            usage: (0, 0),
            wakes: false,
        }
    }
}

impl RunBook {
    /// The payload of a task with its references filled in; `None` if something is missing.
    pub(super) fn payload(&self, task: usize) -> Option<Payload> {
        let Payload::Sh(shell) = &self.tasks[task].spec.run else {
            return Some(self.tasks[task].spec.run.clone());
        };
        let mut text = shell.script.clone();
        while let Some(begin) = text.find("{{ tasks") {
            let end = begin + text[begin..].find("}}")?;
            let id = text[begin + 8..end].trim().strip_suffix(".outputs.n")?;
            // Written `.name`, or `["name"]`.
            let quoted = id.strip_prefix("[\"").and_then(|id| id.strip_suffix("\"]"));
            let id = quoted.or_else(|| id.strip_prefix('.'))?;
            let source = self.names.get(id).map(|at| &self.tasks[*at])?;
            let n = source.n.filter(|_| matches!(source.stand, Stand::Ended(_)))?;
            text.replace_range(begin..end + 2, &n.to_string());
        }
        let mut filled = Payload::Sh(Arc::clone(shell));
        if let Payload::Sh(shell) = &mut filled {
            Arc::make_mut(shell).script = text;
        }
        Some(filled)
    }
}

impl Reader<'_> {
    pub(super) fn committed(&mut self, applied: &Applied) -> Verdict {
        let (run, revision) = (self.run, self.book.edits.revision + 1);
        hold!(
            O10,
            applied.revision.0 == revision,
            "revision {} of run {run} is not {revision}",
            applied.revision.0
        );
        hold!(O10, !applied.batch.edits.is_empty(), "an empty batch makes a revision of run {run}");
        hold!(O10, self.book.ending.is_none(), "run {run} is ending, and its graph is edited");
        let undoes = applied.origin == Origin::Rollback;
        if undoes {
            self.is_due(applied)?;
        } else {
            hold!(O10, !self.book.undo.waits(), "run {run} is to be rolled back, and its graph is edited");
            self.is_said(applied)?;
            self.note_seen();
        }
        self.answers_a_hold(applied)?;
        let before = self.book.shape();
        let guarded = applied.origin == Origin::Edit && applied.author == "editor";
        let policy = self.book.settings.policy.clone().filter(|_| guarded);
        let base = applied.batch.base.0;
        hold!(O10, base < revision, "a batch for revision {base} becomes revision {revision}");
        let mut added = 0;
        let known: Vec<TaskBook> = self.book.tasks.clone();
        let is_blocked =
            |task: &usize| self.book.tasks[*task].stand == Stand::Pending && self.book.is_impossible(*task);
        let blocked: Vec<usize> = self.book.present().filter(is_blocked).collect();
        for edit in &applied.batch.edits {
            if let Some(policy) = policy.as_deref() {
                let allowed = policy.allow.as_ref().is_none_or(|list| list.iter().any(|op| op == edit.op()));
                hold!(O10, allowed, "an editor may not {}", edit.op());
            }
            if guarded {
                self.keeps_gates(edit)?;
            }
            added += self.apply(edit, base, revision, policy.as_deref())?;
        }
        self.rank_edges();
        self.can_be_satisfied(revision)?;
        self.has_an_order()?;
        self.withdraw_questions();
        self.book.edits.revision = revision;
        if undoes {
            self.undoes_all(applied, known.len())?;
        } else {
            let usage = &mut self.book.edits.usage;
            *usage = (usage.0 + applied.batch.edits.len() as u64, usage.1 + added);
        }
        let usage = self.book.edits.usage;
        // How much may be edited binds everybody, whoever the rest of the policy binds.
        let limits = self.book.settings.policy.as_ref().map(|policy| &policy.limits);
        if let Some(most) = limits.and_then(|limits| limits.edits) {
            hold!(O10, usage.0 <= most, "{} edits of a run that allows {most}", usage.0);
        }
        if let Some(most) = limits.and_then(|limits| limits.added_tasks) {
            hold!(O10, usage.1 <= most, "{} added tasks of a run that allows {most}", usage.1);
        }
        self.is_consistent(applied, before)?;
        let waits = self.book.pause.is_some_and(|pause| pause.cause == PauseCause::NeedsEdit);
        self.forget_what_was_undone(&known);
        let changed = |task: &usize| {
            let book = &self.book.tasks[*task];
            book.stand == Stand::Gone || book.changed == revision
        };
        self.book.edits.wakes = waits && blocked.iter().any(changed);
        if self.book.state == RunState::Ready {
            self.book.state = RunState::Created;
        }
        Ok(())
    }

    /// A refused batch changes nothing, and somebody sent it.
    pub(super) fn rejected(&mut self, rejected: &RejectedEdit) -> Verdict {
        let (run, revision) = (self.run, self.book.edits.revision);
        hold!(O10, rejected.current.0 == revision, "run {run} is not at revision {}", rejected.current.0);
        hold!(O10, !rejected.rejections.is_empty(), "a batch is refused without a reason");
        self.is_refused(rejected)
    }

    /// A batch answers an active hold, one that closed, or none.
    fn answers_a_hold(&self, applied: &Applied) -> Verdict {
        let Some(answered) = applied.batch.hold else {
            hold!(O10, !applied.late, "a batch is late and answers no hold");
            return Ok(());
        };
        let holds = &self.book.holds;
        let open = holds.open.iter().find(|open| open.id == answered);
        let known = answered.0 >= 1 && answered.0 <= holds.count;
        let refused = self.book.settings.editor.as_ref();
        let refused = refused.is_some_and(|editor| editor.hold.late_edits == LateEdits::Refuse);
        let fits = match open {
            Some(open) => open.active.is_some() && !applied.late,
            None => known && applied.late && !refused,
        };
        hold!(O10, fits, "a batch is taken as an answer to hold {answered}, late: {}", applied.late);
        Ok(())
    }

    fn unstarted(&self, id: &str) -> Result<usize, Finding> {
        let found = self.book.names.get(id).copied();
        let found = found.filter(|at| self.book.tasks[*at].stand != Stand::Gone);
        let at = found.ok_or_else(|| (super::Oracle::O10, format!("an edit of {id}, which is no task")))?;
        let stand = self.book.tasks[at].stand;
        hold!(O3, stand == Stand::Pending, "an edit changes {id}: {stand:?}");
        Ok(at)
    }

    /// Applies one edit. Returns how many tasks it added.
    fn apply(
        &mut self,
        edit: &Edit,
        base: u64,
        revision: u64,
        policy: Option<&Policy>,
    ) -> Result<u64, Finding> {
        match edit {
            Edit::AddTask { task, after } => {
                self.add(task, None, revision, policy)?;
                for (from, kind) in after {
                    let edge = Dependency::success(from.clone(), task.id.clone()).with_kind(kind.clone());
                    self.join(&edge, None, base, revision)?;
                }
                return Ok(1);
            }
            Edit::UpdateTask { id, set } => {
                let at = self.unstarted(id.as_str())?;
                self.is_unchanged(at, base, revision)?;
                let book = &mut self.book.tasks[at];
                let mut spec = TaskSpec::clone(&book.spec);
                set.iter().for_each(|field| field.clone().exchange(&mut spec));
                if let Some(policy) = policy {
                    let pins = set.iter().any(|field| matches!(field, TaskField::Device(_)));
                    is_allowed(&spec, policy, pins)?;
                }
                book.spec = Arc::new(spec);
                // Whoever would not run what it was may run what it is.
                book.refused.retain(|_, until| *until != super::tasks::FOR_GOOD);
                book.changed = revision;
                // Another task than before: it asks again, and waits anew.
                book.gate = if book.spec.gate().is_some() { Gate::Closed } else { Gate::Open };
                (book.ready, book.held) = (None, None);
            }
            Edit::RemoveTask { id } => {
                let at = self.unstarted(id.as_str())?;
                self.is_unchanged(at, base, revision)?;
                self.remove(at);
            }
            Edit::AddDependency(edge) => self.join(edge, None, base, revision)?,
            Edit::UpdateDependency { edge, kind, note } => {
                let (to, nth) = self.edge(edge)?;
                self.is_edge_unchanged(to, nth, base, revision)?;
                let edge = &mut self.book.tasks[to].into[nth];
                edge.changed = revision;
                if let Some(kind) = kind.as_ref().filter(|kind| **kind != edge.kind) {
                    (edge.kind, edge.is_new) = (kind.clone(), true);
                }
                if let Some(note) = note {
                    edge.note = Some(Arc::clone(note)).filter(|note| !note.is_empty());
                }
                self.book.tasks[to].changed = revision;
            }
            Edit::RemoveDependency { edge } => {
                let (to, nth) = self.edge(edge)?;
                self.is_edge_unchanged(to, nth, base, revision)?;
                self.book.tasks[to].into.remove(nth);
                self.book.tasks[to].changed = revision;
            }
            Edit::Build { graph, clear_existing } => {
                if *clear_existing {
                    self.clear()?;
                }
                return self.add_graph(graph, base, revision, policy);
            }
            Edit::Clear => self.clear()?,
            Edit::Merge { graph, prefix } => {
                return self.add_graph(&renamed(graph, prefix), base, revision, policy);
            }
            Edit::Restore { tasks, dependencies } => {
                for (rank, task) in tasks {
                    self.add(task, Some(*rank), revision, None)?;
                }
                for (rank, edge) in dependencies {
                    self.join(edge, Some(*rank), base, revision)?;
                }
                return Ok(tasks.len() as u64);
            }
        }
        Ok(0)
    }

    fn clear(&mut self) -> Verdict {
        for at in self.book.present().collect::<Vec<_>>() {
            let (id, stand) = (&self.book.tasks[at].spec.id, self.book.tasks[at].stand);
            hold!(O3, stand == Stand::Pending, "an edit removes {id}: {stand:?}");
        }
        for at in self.book.present().collect::<Vec<_>>() {
            self.remove(at);
        }
        Ok(())
    }

    fn add_graph(
        &mut self,
        graph: &GraphSpec,
        base: u64,
        revision: u64,
        policy: Option<&Policy>,
    ) -> Result<u64, Finding> {
        for task in &graph.tasks {
            self.add(task, None, revision, policy)?;
        }
        for edge in &graph.dependencies {
            self.join(edge, None, base, revision)?;
        }
        Ok(graph.tasks.len() as u64)
    }

    fn add(
        &mut self,
        spec: &Arc<TaskSpec>,
        rank: Option<u32>,
        revision: u64,
        policy: Option<&Policy>,
    ) -> Verdict {
        if let Some(policy) = policy {
            is_allowed(spec, policy, true)?;
        }
        let edits = &mut self.book.edits;
        let given = rank.unwrap_or(edits.task_rank);
        edits.task_rank = edits.task_rank.max(given + 1);
        let mut book = TaskBook::new(Arc::clone(spec));
        (book.rank, book.changed) = (given, revision);
        match self.book.names.get(&spec.id).copied() {
            Some(at) => {
                let gone = &self.book.tasks[at];
                hold!(O10, gone.stand == Stand::Gone, "task {} is added twice", spec.id);
                // A name keeps counting: attempts of the task that had it before may still be heard of.
                (book.attempts, book.before) = (gone.attempts, gone.attempts);
                self.book.tasks[at] = book;
            }
            None => {
                self.book.names.insert(spec.id.clone(), self.book.tasks.len());
                self.book.tasks.push(book);
            }
        }
        Ok(())
    }

    fn remove(&mut self, at: usize) {
        let book = &mut self.book.tasks[at];
        (book.stand, book.planned, book.ready, book.held) = (Stand::Gone, None, None, None);
        book.into.clear();
        for task in &mut self.book.tasks {
            task.into.retain(|edge| edge.from != at);
        }
        for hold in &mut self.book.holds.open {
            hold.extended.retain(|extended| *extended != at);
        }
    }

    fn join(&mut self, edge: &Dependency, rank: Option<u32>, base: u64, revision: u64) -> Verdict {
        let to = match self.book.names.get(&edge.to) {
            // What comes back may have ended without running when it was gone.
            Some(at) if rank.is_some() && matches!(self.book.tasks[*at].stand, Stand::Ended(_)) => *at,
            _ => self.unstarted(edge.to.as_str())?,
        };
        let from = self.book.names.get(&edge.from).copied();
        let from = from.filter(|at| self.book.tasks[*at].stand != Stand::Gone);
        let Some(from) = from else {
            return Err((super::Oracle::O10, format!("an edge from {}, which is no task", edge.from)));
        };
        let changed = self.book.tasks[to].changed;
        hold!(O10, changed <= base || changed == revision, "{} was changed after revision {base}", edge.to);
        let plain = format!("{}->{}", edge.from, edge.to);
        let taken = |id: &str| self.book.tasks.iter().any(|task| task.into.iter().any(|edge| edge.id == id));
        let id = match &edge.id {
            Some(id) => {
                hold!(O10, !taken(id.as_str()), "a second edge {id}");
                id.to_string()
            }
            None if taken(&plain) => {
                (2..).map(|k| format!("{plain}#{k}")).find(|id| !taken(id)).unwrap_or_default()
            }
            None => plain,
        };
        let edits = &mut self.book.edits;
        edits.joined += 1;
        let joined = Some((edits.joined, rank));
        let (kind, note, named) = (edge.kind.clone(), edge.note.clone(), edge.id.is_some());
        let book = &mut self.book.tasks[to];
        book.changed = revision;
        book.into.push(Edge {
            from,
            kind,
            id,
            named,
            note,
            // Behind all others until the batch is done.
            rank: u32::MAX,
            joined,
            changed: revision,
            is_new: rank.is_none(),
        });
        Ok(())
    }

    /// Gives the edges that a batch added their ranks, in the order in which they were added; one that the batch
    /// itself took back has none.
    fn rank_edges(&mut self) {
        let edits = &mut self.book.edits;
        let mut added: Vec<&mut Edge> = self.book.tasks.iter_mut().flat_map(|task| &mut task.into).collect();
        added.retain(|edge| edge.joined.is_some());
        added.sort_by_key(|edge| edge.joined);
        for edge in added {
            let Some((_, rank)) = edge.joined.take() else { continue };
            edge.rank = rank.unwrap_or(edits.edge_rank);
            edits.edge_rank = edits.edge_rank.max(edge.rank + 1);
        }
    }

    /// An edge from a task that has ended is worth something, unless it was there before.
    fn can_be_satisfied(&mut self, revision: u64) -> Verdict {
        for to in self.book.present() {
            for edge in &self.book.tasks[to].into {
                let hopeless = edge.is_new && self.book.verdict(edge) == Some(false);
                hold!(
                    O10,
                    !hopeless,
                    "revision {revision} has an edge {} that can never be satisfied",
                    edge.id
                );
            }
        }
        self.book.tasks.iter_mut().flat_map(|task| &mut task.into).for_each(|edge| edge.is_new = false);
        Ok(())
    }

    /// What an edit of a batch changed and another one of the same batch changed back is as it was.
    fn forget_what_was_undone(&mut self, known: &[TaskBook]) {
        let plain = |edges: &[Edge]| -> Vec<Edge> {
            edges.iter().map(|edge| Edge { changed: 0, is_new: false, ..edge.clone() }).collect()
        };
        for (task, before) in self.book.tasks.iter_mut().zip(known) {
            if task.spec == before.spec
                && task.rank == before.rank
                && plain(&task.into) == plain(&before.into)
            {
                task.changed = before.changed;
                task.into.clone_from(&before.into);
            }
        }
        for task in 0..self.book.tasks.len() {
            if !self.book.is_ready(task, self.t) {
                (self.book.tasks[task].ready, self.book.tasks[task].held) = (None, None);
            }
        }
    }

    /// Who was asked about a task that has to wait again is asked anew later.
    fn withdraw_questions(&mut self) {
        for at in 0..self.book.tasks.len() {
            let waits = !self.book.is_satisfied(at) || self.book.tasks[at].backoff > self.t;
            if matches!(self.book.tasks[at].gate, Gate::Asked { .. }) && waits {
                self.book.tasks[at].gate = Gate::Closed;
            }
        }
    }

    fn edge(&self, named: &DependencyRef) -> Result<(usize, usize), Finding> {
        let mut found = Vec::new();
        for to in self.book.present() {
            for (nth, edge) in self.book.tasks[to].into.iter().enumerate() {
                let fits = match named {
                    DependencyRef::Id { id } => edge.id == id.as_str(),
                    DependencyRef::Ends { from, to: target } => {
                        self.book.tasks[edge.from].spec.id == *from && self.book.tasks[to].spec.id == *target
                    }
                };
                if fits {
                    found.push((to, nth));
                }
            }
        }
        let [(to, nth)] = found[..] else {
            return Err((super::Oracle::O10, format!("{named:?} names {} edges", found.len())));
        };
        let stand = self.book.tasks[to].stand;
        hold!(O3, stand == Stand::Pending, "an edit changes what a task waits for that is {stand:?}");
        Ok((to, nth))
    }

    fn is_unchanged(&self, at: usize, base: u64, revision: u64) -> Verdict {
        let (id, changed) = (&self.book.tasks[at].spec.id, self.book.tasks[at].changed);
        hold!(O10, changed <= base || changed == revision, "{id} was changed after revision {base}");
        Ok(())
    }

    fn is_edge_unchanged(&self, to: usize, nth: usize, base: u64, revision: u64) -> Verdict {
        self.is_unchanged(to, base, revision)?;
        let edge = &self.book.tasks[to].into[nth];
        let since = edge.changed;
        hold!(O10, since <= base || since == revision, "{} was changed after revision {base}", edge.id);
        Ok(())
    }

    /// Whether the tasks can be put in an order in which each comes after those it waits for.
    fn has_an_order(&self) -> Verdict {
        let mut waits: Vec<usize> = self.book.tasks.iter().map(|task| task.into.len()).collect();
        let mut free: Vec<usize> = self.book.present().filter(|task| waits[*task] == 0).collect();
        let mut ordered = 0;
        while let Some(at) = free.pop() {
            ordered += 1;
            for to in self.book.present() {
                let edges = self.book.tasks[to].into.iter().filter(|edge| edge.from == at).count();
                if edges > 0 {
                    waits[to] -= edges;
                    if waits[to] == 0 {
                        free.push(to);
                    }
                }
            }
        }
        let total = self.book.present().count();
        hold!(O2, ordered == total, "a commit closes a cycle in run {}", self.run);
        Ok(())
    }

    /// What was taken back is as it was, and what is brought back is as it had become.
    fn is_consistent(&mut self, applied: &Applied, before: Shape) -> Verdict {
        let (run, now) = (self.run, self.book.shape());
        let edits = &mut self.book.edits;
        match applied.origin {
            Origin::Edit | Origin::Rollback => {
                edits.undone.clear();
                // What changed nothing is not to be taken back.
                if !applied.inverse.is_empty() {
                    edits.done.push_back((before, now));
                }
                if edits.done.len() > HISTORY {
                    edits.done.pop_front();
                }
            }
            Origin::Undo => {
                let Some(taken) = edits.done.pop_back() else {
                    return Err((super::Oracle::O10, format!("run {run} takes back what was not done")));
                };
                hold!(O10, now == taken.0, "run {run} is not what it was before: {now:?} {:?}", taken.0);
                edits.undone.push(taken);
            }
            Origin::Redo => {
                let Some(taken) = edits.undone.pop() else {
                    return Err((
                        super::Oracle::O10,
                        format!("run {run} brings back what was not taken back"),
                    ));
                };
                hold!(O10, now == taken.1, "run {run} is not what it had become: {now:?} {:?}", taken.1);
                edits.done.push_back(taken);
            }
        }
        Ok(())
    }
}

/// Whether an editor may add or change a task so that it becomes this one.
fn is_allowed(spec: &TaskSpec, policy: &Policy, pins: bool) -> Verdict {
    let fits = |patterns: &Option<Vec<smol_str::SmolStr>>, text: &str| {
        patterns
            .as_ref()
            .is_none_or(|patterns| patterns.iter().any(|pattern| pattern == "*" || pattern == text))
    };
    let pinned = spec.pin().is_none_or(|device| fits(&policy.only.devices, device.as_str()));
    hold!(O10, !pins || pinned, "an editor pins {} to a device that is not allowed", spec.id);
    let asked =
        policy.require_approval.kinds.is_some() && fits(&policy.require_approval.kinds, spec.run.kind());
    let answered = spec.gate().is_some_and(|gate| gate.on_timeout == ApprovalTimeout::Reject);
    hold!(O7, !asked || answered, "an editor adds {} and nobody has to approve it", spec.id);
    Ok(())
}

fn renamed(graph: &GraphSpec, prefix: &str) -> GraphSpec {
    let own = |id: &str| graph.tasks.iter().any(|task| task.id.as_str() == id);
    let name = |id: &str| own(id).then(|| format!("{prefix}{id}"));
    let task_id =
        |id: &TaskId| name(id.as_str()).and_then(|id| TaskId::new(id).ok()).unwrap_or_else(|| id.clone());
    let tasks = graph.tasks.iter().map(|task| {
        let spec = rename_references(task, &name).unwrap_or_else(|_| TaskSpec::clone(task));
        Arc::new(TaskSpec { id: task_id(&task.id), ..spec })
    });
    let dependencies = graph.dependencies.iter().map(|edge| Dependency {
        id: edge.id.as_ref().and_then(|id| DependencyId::new(format!("{prefix}{id}")).ok()),
        from: task_id(&edge.from),
        to: task_id(&edge.to),
        ..edge.clone()
    });
    GraphSpec { tasks: tasks.collect(), dependencies: dependencies.collect(), ..GraphSpec::default() }
}
