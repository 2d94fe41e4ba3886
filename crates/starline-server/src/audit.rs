//! What is refused at the door, for whoever keeps a record of it.

use std::fmt;
use std::net::IpAddr;

use crate::Scope;

/// A request that was refused before it was looked at.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Denial {
    /// What was wrong.
    pub reason: DenialReason,
    /// Where the request came from, if that is known.
    pub address: Option<IpAddr>,
    /// Whose token it had, if it had one that is known.
    pub principal: Option<String>,
}

impl Denial {
    /// A request of somebody unknown.
    #[must_use]
    pub fn new(reason: DenialReason, address: Option<IpAddr>) -> Self {
        Self { reason, address, principal: None }
    }
}

/// What was wrong with a request. Never what it had for a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DenialReason {
    /// It had no token.
    NoToken,
    /// Its header `Authorization` is not that of one bearer token.
    NotBearer,
    /// Nobody has its token.
    UnknownToken,
    /// Its address has failed too often in the last minute; its token was not looked at.
    Throttled,
    /// It was for another host.
    Host,
    /// It came from the page of somebody else.
    Origin,
    /// Its token does not allow that.
    Scope(Scope),
    /// It was to change something, and not as JSON: a form of a page, perhaps.
    Form,
    /// Its path is no text.
    Path,
}

impl DenialReason {
    /// The stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoToken => "no_token",
            Self::NotBearer => "not_bearer",
            Self::UnknownToken => "unknown_token",
            Self::Throttled => "throttled",
            Self::Host => "host",
            Self::Origin => "origin",
            Self::Scope(_) => "scope",
            Self::Form => "form",
            Self::Path => "path",
        }
    }
}

impl fmt::Display for DenialReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Keeps a record of requests that are refused at the door: see
/// [`ServerOptions::audit`](crate::ServerOptions::audit).
///
/// ```
/// use std::sync::Mutex;
/// use starline_server::{Audit, Denial};
///
/// #[derive(Debug, Default)]
/// struct Latest(Mutex<Option<Denial>>);
///
/// impl Audit for Latest {
///     fn note(&self, denial: &Denial) {
///         if let Ok(mut latest) = self.0.lock() {
///             *latest = Some(denial.clone());
///         }
///     }
/// }
/// ```
pub trait Audit: fmt::Debug + Send + Sync {
    /// A request was refused. Called for each one, and before it is answered: it must be quick, and it decides how much
    /// of a flood it keeps.
    fn note(&self, denial: &Denial);
}
