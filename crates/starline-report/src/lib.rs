#![doc = include_str!("../README.md")]

mod causes;
mod critical;
mod drawing;
mod fault;
mod fold;
mod fold_edit;
mod fold_task;
mod held;
mod history;
mod html;
mod markdown;
mod marks;
mod plan;
mod summary;
mod tail;
mod task;
mod text;
mod timeline;
mod trace;
mod words;

pub use causes::Cause;
pub use critical::CriticalStep;
pub use fault::{HistoryError, HistoryFault};
pub use history::History;
pub use html::to_html;
pub use markdown::to_markdown;
pub use marks::{Change, Commit, Connection, DeviceHistory, Hold, Pause, Refused, StrategyFault};
pub use plan::{Estimates, Moved, Plan};
pub use summary::{DeviceUse, Summary};
pub use tail::Tail;
pub use task::{
    Answer, Approval, ApprovalVerdict, AttemptHistory, AttemptOutcome, Cancellation, Moment, Retry, Skip,
    TaskHistory,
};
pub use trace::to_chrome_trace;
