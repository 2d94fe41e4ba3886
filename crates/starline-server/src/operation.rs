//! Every operation of the interface: where it is, what it needs, who does it.

use axum::Router;
use axum::http::Method;
use axum::middleware::from_fn;
use axum::routing::{MethodRouter, get, post};

use crate::app::App;
use crate::{Scope, command, edits, guard, metrics, observe, openapi, stream, submit};

macro_rules! operations {
    ($($(#[doc = $summary:literal])* $variant:ident: $method:ident $path:literal, $scope:ident => $handler:path;)*) => {
        /// Every operation of the interface. The router and the description are made from this one list.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Operation { $($(#[doc = $summary])* $variant,)* }

        impl Operation {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// What it does, in one line.
            #[must_use]
            pub fn summary(self) -> &'static str {
                match self { $(Self::$variant => concat!($($summary),*).trim_ascii(),)* }
            }

            /// The method of its requests.
            #[must_use]
            pub fn method(self) -> Method {
                match self { $(Self::$variant => method!($method),)* }
            }

            /// Its path; parts in braces are filled in.
            #[must_use]
            pub fn path(self) -> &'static str {
                match self { $(Self::$variant => $path,)* }
            }

            /// Its name in the description.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)* }
            }

            /// What a token must allow.
            #[must_use]
            pub fn scope(self) -> Scope {
                match self { $(Self::$variant => Scope::$scope,)* }
            }

            fn handler(self) -> MethodRouter<App> {
                match self { $(Self::$variant => $method($handler),)* }
            }
        }
    };
}

macro_rules! method {
    (get) => {
        Method::GET
    };
    (post) => {
        Method::POST
    };
}

operations! {
    /// Whether the server answers
    Health: get "/healthz", Open => observe::health;
    /// Figures, in the text format of Prometheus
    Metrics: get "/metrics", Observe => metrics::metrics;
    /// This description
    Describe: get "/v1/openapi.json", Observe => openapi::describe;
    /// All runs in a few numbers each
    Runs: get "/v1/runs", Observe => observe::runs;
    /// Starts a workflow
    Submit: post "/v1/runs", Submit => submit::submit;
    /// A run at one moment: graph, states, holds, figures, with revision and seq
    Snapshot: get "/v1/runs/{run}", Observe => observe::run;
    /// The facts of a run as server-sent events, from any number on
    Events: get "/v1/runs/{run}/events", Observe => stream::events;
    /// Commits a batch of edits or a whole graph, or gives the verdict only
    Edit: post "/v1/runs/{run}/edits", Edit => edits::edit;
    /// Takes the last commit back
    Undo: post "/v1/runs/{run}/undo", Edit => edits::undo;
    /// Brings the commit back that was taken back last
    Redo: post "/v1/runs/{run}/redo", Edit => edits::redo;
    /// Starts nothing new until the run is resumed
    Pause: post "/v1/runs/{run}/pause", Control => command::pause;
    /// Ends a pause
    Resume: post "/v1/runs/{run}/resume", Control => command::resume;
    /// Cancels a run
    Cancel: post "/v1/runs/{run}/cancel", Control => command::cancel;
    /// Undoes what a run has done
    Rollback: post "/v1/runs/{run}/rollback", Control => command::rollback;
    /// Cancels a task
    CancelTask: post "/v1/runs/{run}/tasks/{task}/cancel", Control => command::cancel_task;
    /// Skips an unstarted task
    SkipTask: post "/v1/runs/{run}/tasks/{task}/skip", Control => command::skip_task;
    /// Ends a retry delay, or tries a task again as a copy
    RetryTask: post "/v1/runs/{run}/tasks/{task}/retry", Edit => edits::retry;
    /// Lets a task run that asks for approval
    Approve: post "/v1/runs/{run}/tasks/{task}/approve", Approve => command::approve;
    /// Refuses a task that asks for approval
    Reject: post "/v1/runs/{run}/tasks/{task}/reject", Approve => command::reject;
    /// Why a task is where it is, and what comes next
    Explain: get "/v1/runs/{run}/tasks/{task}/explain", Observe => observe::explain;
    /// Open holds
    Holds: get "/v1/runs/{run}/holds", Observe => observe::holds;
    /// Closes a hold without a change
    ReleaseHold: post "/v1/runs/{run}/holds/{hold}/release", Edit => command::release;
    /// Covers more tasks by a hold
    ExtendHold: post "/v1/runs/{run}/holds/{hold}/extend", Edit => command::extend;
    /// All devices and what they are doing
    Devices: get "/v1/devices", Observe => observe::devices;
}

/// The router of all operations, behind the guard.
pub(crate) fn router(app: App) -> Router {
    let mut router = Router::new();
    for operation in Operation::ALL {
        let scope = operation.scope();
        let shared = app.clone();
        let allowed = from_fn(move |request, next| guard::allow(shared.clone(), scope, request, next));
        router = router.route(operation.path(), operation.handler().route_layer(allowed));
    }
    router
        .fallback(guard::unknown_path)
        .method_not_allowed_fallback(guard::unknown_method)
        .layer(axum::middleware::from_fn_with_state(app.clone(), guard::guard))
        .with_state(app)
}
