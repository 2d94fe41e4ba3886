//! The local device as an orchestrator sees it. Time is paused: it moves when everything waits.

mod attempts;
mod cancelling;
mod laws;
mod request;
