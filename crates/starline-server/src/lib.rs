#![doc = include_str!("../README.md")]

mod answer;
mod app;
mod audit;
mod batch;
mod command;
mod edits;
mod guard;
mod histogram;
mod history;
mod metrics;
mod observe;
mod openapi;
mod operation;
mod options;
mod principal;
mod server;
mod stream;
mod submit;
mod throttle;
mod timing;
mod token;
mod waits;

pub use audit::{Audit, Denial, DenialReason};
pub use openapi::openapi;
pub use operation::Operation;
pub use options::{BindError, ServerOptions};
pub use principal::{Access, Principal, Scope};
pub use server::{ConnectionFile, Server};
pub use submit::{Submission, SubmitFailure, Submitter};
pub use token::{Token, TokenDigest, TokenError};

pub use starline_bus::EventBus;
pub use starline_orchestrator::{Orchestrator, Run, RunError, SubmitError};
pub use starline_workflow::Problem;
