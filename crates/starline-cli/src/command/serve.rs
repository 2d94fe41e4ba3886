//! `starline serve`

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use serde_json::json;
use starline::orchestrator::Orchestrator;
use starline::server::ServerOptions;

use crate::devices::{Belongings, Devices, as_devices, end_leftovers};
use crate::drive::deaf;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hosting::Host;
use crate::interrupt::Interrupts;
use crate::journals::Journals;
use crate::options::{FolderOption, OutputOptions};
use crate::output::{Output, notice};
use crate::secrets::all;
use crate::sent::Contents;
use crate::serving::Serving;
use crate::sole::Sole;
use crate::state::State;
use crate::watchman::Watchman;

pub(crate) const ABOUT: &str = "Keep devices up and carry out the runs that others hand over";

pub(crate) const HELP: &str = "\
Listens on this machine alone, with a token in a file of the state folder that nobody but its owner may
read. `starline run --detach` hands workflows over, and so does POST /v1/runs; `ls`, `watch`, `edit` and
the other verbs find the runs by the state folder. Each run leaves its files in .starline/runs/<id>/.

Values of `secrets` come from --secret-file alone.

A state folder is served by one process at a time; `starline run` may work beside it.

Interrupt (Ctrl-C) to cancel all runs and end; a second interrupt ends running tasks by force.

Exit codes: 0 ended as asked, 2 invalid input, 4 trouble with the system.

Examples:
  starline serve
  starline serve --devices devices.yaml --secret-file .secrets
  starline serve --listen 127.0.0.1:8787";

/// Flags of `starline serve`.
#[derive(Clone, Debug, Args)]
#[command(about = ABOUT, after_help = HELP)]
pub(crate) struct ServeArgs {
    /// Device file; without it this machine is the one device
    #[arg(long, env = "STARLINE_DEVICES", hide_env_values = true, value_name = "FILE")]
    devices: Option<PathBuf>,

    /// Address of this machine to listen on; port 0 is one that is free
    #[arg(long, env = "STARLINE_LISTEN", hide_env_values = true, value_name = "ADDR")]
    #[arg(default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))]
    listen: SocketAddr,

    /// File with values of secrets, lines NAME=value, which nobody but its owner may read
    #[arg(long, env = "STARLINE_SECRET_FILE", hide_env_values = true, value_name = "FILE")]
    secret_file: Option<PathBuf>,

    #[command(flatten)]
    state: FolderOption,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

impl ServeArgs {
    /// Serves until a signal comes.
    ///
    /// # Errors
    /// It could not begin.
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::infrastructure("runtime", "failed to start threads", &error))?;
        runtime.block_on(self.serve(output))
    }

    async fn serve(self, output: &Output) -> Result<Exit, Failure> {
        let mut interrupts = Interrupts::listen().map_err(|error| deaf(&error))?;
        let devices = self.devices.as_deref().map_or_else(Devices::this_machine, Devices::read)?;
        let secrets = all(self.secret_file.as_deref())?;
        let state = State::make(&self.state.state_dir)?;
        // Before anything of an earlier process is ended: it must be over.
        let mut sole = Sole::take(&state, &self.state.state_dir)?;
        let contents = Arc::new(Contents::shared(&state)?);
        let register = state.register();
        end_leftovers(&register, output).await?;
        let watchman = Watchman::over(&register);
        let belongings =
            Belongings { secrets: secrets.clone(), blobs: Some(contents.store()), register: Some(register) };
        let processes = devices.connect(std::path::Path::new("."), Some(state.work()), &belongings)?;
        for process in &processes {
            process.check().await.map_err(|error| {
                Failure::infrastructure(
                    "device_unusable",
                    "a device cannot protect what it is to protect",
                    &error,
                )
            })?;
        }
        let journals = Arc::new(Journals::new(state.runs()));
        let (orchestrator, bus) = starline::with_journal(Arc::clone(&journals) as _);
        let orchestrator = Arc::new(orchestrator);
        for device in as_devices(&processes) {
            orchestrator.fleet().connect(device).await?;
        }
        let host = Arc::new(Host {
            orchestrator: Arc::downgrade(&orchestrator),
            bus: Arc::clone(&bus),
            journals,
            devices,
            secrets,
            contents,
            state_dir: self.state.state_dir.clone(),
            closed: AtomicBool::new(false),
        });
        let options = {
            let mut options = ServerOptions::default();
            options.address = self.listen;
            options.submitter = Some(Arc::clone(&host) as _);
            options
        };
        let serving = Serving::begin(&orchestrator, &bus, &state, options).await?;
        let address = serving.address();
        sole.listens(&self.state.state_dir, address)?;
        host.take_up_all().await?;
        if output.is_json() {
            output.object(&json!({ "address": address, "pid": std::process::id() }));
        } else {
            output.result(&format!(
                "listening on http://{address}; `starline run FILE --detach` hands workflows over"
            ));
        }
        output.flush();
        interrupts.next().await;
        host.closed.store(true, Ordering::Release);
        end_runs(&orchestrator, &mut interrupts).await;
        serving.end().await;
        if let Some(orchestrator) = Arc::into_inner(orchestrator) {
            orchestrator.shut_down(Duration::ZERO).await;
        }
        for process in processes {
            process.shut_down().await;
        }
        drop(watchman);
        drop(sole);
        Ok(Exit::Done)
    }
}

/// Cancels what goes on, and waits for its end; the next signal ends it by force.
async fn end_runs(orchestrator: &Orchestrator, interrupts: &mut Interrupts) {
    let open: Vec<_> = orchestrator
        .runs()
        .into_iter()
        .filter(|run| !run.state.is_terminal())
        .filter_map(|run| orchestrator.run(&run.run_id))
        .collect();
    if open.is_empty() {
        return;
    }
    notice(&format!("cancelling {} runs; interrupt again to end running tasks by force", open.len()));
    for force in [false, true] {
        for run in &open {
            // One that has ended meanwhile needs nothing.
            let _ = run.cancel(force).await;
        }
        let ended = async {
            for run in &open {
                run.wait().await;
            }
        };
        tokio::select! {
            () = ended => return,
            () = interrupts.next(), if !force => {}
        }
    }
}
