//! A server with an orchestrator, and a client that sends exactly what it is told.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use starline_journal::NoJournal;
use starline_orchestrator::RunOptions;
use starline_server::{
    Access, EventBus, Orchestrator, Principal, Run, Server, ServerOptions, Submission, SubmitFailure,
    Submitter, Token,
};
use starline_strategies::LoadBalance;
use starline_transport_local::LocalDevice;
use starline_types::{
    ApprovalGate, Dependency, DeviceId, DeviceProfile, ErrorKind, GraphSpec, Payload, RunSettings,
    TaskDetails, TaskError, TaskId, TaskSpec,
};
use starline_workflow::{LoadOptions, Workflow};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;

pub(crate) fn task_id(name: &str) -> TaskId {
    TaskId::new(name).expect("id")
}

/// A task that calls a function of the test device.
pub(crate) fn call(name: &str, function: &str) -> TaskSpec {
    TaskSpec::new(task_id(name), Payload::Call { name: function.into(), arguments: Arc::new(Value::Null) })
}

pub(crate) fn noop(name: &str) -> TaskSpec {
    TaskSpec::new(task_id(name), Payload::Noop)
}

/// A task that asks before it runs.
pub(crate) fn gated(name: &str) -> TaskSpec {
    let gate = ApprovalGate { prompt: "may it?".into(), ..ApprovalGate::default() };
    let details = TaskDetails { approval: Some(gate), ..TaskDetails::default() };
    TaskSpec { details: Some(Arc::new(details)), ..noop(name) }
}

pub(crate) fn graph(tasks: Vec<TaskSpec>, edges: &[(&str, &str)]) -> GraphSpec {
    GraphSpec {
        name: "test".into(),
        tasks: tasks.into_iter().map(Arc::new).collect(),
        dependencies: edges.iter().map(|(a, b)| Dependency::success(task_id(a), task_id(b))).collect(),
        ..GraphSpec::default()
    }
}

/// Reads, submits and starts.
#[derive(Debug)]
struct Plain(Arc<Orchestrator>);

#[async_trait]
impl Submitter for Plain {
    async fn submit(&self, submission: Submission, _: &Principal) -> Result<Run, SubmitFailure> {
        if submission.strategy.as_deref().is_some_and(|name| name != "load_balance") {
            return Err(SubmitFailure::Invalid("no such strategy: use load_balance".into()));
        }
        let read = Workflow::parse(submission.workflow.as_bytes(), &LoadOptions::default());
        let workflow = read.map_err(SubmitFailure::Problems)?;
        let settings = RunSettings {
            inputs: submission.inputs,
            approved_in_advance: submission.approved_in_advance,
            ..RunSettings::default()
        };
        let options = RunOptions { settings, ..RunOptions::default() };
        let run = self.0.submit(workflow.graph, options).await?;
        run.start().await.map_err(|error| SubmitFailure::Orchestrator(error.into()))?;
        Ok(run)
    }
}

/// A server that answers, with what is behind it.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) orchestrator: Arc<Orchestrator>,
    pub(crate) address: SocketAddr,
    pub(crate) operator: Client,
    pub(crate) editor: Client,
    pub(crate) observer: Client,
    /// Each permit lets one attempt of the function `wait` end.
    pub(crate) gate: Arc<Semaphore>,
    pub(crate) bus: Arc<EventBus>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinSet<()>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut ServerOptions)) -> Self {
        let bus = Arc::new(EventBus::new());
        let orchestrator =
            Orchestrator::builder(Arc::new(NoJournal), Arc::clone(&bus) as _, || Box::new(LoadBalance))
                .build();
        let orchestrator = Arc::new(orchestrator);
        let gate = Arc::new(Semaphore::new(0));
        orchestrator.fleet().connect(device("d1", &gate)).await.expect("connected");
        let token = || Token::generate().expect("random");
        let (editor, observer) = (token(), token());
        let mut options = ServerOptions::default();
        options.submitter = Some(Arc::new(Plain(Arc::clone(&orchestrator))));
        options.principals = vec![
            Principal::new("planner", editor.digest(), Access::Editor),
            Principal::new("screen", observer.digest(), Access::Observer),
        ];
        change(&mut options);
        let server = Server::bind(Arc::clone(&orchestrator), &bus, options).await.expect("bound");
        let address = server.local_addr();
        let client = |token: &Token| Client { address, token: Some(token.reveal().to_owned()) };
        let operator = client(&server.connection_file().token);
        let (editor, observer) = (client(&editor), client(&observer));
        let (stop, stopped) = oneshot::channel();
        let mut serving = JoinSet::new();
        serving.spawn(server.serve(async {
            let _ = stopped.await;
        }));
        Self { orchestrator, address, operator, editor, observer, gate, bus, stop: Some(stop), serving }
    }

    /// A run that was submitted and not started.
    pub(crate) async fn submit(&self, graph: GraphSpec) -> Run {
        self.submit_with(graph, RunSettings::default()).await
    }

    pub(crate) async fn submit_with(&self, graph: GraphSpec, settings: RunSettings) -> Run {
        let options = RunOptions { settings, ..RunOptions::default() };
        self.orchestrator.submit(graph, options).await.expect("accepted")
    }

    /// A run that was started.
    pub(crate) async fn start(&self, graph: GraphSpec) -> Run {
        let run = self.submit(graph).await;
        run.start().await.expect("started");
        run
    }

    /// A client without a token.
    pub(crate) fn stranger(&self) -> Client {
        Client { address: self.address, token: None }
    }

    /// Ends the server, and waits until it has.
    pub(crate) async fn end(&mut self) {
        drop(self.stop.take());
        while let Some(ended) = self.serving.join_next().await {
            ended.expect("no panic");
        }
    }
}

fn device(name: &str, gate: &Arc<Semaphore>) -> Arc<LocalDevice> {
    let gate = Arc::clone(gate);
    let profile = DeviceProfile::new(DeviceId::new(name).expect("id"), "local").with_slots(2);
    let device = LocalDevice::new(profile)
        .function("echo", |argument: Value| async move { Ok(argument) })
        .function(
            "fail",
            |_: Value| async move { Err(TaskError::new(ErrorKind::DeviceError, "it went wrong")) },
        )
        .function("hang", |_: Value| std::future::pending())
        .function("wait", move |_: Value| {
            let gate = Arc::clone(&gate);
            async move {
                if let Ok(permit) = gate.acquire().await {
                    permit.forget();
                }
                Ok(Value::Null)
            }
        });
    Arc::new(device)
}

/// Sends one request for each connection.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) token: Option<String>,
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {:?}", self.text))
    }

    /// Status and stable word.
    pub(crate) fn refusal(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["error"].as_str().unwrap_or_default().to_owned())
    }
}

/// Headers of a request that are to differ: `None` leaves one out.
pub(crate) type Changes<'a> = &'a [(&'a str, Option<&'a str>)];

impl Client {
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, &[], "").await
    }

    pub(crate) async fn post(&self, path: &str, body: impl ToString) -> Reply {
        self.send(Method::POST, path, &[], &body.to_string()).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, changes: Changes<'_>, body: &str) -> Reply {
        let mut connection = JoinSet::new();
        let response = self.open(&mut connection, method, path, changes, body).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a whole body").to_bytes();
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        Reply { status: parts.status, headers: parts.headers, text }
    }

    async fn open(
        &self,
        connections: &mut JoinSet<()>,
        method: Method,
        path: &str,
        changes: Changes<'_>,
        body: &str,
    ) -> hyper::Response<Incoming> {
        let stream = TcpStream::connect(self.address).await.expect("connected");
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
        connections.spawn(async {
            let _ = connection.await;
        });
        let host = self.address.to_string();
        let mut request = Request::builder().method(&method).uri(path).header(HOST, host);
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if method == Method::POST {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let mut request = request.body(Full::new(Bytes::from(body.to_owned()))).expect("a request");
        for (name, value) in changes {
            let name = hyper::header::HeaderName::try_from(*name).expect("a name");
            request.headers_mut().remove(&name);
            if let Some(value) = value {
                request.headers_mut().insert(name, value.parse().expect("a value"));
            }
        }
        sender.send_request(request).await.expect("an answer")
    }

    /// Opens an event stream.
    pub(crate) async fn stream(&self, path: &str, changes: Changes<'_>) -> Stream {
        let mut connection = JoinSet::new();
        let response = self.open(&mut connection, Method::GET, path, changes, "").await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
        Stream { body: response.into_body(), buffer: String::new(), _connection: connection }
    }
}

/// An event stream that is being read.
#[derive(Debug)]
pub(crate) struct Stream {
    body: Incoming,
    buffer: String,
    _connection: JoinSet<()>,
}

/// One event.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Sent {
    pub(crate) id: Option<u64>,
    pub(crate) kind: String,
    pub(crate) data: Value,
}

impl Stream {
    /// The next block, comments included; none after the end.
    pub(crate) async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.buffer = rest;
                return Some(block);
            }
            let frame = self.body.frame().await?.expect("a frame");
            if let Ok(data) = frame.into_data() {
                self.buffer.push_str(std::str::from_utf8(&data).expect("text"));
            }
        }
    }

    /// The next event; none after the end.
    pub(crate) async fn next(&mut self) -> Option<Sent> {
        loop {
            let block = self.block().await?;
            let mut sent = Sent::default();
            for line in block.lines() {
                match line.split_once(": ") {
                    Some(("id", id)) => sent.id = id.parse().ok(),
                    Some(("event", kind)) => sent.kind = kind.to_owned(),
                    Some(("data", data)) => sent.data = serde_json::from_str(data).expect("JSON"),
                    _ => {}
                }
            }
            if !sent.kind.is_empty() {
                return Some(sent);
            }
        }
    }

    /// Everything up to the end.
    pub(crate) async fn rest(&mut self) -> Vec<Sent> {
        let mut all = Vec::new();
        while let Some(sent) = self.next().await {
            all.push(sent);
        }
        all
    }
}
