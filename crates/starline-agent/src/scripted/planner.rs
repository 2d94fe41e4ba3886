//! A planner that follows rules.

use std::sync::Arc;

use starline_planner::{
    EditorSettings, Finished, Outcome, PlanRequest, Planner, PlannerError, Proposal, async_trait,
};

use super::fault::RuleFault;
use super::reading::{self, Filled};
use super::rule::Rule;

/// A planner that follows the rules of a workflow file.
///
/// For each finished task the first rule that matches answers: its pattern (`*` stands for any text) fits the id, its
/// `outcome` is that of the task, its `when` is true. A condition that cannot be evaluated is not. The edits of all
/// finished tasks make one batch, in the order in which the tasks ended.
///
/// **Texts of edits are forms** over `task`, which has `id`, `status`, `result`, `outputs`, `error`, `attempts`,
/// `duration_ms` and `device`: `{{ task.id }}`, `{{ task.error.message }}`. Texts that the new task renders itself
/// (`run`, `inputs`, `description`) keep their other templates, such as `{{ tasks.scan.outputs.count }}`. What a
/// device reported stays data wherever it is filled in: it cannot add fields or edits, is never a template, and is one
/// quoted word in a script; see [`Form`](starline_graph::Form). Keys are forms where they are ids of tasks, in `after`
/// and in `tasks`; `op` and conditions are not.
///
/// **After a rejection the next rule answers:** to the second request for the same hold the second rule that matches,
/// and so on. A task whose rules are used up keeps its last one; when those of all tasks are, the answer is
/// [`Proposal::Nothing`]. So a file can show a batch that is refused, and the one that repairs it.
///
/// An edit that cannot be filled in, since something is undefined, is a fault of the batch with the code
/// `invalid_template`: the batch is refused as a whole and says why.
///
/// It has no clock, no memory and no chance: equal requests get equal answers. Costs O(finished tasks × rules), and
/// what the edits have.
#[derive(Debug)]
pub struct ScriptedPlanner {
    rules: Vec<Rule>,
}

impl ScriptedPlanner {
    /// Reads the rules of a file. Without rules the planner never changes anything.
    ///
    /// # Errors
    /// Everything that is wrong with any of them: patterns, conditions, operations, forms, and edits without gaps that
    /// cannot be read.
    pub fn new(settings: &EditorSettings) -> Result<Self, Vec<RuleFault>> {
        let mut faults = Vec::new();
        let rules = settings.scripted.iter().enumerate();
        let rules = rules.map(|(at, rule)| Rule::read(at, rule, &mut faults)).collect();
        if faults.is_empty() { Ok(Self { rules }) } else { Err(faults) }
    }

    /// The rule that answers the end of a task at a try, from 1; and whether it is the turn of a rule that had none yet.
    fn rule(&self, finished: &Finished, attempt: u32) -> Option<(&Rule, bool)> {
        let mut found = None;
        for (count, rule) in (1..=attempt).zip(self.rules.iter().filter(|rule| rule.matches(finished))) {
            found = Some((rule, count == attempt));
        }
        found
    }

    fn answer(&self, request: &PlanRequest) -> Result<Proposal, PlannerError> {
        let attempt = request.attempt();
        let turns = request.finished.iter();
        let turns: Vec<_> =
            turns.filter_map(|finished| Some((finished, self.rule(finished, attempt)?))).collect();
        if !turns.iter().any(|(_, (_, is_new))| *is_new) {
            return Ok(Proposal::Nothing);
        }
        let mut filled = Filled::default();
        for (finished, (rule, _)) in turns {
            let outcome: Arc<Outcome> = Arc::new(finished.outcome.clone());
            filled.add(rule, &finished.task, &outcome);
        }
        if filled.is_empty() {
            return Ok(Proposal::Nothing);
        }
        reading::read(request, filled).map(Proposal::Edit)
    }
}

#[async_trait]
impl Planner for ScriptedPlanner {
    fn name(&self) -> &str {
        "scripted"
    }

    async fn plan(&self, request: PlanRequest) -> Result<Proposal, PlannerError> {
        self.answer(&request)
    }
}
