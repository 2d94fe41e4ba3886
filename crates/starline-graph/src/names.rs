//! Names that an expression reads, and those among them that can never have a value.

use crate::engine::PARTS;

/// Parts of an outcome, as expressions name them.
pub(crate) fn parts() -> &'static [&'static str] {
    &PARTS[1..]
}

/// What the error of a task has.
const ERROR: &[&str] = &["kind", "message", "retryable"];

/// Something that an expression reads by a name written out, and that must be there: a variable, and what is asked of
/// it. `outputs.total` and `outputs["total"]` are the same.
///
/// What an expression asks for with `default(...)` or `is defined`, or looks for with `in`, need not be there and is
/// left out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NamePath(Vec<String>);

/// A name that no evaluation finds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum UnknownName<'p> {
    /// No variable has this name.
    Variable {
        /// The name.
        name: &'p str,
        /// The variables that there are.
        valid: &'static [&'static str],
    },
    /// What is known of a task has no part of this name.
    Part {
        /// The name.
        name: &'p str,
        /// The parts that there are.
        valid: &'static [&'static str],
    },
    /// The task declares no output of this name.
    Output {
        /// The task; `None`: the one that a condition waits for.
        task: Option<&'p str>,
        /// The name.
        name: &'p str,
    },
    /// No input has this name.
    Input {
        /// The name.
        name: &'p str,
    },
}

impl NamePath {
    pub(crate) fn new(variable: &str) -> Self {
        Self(vec![variable.to_owned()])
    }

    pub(crate) fn push(&mut self, name: &str) {
        self.0.push(name.to_owned());
    }

    pub(crate) fn pop(&mut self) {
        self.0.pop();
    }

    /// Leaves out what need not be there, and what is asked of that.
    pub(crate) fn cut(&mut self, optional: &[Self], sought: &[&str]) {
        let is_optional = |steps: &[String]| optional.iter().any(|name| name.0 == *steps);
        let kept = (0..self.0.len())
            .find(|at| is_optional(&self.0[..=*at]) || *at > 0 && sought.contains(&self.0[*at].as_str()));
        self.0.truncate(kept.unwrap_or(self.0.len()));
    }

    fn step(&self, at: usize) -> Option<&str> {
        self.0.get(at).map(String::as_str)
    }

    /// The input that is read, if it is one.
    #[must_use]
    pub fn input(&self) -> Option<&str> {
        self.step(1).filter(|_| self.step(0) == Some("inputs"))
    }

    /// What a condition can never find.
    ///
    /// `has_output` says of the task that is waited for, and `has_input` of the run, what they declare.
    #[must_use]
    pub fn unknown_in_condition(
        &self,
        has_output: &dyn Fn(&str) -> bool,
        has_input: &dyn Fn(&str) -> bool,
    ) -> Option<UnknownName<'_>> {
        let root = self.step(0)?;
        if root == "inputs" {
            return self.input().filter(|name| !has_input(name)).map(|name| UnknownName::Input { name });
        }
        let valid = crate::expression::ROOTS;
        if !valid.contains(&root) {
            return Some(UnknownName::Variable { name: root, valid });
        }
        let from = usize::from(root == "outcome");
        self.unknown_part(from, None, has_output)
    }

    /// What a template can never find, inputs aside.
    ///
    /// `has_output` says of a task what it declares; of one that does not exist too, which is another mistake.
    #[must_use]
    pub fn unknown_in_template(&self, has_output: &dyn Fn(&str, &str) -> bool) -> Option<UnknownName<'_>> {
        let (root, valid) = (self.step(0)?, crate::template::ROOTS);
        if !valid.contains(&root) {
            return Some(UnknownName::Variable { name: root, valid });
        }
        let task = self.step(1).filter(|_| root == "tasks")?;
        self.unknown_part(2, Some(task), &|name| has_output(task, name))
    }

    /// What is unknown of an outcome whose part stands at a step.
    fn unknown_part<'p>(
        &'p self,
        at: usize,
        task: Option<&'p str>,
        has_output: &dyn Fn(&str) -> bool,
    ) -> Option<UnknownName<'p>> {
        let part = self.step(at)?;
        if !parts().contains(&part) {
            return Some(UnknownName::Part { name: part, valid: parts() });
        }
        let name = self.step(at + 1)?;
        match part {
            "outputs" if !has_output(name) => Some(UnknownName::Output { task, name }),
            "error" if !ERROR.contains(&name) => Some(UnknownName::Part { name, valid: ERROR }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{condition_names, interpolations};

    fn in_condition(text: &str) -> Vec<String> {
        let names = condition_names(text).expect("an expression");
        let unknown = names
            .iter()
            .filter_map(|name| name.unknown_in_condition(&|name| name == "total", &|name| name == "limit"));
        unknown.map(name_of).collect()
    }

    fn in_template(text: &str) -> Vec<String> {
        let found = interpolations(text);
        assert!(!found.is_empty(), "{text}");
        let names = found.iter().flat_map(|interpolation| &interpolation.names);
        let unknown = names.filter_map(|name| name.unknown_in_template(&|_, name| name == "total"));
        unknown.map(name_of).collect()
    }

    fn name_of(unknown: UnknownName<'_>) -> String {
        match unknown {
            UnknownName::Variable { name, .. } => format!("variable {name}"),
            UnknownName::Part { name, .. } => format!("part {name}"),
            UnknownName::Output { task, name } => format!("output {}.{name}", task.unwrap_or_default()),
            UnknownName::Input { name } => format!("input {name}"),
        }
    }

    #[test]
    fn conditions_read_what_is_there() {
        for (text, unknown) in [
            ("outputs.total > inputs.limit", &[][..]),
            ("outcome.outputs['total'] == 1 and outcome.attempts > 0 and status == 'failed'", &[]),
            ("outputs.totl > inputs.limt", &["output .totl", "input limt"]),
            ("outcome.outputs.totl == 1 or outcome.outcme", &["output .totl", "part outcme"]),
            ("total > 3 and tasks.a.result", &["variable total", "variable tasks"]),
            ("error.kind == 'timeout' and error.mesage", &["part mesage"]),
            ("result.anything.at.all[3] == 1", &[]),
            ("outputs[status] == 1", &[]),
            ("outputs.totl is defined and outputs.totl.size > 3", &[]),
            ("outputs.totl | default(0) > 3 and -outputs.x == 1", &["output .x"]),
            ("-outputs.x | default(1) == 1", &["output .x"]),
            ("'totl' in outputs and outputs.totl > 3", &[]),
            ("'totl' not in outputs or outputs.totl > 3", &[]),
            ("foo is undefined", &[]),
            ("outputs.totl.size | default(1) == 1", &["output .totl"]),
            ("outputs.total[outputs.x] == 1 and outputs.total[1:inputs.y]", &["output .x", "input y"]),
            ("result.rows | map(attribute='size') | max == other", &["variable other"]),
        ] {
            assert_eq!(in_condition(text), unknown, "{text}");
        }
    }

    #[test]
    fn templates_read_what_is_there() {
        for (text, unknown) in [
            ("{{ tasks.a.outputs.total }} {{ tasks['a'].status }} {{ inputs.x }}", &[][..]),
            ("{{ tasks.a.outputs.totl }} {{ tasks.a.reslt }}", &["output a.totl", "part reslt"]),
            ("{{ limit }} {{ secrets.T }}", &["variable limit", "variable secrets"]),
            ("{{ tasks.a.outputs.totl | default('') }} {{ foo | default(1) }}", &[]),
            ("{{ tasks.a.outputs.totl if tasks.a.outputs.totl is defined else 'x' }}", &[]),
            ("{{ tasks.a.outputs[inputs.which] }}", &[]),
            ("{{ tasks.a.id }}", &["part id"]),
        ] {
            assert_eq!(in_template(text), unknown, "{text}");
        }
    }
}
