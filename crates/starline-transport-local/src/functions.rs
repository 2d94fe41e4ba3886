//! Functions by name.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use starline_device::{AttemptId, TaskError, Value};

use crate::{Cancellation, ProgressSender};

/// What a function is called with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Call {
    /// The arguments, as the task gives them.
    pub arguments: Arc<Value>,
    /// The attempt; its number grows with every try of the task.
    pub attempt: AttemptId,
    /// Says when the attempt should end early.
    pub cancellation: Cancellation,
    /// Takes what there is to say on the way.
    pub progress: ProgressSender,
}

impl Call {
    pub(crate) fn new(
        arguments: Arc<Value>,
        attempt: AttemptId,
        cancellation: Cancellation,
        progress: ProgressSender,
    ) -> Self {
        Self { arguments, attempt, cancellation, progress }
    }
}

pub(crate) type Work = Pin<Box<dyn Future<Output = Result<Value, TaskError>> + Send>>;
pub(crate) type Function = Arc<dyn Fn(Call) -> Work + Send + Sync>;

/// Functions by name. Clones share what was registered before.
///
/// A function runs where the attempt is awaited and must not block the thread. Its error is the failure of
/// the attempt; a panic is a failure of the kind `device_error`.
#[derive(Clone, Default)]
pub struct Functions(Arc<BTreeMap<String, Function>>);

impl Functions {
    /// No functions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function of the arguments alone, in place of an earlier one of the same name.
    ///
    /// It cannot hear a polite cancel, so it runs to its end unless it is cancelled by force.
    #[must_use]
    pub fn function<F, W>(self, name: impl Into<String>, function: F) -> Self
    where
        F: Fn(Value) -> W + Send + Sync + 'static,
        W: Future<Output = Result<Value, TaskError>> + Send + 'static,
    {
        self.function_with(name, move |call: Call| function(Arc::unwrap_or_clone(call.arguments)))
    }

    /// Adds a function that can be told to stop and reports progress, in place of an earlier one of the
    /// same name.
    #[must_use]
    pub fn function_with<F, W>(mut self, name: impl Into<String>, function: F) -> Self
    where
        F: Fn(Call) -> W + Send + Sync + 'static,
        W: Future<Output = Result<Value, TaskError>> + Send + 'static,
    {
        let boxed: Function = Arc::new(move |call| Box::pin(function(call)));
        Arc::make_mut(&mut self.0).insert(name.into(), boxed);
        self
    }

    /// The names, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Function> {
        self.0.get(name)
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
