#![doc = include_str!("../README.md")]

#[cfg(all(feature = "orchestrator", feature = "strategies"))]
mod wiring;

#[cfg(feature = "agent")]
pub use starline_agent as agent;
pub use starline_assign as assign;
#[cfg(feature = "blobs")]
pub use starline_blobs as blobs;
#[cfg(feature = "orchestrator")]
pub use starline_bus as bus;
pub use starline_device as device;
pub use starline_edit as edit;
pub use starline_event as event;
pub use starline_graph as graph;
pub use starline_journal as journal;
#[cfg(feature = "journal-redb")]
pub use starline_journal_redb as journal_redb;
#[cfg(feature = "orchestrator")]
pub use starline_orchestrator as orchestrator;
pub use starline_planner as planner;
#[cfg(feature = "report")]
pub use starline_report as report;
pub use starline_scheduler as scheduler;
#[cfg(feature = "server")]
pub use starline_server as server;
#[cfg(feature = "sim")]
pub use starline_sim as sim;
#[cfg(feature = "strategies")]
pub use starline_strategies as strategies;
#[cfg(feature = "transport-local")]
pub use starline_transport_local as transport_local;
#[cfg(feature = "transport-process")]
pub use starline_transport_process as transport_process;
pub use starline_types as types;
#[cfg(feature = "workflow")]
pub use starline_workflow as workflow;

#[cfg(all(feature = "orchestrator", feature = "strategies"))]
pub use wiring::{embedded, with_journal};
