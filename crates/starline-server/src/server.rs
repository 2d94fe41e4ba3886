//! The server: where it listens, and how long.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde::{Deserialize, Serialize};
use starline_bus::EventBus;
use starline_event::EventFilter;
use starline_orchestrator::Orchestrator;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::app::{App, Shared};
use crate::guard::Peer;
use crate::history::EventLog;
use crate::operation::router;
use crate::options::is_loopback;
use crate::throttle::Throttle;
use crate::{Access, BindError, Principal, ServerOptions, Token};

/// Longest time that the head of a request may take to arrive.
const HEADERS: Duration = Duration::from_secs(10);
/// Largest head of a request, in bytes.
const HEAD_BYTES: usize = 64 * 1024;
/// How often an insecure address is complained about.
const COMPLAINT: Duration = Duration::from_secs(60);
/// Time to wait when the system has no file descriptor for another connection.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// What a client needs to find the server: the content of the file in the state folder.
///
/// Whoever writes it gives the file mode 0600 and removes it at the end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConnectionFile {
    /// Where the server listens.
    pub address: SocketAddr,
    /// Token of the operator.
    pub token: Token,
    /// The process.
    pub pid: u32,
}

/// The HTTP API of one orchestrator; see the crate documentation.
///
/// It keeps facts from the moment of [`bind`](Self::bind) on: bind before the first run is submitted, and readers
/// that come late find every run from its first fact on.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    token: Token,
    app: App,
}

impl Server {
    /// Begins to listen. Nobody is answered until [`serve`](Self::serve).
    ///
    /// # Errors
    /// The address is not loopback and [`ServerOptions::insecure_bind`] is not set, the system refuses it, or no token
    /// could be made.
    pub async fn bind(
        orchestrator: Arc<Orchestrator>,
        events: &EventBus,
        options: ServerOptions,
    ) -> Result<Self, BindError> {
        if !is_loopback(options.address.ip()) && !options.insecure_bind {
            return Err(BindError::NotLoopback(options.address));
        }
        let token = options.token.clone().map_or_else(Token::generate, Ok)?;
        let failed = |source| BindError::Io { address: options.address, source };
        let listener = TcpListener::bind(options.address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let log = Arc::new(EventLog::new(options.history));
        let observing = events.observe(EventFilter::all(), Arc::clone(&log) as _);
        let mut principals = vec![Principal::new("operator", token.digest(), Access::Operator)];
        principals.extend(options.principals.iter().cloned());
        let app = App::new(Shared {
            orchestrator,
            log,
            observing,
            principals,
            hosts: hosts(address, &options.allowed_hosts),
            throttle: Throttle::new(options.failures),
            streams: Arc::new(Semaphore::new(options.streams)),
            open_streams: AtomicUsize::new(0),
            stop: watch::Sender::new(false),
            options,
        });
        Ok(Self { listener, address, token, app })
    }

    /// Where it listens, with the port that was chosen.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// What a client needs to find it.
    #[must_use]
    pub fn connection_file(&self) -> ConnectionFile {
        ConnectionFile { address: self.address, token: self.token.clone(), pid: std::process::id() }
    }

    /// Answers requests until `shutdown` is over. Then nothing new is accepted, event streams end, and open requests
    /// have [`ServerOptions::grace`] to finish.
    ///
    /// # Cancellation safety
    /// Dropping the future closes every connection at once.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, address, app, .. } = self;
        let router = router(app.clone());
        let places = Arc::new(Semaphore::new(app.options.connections.max(1)));
        let mut connections = JoinSet::new();
        let mut complaint = tokio::time::interval(COMPLAINT);
        let insecure = !is_loopback(address.ip());
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                accepted = accept(&listener, &places) => if let Some((stream, peer, place)) = accepted {
                    connections.spawn(attend(stream, peer, router.clone(), app.stop.subscribe(), place));
                },
                _ = connections.join_next(), if !connections.is_empty() => {}
                _ = complaint.tick(), if insecure => {
                    tracing::warn!(%address, "listening on an insecure address: there is no TLS");
                }
            }
        }
        drop(listener);
        app.stop.send_replace(true);
        let all = async { while connections.join_next().await.is_some() {} };
        // What is open after that is closed.
        let _ = tokio::time::timeout(app.options.grace, all).await;
        connections.shutdown().await;
    }
}

/// Takes the next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, place)),
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            if !is_of_connection(&error) {
                tokio::time::sleep(EXHAUSTED).await;
            }
            None
        }
    }
}

/// Whether an error is about one connection, and not about the process.
fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Answers the requests of one connection.
async fn attend(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    mut stop: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
) {
    // Events are small and must not wait for each other; without it they only come later.
    let _ = stream.set_nodelay(true);
    let inner = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        inner.call(request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADERS).max_buf_size(HEAD_BYTES);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let stopped = async {
        // It fails when the server is dropped, which ends the connection as well.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stopped => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// Values of `Host` that are answered.
fn hosts(address: SocketAddr, further: &[String]) -> Vec<String> {
    let port = address.port();
    let mut hosts: Vec<String> = Vec::new();
    let names = ["127.0.0.1".to_owned(), "localhost".to_owned(), "[::1]".to_owned()];
    let own = match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    };
    for name in names.into_iter().chain([own]) {
        hosts.push(format!("{name}:{port}"));
        if port == 80 {
            hosts.push(name);
        }
    }
    hosts.extend(further.iter().map(|host| host.to_ascii_lowercase()));
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names_and_the_address_itself_are_served() {
        let address: SocketAddr = "192.0.2.1:8080".parse().expect("an address");
        let hosts = hosts(address, &["Example.test:443".to_owned()]);
        for host in ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "192.0.2.1:8080", "example.test:443"] {
            assert!(hosts.iter().any(|known| known == host), "{host}");
        }
        assert!(!hosts.iter().any(|known| known == "localhost"), "the port belongs to it");
    }
}
