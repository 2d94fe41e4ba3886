//! The interface through which other processes see and edit the runs of this one.

use std::net::SocketAddr;
use std::sync::Arc;

use starline::bus::EventBus;
use starline::orchestrator::Orchestrator;
use starline::server::{Access, Principal, Server, ServerOptions, Token, TokenError};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::audit::AuditFile;
use crate::editor::EXTERNAL;
use crate::failure::Failure;
use crate::remote::Registered;
use crate::state::State;

/// A server beside the runs, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Serving {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    registered: Registered,
}

impl Serving {
    /// Listens on loopback, and says in the state folder where. To be called before the first run is submitted.
    ///
    /// # Errors
    /// The system or the state folder is in the way.
    pub(crate) async fn begin(
        orchestrator: &Arc<Orchestrator>,
        bus: &EventBus,
        state: &State,
        mut options: ServerOptions,
    ) -> Result<Self, Failure> {
        let no_token = |error: TokenError| Failure::infrastructure("token", "failed to make a token", &error);
        let editor = Token::generate().map_err(no_token)?;
        options.principals.push(Principal::new(EXTERNAL, editor.digest(), Access::Editor));
        options.audit = Some(Arc::new(AuditFile::open(state)?));
        let takes_workflows = options.submitter.is_some();
        let server = Server::bind(Arc::clone(orchestrator), bus, options).await.map_err(|error| {
            Failure::infrastructure("address", "failed to listen for other processes", &error)
        })?;
        let address = server.local_addr();
        let registered = Registered::write(state, server.connection_file(), takes_workflows, Some(editor))?;
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = server.serve(async {
            // It also ends when there is nobody left to say so.
            let _ = stopped.await;
        });
        #[expect(
            clippy::disallowed_methods,
            reason = "requests are answered while output waits for its reader"
        )]
        let task = tokio::spawn(serving);
        Ok(Self { address, stop, task, registered })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cannot be found any more; readers get what there is, and then every connection is closed.
    pub(crate) async fn end(self) {
        let Self { stop, task, registered, .. } = self;
        drop(registered);
        drop(stop);
        // A panic in it has been told already.
        let _ = task.await;
    }
}
