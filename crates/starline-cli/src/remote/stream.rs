//! The facts of a run as they come: server-sent events.

use reqwest::Response;
use serde::Deserialize;
use starline::types::Envelope;

use super::Remote;
use super::client::lost;
use crate::failure::Failure;

/// Largest event that is read, in bytes: a graph is in the first one.
const LIMIT: usize = 256 << 20;

/// What a stream tells.
#[derive(Debug)]
pub(crate) enum Fact {
    /// A fact, or output of a task.
    Event(Box<Envelope>),
    /// Facts that the server has not kept.
    Gap { from: u64, to: u64 },
}

#[derive(Deserialize)]
struct Gap {
    from: u64,
    to: u64,
}

/// The facts of a run.
#[derive(Debug)]
pub(crate) struct Facts {
    response: Response,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were read.
    read: usize,
    /// Bytes of the buffer that were searched for the end of a line.
    searched: usize,
    name: String,
    data: String,
}

impl Facts {
    /// Opens the stream behind a number.
    ///
    /// # Errors
    /// The server is gone, or refuses.
    pub(crate) async fn open(remote: &Remote, after: u64) -> Result<Self, Failure> {
        let response = remote.client.open(&remote.path(&format!("/events?after={after}"))).await?;
        Ok(Self {
            response,
            buffer: Vec::new(),
            read: 0,
            searched: 0,
            name: String::new(),
            data: String::new(),
        })
    }

    /// The next fact; `None` at the end of the run or of the server.
    ///
    /// # Errors
    /// The connection broke, or what came is no fact.
    pub(crate) async fn next(&mut self) -> Result<Option<Fact>, Failure> {
        loop {
            while let Some(line) = self.line() {
                if let Some(fact) = self.take(&line)? {
                    return Ok(Some(fact));
                }
            }
            if self.buffer.len() + self.data.len() > LIMIT {
                return Err(broken("it is too large"));
            }
            match self.response.chunk().await.map_err(|error| lost(&error))? {
                Some(bytes) => self.buffer.extend_from_slice(&bytes),
                None => return Ok(None),
            }
        }
    }

    /// Whether more has come that can be read without waiting.
    pub(crate) fn has_more(&self) -> bool {
        self.buffer[self.searched..].contains(&b'\n')
    }

    fn line(&mut self) -> Option<String> {
        let end = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n');
        let Some(end) = end.map(|end| self.searched + end) else {
            // What was read goes at once, and not line by line.
            self.buffer.drain(..self.read);
            (self.read, self.searched) = (0, self.buffer.len());
            return None;
        };
        let line = &self.buffer[self.read..end];
        let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned();
        (self.read, self.searched) = (end + 1, end + 1);
        Some(line)
    }

    /// Takes a line in; an empty one ends an event.
    fn take(&mut self, line: &str) -> Result<Option<Fact>, Failure> {
        if line.is_empty() {
            let (name, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
            return if data.is_empty() { Ok(None) } else { fact(&name, &data).map(Some) };
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            // Comments keep the connection awake, and the number stands in the fact itself.
            _ => {}
        }
        Ok(None)
    }
}

fn fact(name: &str, data: &str) -> Result<Fact, Failure> {
    let read = if name == "gap" {
        serde_json::from_str(data).map(|Gap { from, to }| Fact::Gap { from, to })
    } else {
        serde_json::from_str(data).map(|envelope| Fact::Event(Box::new(envelope)))
    };
    read.map_err(|error| broken(&error.to_string()))
}

fn broken(why: &str) -> Failure {
    let message = format!("the server sends what is no fact of this version: {why}");
    Failure::new(crate::exit::Exit::Infrastructure, "stream", message)
}
