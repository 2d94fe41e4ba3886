//! What a server is told.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::{Audit, Principal, Submitter, Token, TokenError};

/// What a server is told. The default listens on loopback, on a port that the system chooses.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerOptions {
    /// Where to listen.
    pub address: SocketAddr,
    /// Permits an address other than loopback although there is no TLS; a warning is logged every minute.
    pub insecure_bind: bool,
    /// Token of the operator; made of 256 random bits if there is none.
    pub token: Option<Token>,
    /// Further tokens, by their digests.
    pub principals: Vec<Principal>,
    /// Further values of `Host`, with their port: those that a proxy passes on, say. Loopback names and the address
    /// itself are always allowed.
    pub allowed_hosts: Vec<String>,
    /// What turns a workflow into a run; without it, runs cannot be submitted here.
    pub submitter: Option<Arc<dyn Submitter>>,
    /// Who keeps a record of requests that are refused at the door; without it they are counted, and logged as far as
    /// there is room.
    pub audit: Option<Arc<dyn Audit>>,
    /// Largest body of a request, in bytes; 4 MiB. A larger one is refused with 413.
    pub body_limit: usize,
    /// Longest time that a body may take to arrive; 30 s. After it the request is refused with 408.
    pub body_timeout: Duration,
    /// Facts kept of each run for readers that come late; 16,384. Older ones are a gap to them.
    pub history: usize,
    /// Connections at the same time; 2,048. More wait until one is closed.
    pub connections: usize,
    /// Event streams at the same time; 1,000. More are refused with 429.
    pub streams: usize,
    /// Longest silence of an event stream, after which a comment is sent; 15 s.
    pub heartbeat: Duration,
    /// Failed authentications in a minute from one address, after which all of its requests are refused with 429; 10.
    pub failures: u32,
    /// How long open requests may take after the shutdown began; 5 s.
    pub grace: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            insecure_bind: false,
            token: None,
            principals: Vec::new(),
            allowed_hosts: Vec::new(),
            submitter: None,
            audit: None,
            body_limit: 4 * 1024 * 1024,
            body_timeout: Duration::from_secs(30),
            history: 16_384,
            connections: 2_048,
            streams: 1_000,
            heartbeat: Duration::from_secs(15),
            failures: 10,
            grace: Duration::from_secs(5),
        }
    }
}

/// Why a server does not listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The address can be reached from elsewhere, and there is no TLS.
    #[error("address {0} is not loopback and there is no TLS: use a loopback address, or insecure_bind")]
    NotLoopback(SocketAddr),
    /// The system refused the address.
    #[error("cannot listen on {address}")]
    Io {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// No token could be made.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// Whether an address can be reached from this machine alone.
pub(crate) fn is_loopback(address: IpAddr) -> bool {
    // An IPv4 address inside an IPv6 one is judged as what it is.
    address.to_canonical().is_loopback()
}
