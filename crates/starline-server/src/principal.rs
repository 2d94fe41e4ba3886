//! Who asks, and what may be asked.

use starline_orchestrator::{Author, Role};

use crate::TokenDigest;

/// What a request needs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// Nothing: anybody may ask, without a token.
    Open,
    /// To see runs, devices and metrics.
    Observe,
    /// To change graphs and to answer holds.
    Edit,
    /// To decide about approval gates.
    Approve,
    /// To hand workflows over.
    Submit,
    /// To pause, resume, cancel, skip and roll back.
    Control,
}

impl Scope {
    /// The stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Observe => "observe",
            Self::Edit => "edit",
            Self::Approve => "approve",
            Self::Submit => "submit",
            Self::Control => "control",
        }
    }
}

/// What a token may be used for. There is no way to write down an editor that approves or submits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Sees everything, changes nothing.
    Observer,
    /// Sees everything, and edits graphs under the policy and the rates of each run: an agent.
    Editor,
    /// May do everything.
    Operator,
}

impl Access {
    /// Whether a scope is part of it.
    #[must_use]
    pub fn allows(self, scope: Scope) -> bool {
        match (self, scope) {
            (_, Scope::Open | Scope::Observe) | (Self::Operator, _) | (Self::Editor, Scope::Edit) => true,
            (
                Self::Observer | Self::Editor,
                Scope::Edit | Scope::Approve | Scope::Submit | Scope::Control,
            ) => false,
        }
    }
}

/// Who a token stands for.
#[derive(Clone, Debug)]
pub struct Principal {
    /// As facts name the author of what it does.
    pub name: String,
    /// What is kept of its token.
    pub digest: TokenDigest,
    /// What it may do.
    pub access: Access,
}

impl Principal {
    /// A principal of a name.
    #[must_use]
    pub fn new(name: impl Into<String>, digest: TokenDigest, access: Access) -> Self {
        Self { name: name.into(), digest, access }
    }

    /// The author of its edits. Never read from a message.
    #[must_use]
    pub fn author(&self) -> Author {
        let role = match self.access {
            Access::Operator => Role::Operator,
            Access::Observer | Access::Editor => Role::Editor,
        };
        Author::new(&self.name, role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_editor_never_approves_nor_submits_nor_controls() {
        let scopes = [Scope::Observe, Scope::Edit, Scope::Approve, Scope::Submit, Scope::Control];
        let allowed = |access: Access| scopes.map(|scope| access.allows(scope));
        assert_eq!(allowed(Access::Observer), [true, false, false, false, false]);
        assert_eq!(allowed(Access::Editor), [true, true, false, false, false]);
        assert_eq!(allowed(Access::Operator), [true; 5]);
    }

    #[test]
    fn the_author_of_edits_is_the_principal() {
        let digest = TokenDigest::of("a token of nobody");
        let author = Principal::new("planner", digest, Access::Editor).author();
        assert_eq!((author.name.as_str(), author.role), ("planner", Role::Editor));
    }
}
