//! The facts of a run as server-sent events.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use starline_event::{Envelope, RunId, Seq};
use starline_orchestrator::Run;
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::answer::{Answer, Refused};
use crate::app::App;
use crate::history::{Cursor, Entry, RunHistory};

/// Entries that are written in one piece.
const AT_ONCE: usize = 64;

/// Where a stream begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct After {
    after: Option<u64>,
}

pub(crate) async fn events(
    State(app): State<App>,
    Path(run): Path<String>,
    query: Result<Query<After>, QueryRejection>,
    headers: HeaderMap,
) -> Answer {
    let Query(query) = query.map_err(|error| Refused::bad_request("invalid_query", error.body_text()))?;
    // Who connects again keeps its address, and says in the header how far it is.
    let after = query.after.unwrap_or(0).max(last_event_id(&headers)?.unwrap_or(0));
    let (history, run) = if run == RunId::system().as_str() {
        (app.log.run(&RunId::system(), Seq(0), false), None)
    } else {
        let run = app.run(&run)?;
        let status = run.status();
        (app.log.run(run.id(), status.seq, status.state.is_terminal()), Some(run))
    };
    let Ok(place) = Arc::clone(&app.streams).try_acquire_owned() else {
        let max = app.options.streams;
        let message = format!("{max} event streams are open");
        let refused = Refused::new(StatusCode::TOO_MANY_REQUESTS, "limit_exceeded", message);
        return Err(refused.with("max", max).retry_after(5));
    };
    let reader = Reader {
        cursor: history.after(Seq(after)),
        changed: history.watch(),
        stop: app.stop.subscribe(),
        heartbeat: app.options.heartbeat,
        history,
        run,
        found: VecDeque::new(),
        begun: false,
        over: false,
        _open: Open::new(app, place),
    };
    let body = Body::from_stream(stream::unfold(reader, |mut reader| async move {
        let piece = reader.next().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), reader))
    }));
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(response)
}

/// Where a reader was that comes back, as its library says it.
fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Refused> {
    let mut values = headers.get_all("last-event-id").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let digits = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.to_str().ok().filter(digits).and_then(|text| text.parse().ok());
    number.filter(|_| values.next().is_none()).map(Some).ok_or_else(|| {
        // Taken for none, it would tell everything once more.
        let message =
            "Last-Event-ID is the id of one event: a number; without it a stream begins at the start";
        Refused::bad_request("invalid_header", message)
    })
}

/// Counts a stream for as long as it is open.
#[derive(Debug)]
struct Open {
    app: App,
    _place: OwnedSemaphorePermit,
}

impl Open {
    fn new(app: App, place: OwnedSemaphorePermit) -> Self {
        app.open_streams.fetch_add(1, Ordering::Relaxed);
        Self { app, _place: place }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.app.open_streams.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Reader {
    history: Arc<RunHistory>,
    /// The run, whose journal has what is not in memory any more.
    run: Option<Run>,
    /// What was found and is not written yet.
    found: VecDeque<Entry>,
    cursor: Cursor,
    changed: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
    heartbeat: Duration,
    begun: bool,
    over: bool,
    _open: Open,
}

impl Reader {
    /// The next piece of the stream; none at its end.
    async fn next(&mut self) -> Option<Bytes> {
        if self.over {
            return None;
        }
        if !self.begun {
            // Says at once that the stream is open, whenever the next fact comes.
            self.begun = true;
            return Some(Bytes::from_static(b": open\n\n"));
        }
        loop {
            self.changed.mark_unchanged();
            if self.found.is_empty() {
                self.found.extend(self.history.read(&mut self.cursor, AT_ONCE));
            }
            if !self.found.is_empty() {
                self.fill().await;
                let mut piece = Vec::new();
                for entry in self.found.drain(..) {
                    self.over |= matches!(entry, Entry::End);
                    write(&entry, &mut piece);
                }
                return (!piece.is_empty()).then(|| Bytes::from(piece));
            }
            if *self.stop.borrow() {
                return None;
            }
            tokio::select! {
                changed = self.changed.changed() => changed.ok()?,
                stopped = self.stop.changed() => stopped.ok()?,
                () = tokio::time::sleep(self.heartbeat) => return Some(Bytes::from_static(b": still here\n\n")),
            }
        }
    }
}

impl Reader {
    /// Puts facts of the journal in the place of a gap at the front: as many as are written in one piece.
    async fn fill(&mut self) {
        let (Some(Entry::Gap { from, to }), Some(run)) = (self.found.front(), &self.run) else { return };
        let (from, to) = (*from, *to);
        let kept = run.records(from.0.checked_sub(1).map(Seq), AT_ONCE).await;
        let facts = kept.unwrap_or_else(|error| {
            tracing::warn!(run = %run.id(), %error, "facts that are missing cannot be read from the journal");
            Vec::new()
        });
        let facts: Vec<_> = facts.into_iter().take_while(|fact| fact.seq <= to).collect();
        let Some(last) = facts.last().map(|fact| fact.seq) else { return };
        let rest = self.found.split_off(1);
        self.found = facts.into_iter().map(|fact| Entry::Fact(Arc::new(Envelope::clone(&fact)))).collect();
        if last < to {
            // The rest of the gap is looked for next time, and what is behind it again after that.
            self.cursor = self.history.after(last);
        } else {
            self.found.extend(rest);
        }
    }
}

/// An entry as an event. JSON has no line breaks outside of texts, where they are escaped.
fn write(entry: &Entry, into: &mut Vec<u8>) {
    let (id, kind, data) = match entry {
        Entry::Fact(fact) => (Some(fact.seq), fact.event.kind().as_str(), serde_json::to_vec(&**fact)),
        // Without an id: who comes back after it would miss nothing that is numbered.
        Entry::Progress(piece) => (None, piece.event.kind().as_str(), serde_json::to_vec(&**piece)),
        Entry::Gap { from, to } => (Some(*to), "gap", serde_json::to_vec(&json!({"from": from, "to": to}))),
        Entry::End => return,
    };
    let data = match data {
        Ok(data) => data,
        Err(error) => {
            tracing::error!(%error, "a fact could not be written");
            return;
        }
    };
    if let Some(id) = id {
        into.extend_from_slice(format!("id: {}\n", id.0).as_bytes());
    }
    into.extend_from_slice(format!("event: {kind}\ndata: ").as_bytes());
    into.extend_from_slice(&data);
    into.extend_from_slice(b"\n\n");
}
