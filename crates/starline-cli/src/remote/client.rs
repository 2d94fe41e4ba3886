//! Requests to one server.

use std::time::Duration;

use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use starline::server::{ConnectionFile, Token};

use crate::exit::Exit;
use crate::failure::Failure;

/// How long a server on this machine may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest time until a process says whether it is there.
const PROBE: Duration = Duration::from_secs(3);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(60);

/// A server and the right to use it.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: Token,
}

impl Client {
    /// A client of the server that wrote the file.
    ///
    /// # Errors
    /// The system is in the way.
    pub(crate) fn new(connection: &ConnectionFile) -> Result<Self, Failure> {
        let http = reqwest::Client::builder().no_proxy().connect_timeout(CONNECT).build();
        let http =
            http.map_err(|error| Failure::infrastructure("client", "failed to make a client", &error))?;
        Ok(Self { http, base: format!("http://{}", connection.address), token: connection.token.clone() })
    }

    /// The same client with the rights of another token.
    pub(crate) fn with_token(self, token: Token) -> Self {
        Self { token, ..self }
    }

    /// Asks.
    ///
    /// # Errors
    /// The server is gone, or refuses.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.answer(self.http.get(self.url(path)).timeout(ANSWER)).await
    }

    /// Asks whether anybody answers: one that does not at once is stopped, or stuck.
    ///
    /// # Errors
    /// The server is gone, does not answer, or refuses.
    pub(crate) async fn probe(&self, path: &str) -> Result<Value, Failure> {
        self.answer(self.http.get(self.url(path)).timeout(PROBE)).await
    }

    /// Has something done.
    ///
    /// # Errors
    /// The server is gone, or refuses.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.post_bytes(path, body.to_string().into_bytes(), None).await
    }

    /// The same with a body as it is, and with a key that makes a resend safe.
    ///
    /// # Errors
    /// The server is gone, or refuses.
    pub(crate) async fn post_bytes(
        &self,
        path: &str,
        body: Vec<u8>,
        key: Option<&str>,
    ) -> Result<Value, Failure> {
        let request = self.http.post(self.url(path)).timeout(ANSWER);
        let request = request.header("content-type", "application/json").body(body);
        let request = match key {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        };
        self.answer(request).await
    }

    /// Opens a stream.
    ///
    /// # Errors
    /// The server is gone, or refuses.
    pub(crate) async fn open(&self, path: &str) -> Result<Response, Failure> {
        self.send(self.http.get(self.url(path))).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Value, Failure> {
        let bytes = self.send(request).await?.bytes().await.map_err(|error| lost(&error))?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Failure::infrastructure("answer", "the answer of the server is no JSON", &error))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.bearer_auth(self.token.reveal()).send().await.map_err(|error| lost(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let bytes = response.bytes().await.map_err(|error| lost(&error))?;
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| {
            json!({"error": "refused", "message": format!("the server answers {status} without a reason")})
        });
        Err(Failure::Answer { exit: exit(status), body })
    }
}

/// What the exit code says of a refusal.
fn exit(status: StatusCode) -> Exit {
    match status {
        StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => Exit::Refused,
        StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::PAYLOAD_TOO_LARGE => Exit::Invalid,
        _ => Exit::Infrastructure,
    }
}

/// The server does not answer any more.
pub(super) fn lost(error: &reqwest::Error) -> Failure {
    Failure::infrastructure("no_orchestrator", "the process of the run does not answer", error)
}

/// A text as one part of an address.
pub(crate) fn segment(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let written =
        |byte: &u8| if plain(byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") };
    text.as_bytes().iter().map(written).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_addresses_hold_any_text() {
        assert_eq!(segment("scan_b"), "scan_b");
        assert_eq!(segment("a/b#2 ü"), "a%2Fb%232%20%C3%BC");
    }
}
