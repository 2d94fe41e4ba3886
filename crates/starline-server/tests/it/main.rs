//! The server as its clients see it: real requests over loopback.

mod access;
mod batches;
mod commands;
mod forms;
mod limits;
mod looks;
mod smuggled;
mod streams;
mod submissions;
mod support;
