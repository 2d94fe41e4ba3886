//! Lines about editors and edits.
//!
//! An edit is written in words: `add X after=A run_timeout=3s`, `remove X`, `set X priority=75`, `link A B kind=completion
//! id=x note='…'`, `unlink A B` or `unlink ID`, `relink A B kind=completion`, `build` and `merge prefix=m_` with `+X` and
//! `A>B`, `clear`. Several are separated by `/`.

use std::sync::Arc;

use smol_str::SmolStr;
use starline_types::{
    Dependency, DependencyId, DependencyKind, DependencyRef, Edit, EditBatch, GraphSpec, HoldId, Payload,
    RequestId, Revision, TaskField, TaskSpec,
};

use super::parse::{duration, number};
use super::tasks::{TaskLines, task_id};
use super::words::Word;
use crate::{Reply, Saying, Speaker, Work};

type Read<T> = Result<T, String>;

/// What a line makes somebody say, and what it tells about the tasks that it adds.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) saying: Saying,
    pub(super) works: Vec<(String, Vec<Work>)>,
}

/// `h-2` or `2`.
pub(super) fn hold(text: &str) -> Read<HoldId> {
    number(text.strip_prefix("h-").unwrap_or(text)).map(HoldId)
}

/// Reads `edit …`, `check …`, `undo`, `redo`, `retry TASK`, `editor …`, `release H`, `extend H TASKS`, `clear holds` and
/// `holds last T`.
pub(super) fn said(words: &[Word]) -> Read<Option<Said>> {
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let only = |saying| Ok(Some(Said { saying, works: Vec::new() }));
    let by = speaker(words);
    let expect = named(words, "expect").map(number).transpose()?.map(Revision);
    match texts.first().copied() {
        Some("edit" | "check") => {
            let (header, edits, works) = batch(&words[1..])?;
            let check_only = texts[0] == "check";
            let has_base = named(words, "base").is_some();
            let batch = Arc::new(EditBatch { edits, ..header });
            let saying = if has_base || check_only {
                Saying::Submit { batch, by, check_only }
            } else {
                Saying::Now { batch, by }
            };
            Ok(Some(Said { saying, works }))
        }
        Some("undo") => only(Saying::Undo { expect, by }),
        Some("redo") => only(Saying::Redo { expect, by }),
        Some("retry") if texts.len() > 1 => only(Saying::Retry { task: texts[1].to_owned(), by }),
        Some("editor") => match texts.get(1).copied() {
            Some("attach") => only(Saying::Attach),
            Some("detach") => only(Saying::Detach),
            other => Err(format!("an editor attaches or detaches, not {other:?}")),
        },
        Some("release") if texts.len() == 2 => only(Saying::Release(hold(texts[1])?)),
        Some("extend") if texts.len() == 3 => {
            let tasks = texts[2].split(',').map(str::to_owned).collect();
            only(Saying::Extend { hold: hold(texts[1])?, tasks })
        }
        Some("clear") if texts[1..] == ["holds"] => only(Saying::ClearHolds),
        Some("holds") if texts.len() == 3 && texts[1] == "last" => only(Saying::Timeout(duration(texts[2])?)),
        _ => Ok(None),
    }
}

/// A reply, and by the names of tasks what they do in it.
pub(super) type Scripted = (Reply, Vec<(String, Vec<Work>)>);

/// Reads `answers after=T [EDITS]`: without edits the hold is released.
pub(super) fn reply(words: &[Word]) -> Read<Scripted> {
    let after = named(words, "after").map(duration).transpose()?.unwrap_or_default();
    let begin = words.iter().position(|word| word.name.is_none()).unwrap_or(words.len());
    let (header, edits) = words.split_at(begin);
    let header = header.iter().filter(|word| word.name.as_deref() != Some("after"));
    let rest: Vec<Word> = header.chain(edits).cloned().collect();
    if rest.is_empty() {
        return Ok((Reply { after, batch: None }, Vec::new()));
    }
    let (header, edits, works) = batch(&rest)?;
    Ok((Reply { after, batch: Some(EditBatch { edits, ..header }) }, works))
}

fn named<'w>(words: &'w [Word], name: &str) -> Option<&'w str> {
    words.iter().find(|word| word.name.as_deref() == Some(name)).map(|word| word.text.as_str())
}

fn speaker(words: &[Word]) -> Speaker {
    if named(words, "by") == Some("editor") { Speaker::Editor } else { Speaker::Operator }
}

type Batch = (EditBatch, Vec<Edit>, Vec<(String, Vec<Work>)>);

/// What stands before the first bare word belongs to the batch; then the edits follow, separated by `/`.
fn batch(words: &[Word]) -> Read<Batch> {
    let mut header = EditBatch::default();
    let begin =
        words.iter().position(|word| word.name.is_none() && word.text != "keep_open").unwrap_or(words.len());
    for Word { name, text } in &words[..begin] {
        match name.as_deref() {
            Some("base") => header.base = Revision(number(text)?),
            Some("hold") => header.hold = Some(hold(text)?),
            Some("request") => header.request = RequestId::new(text).ok(),
            Some("reason") => header.reason = Some(text.clone()),
            Some("by") => {}
            None => header.keep_open = true,
            Some(other) => return Err(format!("a batch has no {other}")),
        }
    }
    let (mut edits, mut works) = (Vec::new(), Vec::new());
    for part in words[begin..].split(|word| word.name.is_none() && word.text == "/") {
        if !part.is_empty() {
            edits.extend(edit(part, &mut works)?);
        }
    }
    Ok((header, edits, works))
}

fn edit(words: &[Word], works: &mut Vec<(String, Vec<Work>)>) -> Read<Vec<Edit>> {
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let operand = |at: usize| {
        let word = words.get(at).filter(|word| word.name.is_none());
        word.map(|word| word.text.as_str()).ok_or("an edit lacks a name")
    };
    Ok(match texts[0] {
        "add" => {
            let mut draft = TaskLines::default();
            draft.read_task(&words[1..])?;
            works.append(&mut draft.works);
            let task = draft.tasks.pop().ok_or("a task is missing")?;
            let after = draft.edges.into_iter().map(|edge| (edge.from, edge.kind)).collect();
            vec![Edit::AddTask { task: Arc::new(task), after }]
        }
        "fill" => {
            // Many tasks at once, to reach a limit.
            let count: u32 = number(operand(1)?)?;
            let add = |at: u32| -> Read<Edit> {
                let task = TaskSpec::new(task_id(&format!("n{at}"))?, Payload::Noop);
                Ok(Edit::AddTask { task: Arc::new(task), after: Vec::new() })
            };
            (0..count).map(add).collect::<Read<_>>()?
        }
        "remove" => vec![Edit::RemoveTask { id: task_id(operand(1)?)? }],
        "set" => {
            let id = task_id(operand(1)?)?;
            let mut draft = TaskLines::default();
            draft.read_task(&words[1..])?;
            let changed = draft.tasks.pop().ok_or("a task is missing")?;
            if named(words, "takes").is_some() {
                works.append(&mut draft.works);
            }
            let mut plain = TaskLines::default();
            plain.read_task(&words[1..2])?;
            let before = plain.tasks.pop().ok_or("a task is missing")?;
            let mut set = TaskField::differences(&before, &changed);
            if let Some(text) = named(words, "description") {
                set.push(TaskField::Description(text.to_owned()));
            }
            vec![Edit::UpdateTask { id, set }]
        }
        "link" => vec![Edit::AddDependency(dependency(words)?)],
        "relink" => vec![Edit::UpdateDependency {
            edge: edge(&texts, words)?,
            kind: named(words, "kind").map(kind).transpose()?,
            note: named(words, "note").map(Arc::from),
        }],
        "unlink" => vec![Edit::RemoveDependency { edge: edge(&texts, words)? }],
        "clear" => vec![Edit::Clear],
        "build" => {
            let clear_existing = named(words, "existing") != Some("kept");
            vec![Edit::Build { graph: Arc::new(graph(&words[1..])?), clear_existing }]
        }
        "merge" => {
            let prefix = SmolStr::new(named(words, "prefix").unwrap_or_default());
            vec![Edit::Merge { graph: Arc::new(graph(&words[1..])?), prefix }]
        }
        other => return Err(format!("no edit is called {other:?}")),
    })
}

fn kind(text: &str) -> Read<DependencyKind> {
    Ok(match text {
        "success" => DependencyKind::Success,
        "failure" => DependencyKind::Failure,
        "completion" => DependencyKind::Completion,
        condition => DependencyKind::When(condition.into()),
    })
}

fn dependency(words: &[Word]) -> Read<Dependency> {
    let [_, from, to, ..] = words else { return Err("an edge needs two ends".into()) };
    let mut edge = Dependency::success(task_id(&from.text)?, task_id(&to.text)?);
    edge.kind = named(words, "kind").map(kind).transpose()?.unwrap_or_default();
    edge.note = named(words, "note").map(Arc::from);
    edge.id = named(words, "id").and_then(|id| DependencyId::new(id).ok());
    Ok(edge)
}

fn edge(texts: &[&str], words: &[Word]) -> Read<DependencyRef> {
    let bare = words.iter().filter(|word| word.name.is_none()).count();
    match (bare, texts) {
        (3, [_, from, to, ..]) => Ok(DependencyRef::Ends { from: task_id(from)?, to: task_id(to)? }),
        (2, [_, id, ..]) => {
            let id = DependencyId::new(*id).map_err(|error| error.to_string())?;
            Ok(DependencyRef::Id { id })
        }
        _ => Err("an edge is named by its ends or by its id".into()),
    }
}

/// Tasks `+X` and edges `A>B`.
fn graph(words: &[Word]) -> Read<GraphSpec> {
    let mut graph = GraphSpec::default();
    for word in words.iter().filter(|word| word.name.is_none()) {
        match (word.text.strip_prefix('+'), word.text.split_once('>')) {
            (Some(id), _) => graph.tasks.push(Arc::new(TaskSpec::new(task_id(id)?, Payload::Noop))),
            (None, Some((from, to))) => {
                graph.dependencies.push(Dependency::success(task_id(from)?, task_id(to)?));
            }
            (None, None) => return Err(format!("{:?} is neither +TASK nor FROM>TO", word.text)),
        }
    }
    Ok(graph)
}
