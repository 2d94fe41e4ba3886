//! Figures in the text format of Prometheus. No label ever names a run or a task.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use starline_orchestrator::Timings;
use starline_types::{DeviceStatus, Event, EventKind, RunState};

use crate::answer::Answer;
use crate::app::App;
use crate::histogram::{fine_samples, seconds};
use crate::timing::Figures;

/// Codes of faults that are counted apart: there are fewer than that, so this bounds what a bug could add.
const CODES: usize = 64;

/// What is counted while it happens.
#[derive(Debug)]
pub(crate) struct Counters {
    /// By kind.
    events: Vec<AtomicU64>,
    /// By code.
    rejected: Mutex<BTreeMap<String, u64>>,
    /// By what was wrong.
    refused: Mutex<BTreeMap<&'static str, u64>>,
    /// Places of graphs with execution state.
    states: AtomicU64,
    /// By the first digit of the status.
    answers: [AtomicU64; 6],
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            events: EventKind::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            rejected: Mutex::default(),
            refused: Mutex::default(),
            states: AtomicU64::new(0),
            answers: Default::default(),
        }
    }
}

impl Counters {
    /// A fact was published.
    pub(crate) fn count(&self, event: &Event) {
        if let Some(counter) = self.events.get(event.kind() as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        if let Event::EditRejected(rejected) = event {
            rejected
                .rejections
                .iter()
                .filter_map(|fault| fault["code"].as_str())
                .for_each(|code| self.reject(code));
        }
    }

    /// A batch has a fault.
    pub(crate) fn reject(&self, code: &str) {
        let mut counts = self.rejected.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() < CODES || counts.contains_key(code) {
            *counts.entry(code.to_owned()).or_default() += 1;
        }
    }

    /// A graph had execution state in so many places.
    pub(crate) fn ignore_states(&self, places: usize) {
        self.states.fetch_add(places as u64, Ordering::Relaxed);
    }

    /// A request was refused at the door.
    pub(crate) fn refuse(&self, what: &'static str) {
        let mut counts = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(what).or_default() += 1;
    }

    /// A request was answered.
    pub(crate) fn answer(&self, status: StatusCode) {
        if let Some(counter) = self.answers.get(usize::from(status.as_u16() / 100)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn of(&self, kind: EventKind) -> u64 {
        self.events.get(kind as usize).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }
}

/// Text in the making.
#[derive(Debug, Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        // Writing to a text cannot fail.
        let _ = writeln!(self.0, "{line}");
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: impl fmt::Display) {
        self.family(name, kind, help);
        self.line(format_args!("{name} {value}"));
    }
}

const RUN_STATES: [RunState; 8] = [
    RunState::Created,
    RunState::Ready,
    RunState::Executing,
    RunState::Paused,
    RunState::Completed,
    RunState::PartiallyFailed,
    RunState::Failed,
    RunState::Cancelled,
];

pub(crate) async fn metrics(State(app): State<App>) -> Answer {
    let mut page = Page::default();
    runs(&app, &mut page);
    counters(&app.log.counters, &mut page);
    app.log.timings.read(|figures| times(figures, &mut page));
    let Timings { edit_check, journal_append, .. } = app.orchestrator.timings();
    let steps = [
        ("edit_check_time", "From a batch at the owner of its graph to its verdict", edit_check),
        ("journal_append", "From facts of a run to the answer of the journal that has them", journal_append),
    ];
    for (name, help, histogram) in steps {
        let name = format!("starline_{name}_seconds");
        page.family(&name, "histogram", help);
        page.line(format_args!("{}", fine_samples(&name, &histogram)));
    }
    let (ready, held) = app.log.timings.census();
    page.single("starline_tasks_ready", "gauge", "Tasks that wait for nothing but a device", ready);
    page.single("starline_tasks_held", "gauge", "Tasks that would, if no hold covered them", held);
    let lag = app.observing.largest_backlog();
    let help = "Facts that wait for the subscriber that is furthest behind";
    page.single("starline_subscriber_lag", "gauge", help, lag);
    let devices = app.orchestrator.fleet().devices().await?;
    page.family("starline_device_up", "gauge", "Whether a device is connected");
    for device in &devices {
        let down = matches!(
            device.status,
            DeviceStatus::Disconnected | DeviceStatus::Failed | DeviceStatus::Connecting
        );
        page.line(format_args!("starline_device_up{{device=\"{}\"}} {}", device.profile.id, u8::from(!down)));
    }
    page.family("starline_device_slots", "gauge", "Attempts that a device takes at the same time");
    for device in &devices {
        let (id, slots) = (&device.profile.id, device.profile.slots);
        page.line(format_args!("starline_device_slots{{device=\"{id}\"}} {slots}"));
    }
    page.family("starline_device_slots_busy", "gauge", "Live attempts on a device, of all runs");
    for device in &devices {
        let id = &device.profile.id;
        page.line(format_args!("starline_device_slots_busy{{device=\"{id}\"}} {}", device.running));
    }
    let streams = app.open_streams.load(Ordering::Relaxed);
    page.single("starline_event_streams", "gauge", "Event streams that are open", streams);
    let mut response = Response::new(Body::from(page.0));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

/// How long things took in runs.
fn times(figures: &Figures, page: &mut Page) {
    let histograms = [
        ("dispatch_latency", "From ready and not held to assigned", &figures.dispatch_latency),
        ("queue_time", "Waits for a device, without holds, pauses and retry delays", &figures.queue_time),
        ("hold_time", "From the begin of a hold to its end", &figures.hold_time),
        (
            "edit_turnaround",
            "From a hold at its editor to a commit that answers it",
            &figures.edit_turnaround,
        ),
        ("cancel_confirm", "From asking an attempt to stop to its certain end", &figures.cancel_confirm),
    ];
    for (name, help, histogram) in histograms {
        let name = format!("starline_{name}_seconds");
        page.family(&name, "histogram", help);
        page.line(format_args!("{}", histogram.samples(&name)));
    }
    let help = "Runs whose graphs were too large to measure how long their tasks wait";
    page.single("starline_runs_unmeasured_total", "counter", help, figures.unmeasured);
    page.family("starline_retries_total", "counter", "Retries, by the kind of the error before");
    for (kind, count) in &figures.retries {
        page.line(format_args!("starline_retries_total{{kind=\"{kind}\"}} {count}"));
    }
    page.family(
        "starline_results_ignored_total",
        "counter",
        "Reports that belonged to no live attempt, by reason",
    );
    for (reason, count) in &figures.ignored {
        page.line(format_args!("starline_results_ignored_total{{reason=\"{reason}\"}} {count}"));
    }
    page.family("starline_runs_ended_total", "counter", "Runs that have ended, by state");
    for state in RUN_STATES.into_iter().filter(|state| state.is_terminal()) {
        let count = figures.ended.get(&state).copied().unwrap_or_default();
        page.line(format_args!("starline_runs_ended_total{{state=\"{state}\"}} {count}"));
    }
    let took = seconds(figures.run_time);
    page.single("starline_run_time_seconds_total", "counter", "Time of the runs that have ended", took);
}

fn runs(app: &App, page: &mut Page) {
    let runs = app.orchestrator.runs();
    page.family("starline_runs", "gauge", "Runs by state");
    for state in RUN_STATES {
        let count = runs.iter().filter(|run| run.state == state).count();
        page.line(format_args!("starline_runs{{state=\"{state}\"}} {count}"));
    }
    let live: u64 = runs.iter().map(|run| u64::from(run.counts.running)).sum();
    page.single("starline_live_attempts", "gauge", "Live attempts of all runs", live);
}

fn counters(counters: &Counters, page: &mut Page) {
    page.family("starline_events_total", "counter", "Facts published, by kind");
    for kind in EventKind::ALL {
        page.line(format_args!("starline_events_total{{kind=\"{}\"}} {}", kind.as_str(), counters.of(*kind)));
    }
    let committed = counters.of(EventKind::EditCommitted);
    page.single("starline_edits_committed_total", "counter", "Batches of edits in force", committed);
    page.family("starline_edits_rejected_total", "counter", "Faults of refused batches, by code");
    for (code, count) in &*counters.rejected.lock().unwrap_or_else(PoisonError::into_inner) {
        page.line(format_args!("starline_edits_rejected_total{{code=\"{code}\"}} {count}"));
    }
    let states = counters.states.load(Ordering::Relaxed);
    let help = "Places of graphs that said how far tasks have got";
    page.single("starline_edits_state_ignored_total", "counter", help, states);
    page.family("starline_http_refused_total", "counter", "Requests refused before they were looked at");
    for (what, count) in &*counters.refused.lock().unwrap_or_else(PoisonError::into_inner) {
        page.line(format_args!("starline_http_refused_total{{reason=\"{what}\"}} {count}"));
    }
    page.family("starline_http_answers_total", "counter", "Requests answered, by class of status");
    for (class, count) in counters.answers.iter().enumerate().skip(2) {
        let count = count.load(Ordering::Relaxed);
        page.line(format_args!("starline_http_answers_total{{class=\"{class}xx\"}} {count}"));
    }
}
