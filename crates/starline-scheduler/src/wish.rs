//! What tasks ask of devices, and the classes of tasks that ask for the same.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use starline_assign::ClassIx;
use starline_types::{
    Accepts, DeviceApproval, DeviceProfile, DeviceSelector, PayloadKind, TaskSpec, program_name,
};

/// Selectors that ask for nothing.
const NO_SELECTOR: u32 = 0;
/// A program that any list may have: a template, or there are no lists.
const ANY_PROGRAM: u32 = 0;
/// A program that no list has.
const UNLISTED: u32 = 1;
/// Programs of lists come after these.
const FIRST_PROGRAM: u32 = 2;
/// Keys of tasks that ask for nothing but a kind of payload.
const PLAIN: usize = PayloadKind::ALL.len() * 2;

/// What makes tasks belong together: equal keys, equal devices.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
pub(crate) struct ClassKey {
    selector: u32,
    program: u32,
    kind: PayloadKind,
    gated: bool,
}

impl ClassKey {
    /// Place of a key that asks for nothing but a kind.
    fn plain(self) -> Option<usize> {
        let is_plain = self.selector == NO_SELECTOR && self.program == ANY_PROGRAM;
        is_plain.then_some(self.kind as usize * 2 + usize::from(self.gated))
    }
}

/// The classes by what their tasks ask for.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    /// Found without a hash: most tasks are of these.
    plain: [Option<ClassIx>; PLAIN],
    others: FxHashMap<ClassKey, ClassIx>,
    /// Selectors by number, less one.
    selectors: Vec<Arc<DeviceSelector>>,
    number_of: FxHashMap<Arc<DeviceSelector>, u32>,
    /// Programs on the list of some device, by number. Without any, nobody looks at programs.
    programs: FxHashMap<Arc<str>, u32>,
}

impl Catalogue {
    /// Takes in what a device says of its programs.
    pub(crate) fn learn(&mut self, accepts: &Accepts) {
        for name in accepts.programs().into_iter().flatten() {
            let next = FIRST_PROGRAM.saturating_add(u32::try_from(self.programs.len()).unwrap_or(u32::MAX));
            self.programs.entry(name.as_str().into()).or_insert(next);
        }
    }

    /// The key of a task with these requirements.
    pub(crate) fn key(&mut self, task: &TaskSpec, selector: Option<&Arc<DeviceSelector>>) -> ClassKey {
        let selector = selector.map_or(NO_SELECTOR, |selector| self.number(selector));
        let (kind, gated) = (task.run.tag(), task.gate().is_some());
        ClassKey { selector, program: self.program(task), kind, gated }
    }

    fn program(&self, task: &TaskSpec) -> u32 {
        if self.programs.is_empty() {
            return ANY_PROGRAM;
        }
        let Some(program) = task.run.program() else { return ANY_PROGRAM };
        let Some(name) = program_name(program) else { return ANY_PROGRAM };
        self.programs.get(name).copied().unwrap_or(UNLISTED)
    }

    fn number(&mut self, selector: &Arc<DeviceSelector>) -> u32 {
        if let Some(number) = self.number_of.get(selector) {
            return *number;
        }
        // A preference does not change who fits.
        let hard = if selector.prefer.is_some() {
            Arc::new(DeviceSelector { prefer: None, ..(**selector).clone() })
        } else {
            Arc::clone(selector)
        };
        let number = if *hard == DeviceSelector::default() {
            NO_SELECTOR
        } else {
            self.number_of.get(&hard).copied().unwrap_or_else(|| {
                self.selectors.push(Arc::clone(&hard));
                u32::try_from(self.selectors.len()).unwrap_or(u32::MAX)
            })
        };
        self.number_of.insert(hard, number);
        self.number_of.insert(Arc::clone(selector), number);
        number
    }

    /// The class of a key, if there is one.
    pub(crate) fn find(&self, key: ClassKey) -> Option<ClassIx> {
        match key.plain() {
            Some(at) => self.plain.get(at).copied().flatten(),
            None => self.others.get(&key).copied(),
        }
    }

    /// Keeps the class of a key.
    pub(crate) fn add(&mut self, key: ClassKey, class: ClassIx) {
        match key.plain().and_then(|at| self.plain.get_mut(at)) {
            Some(place) => *place = Some(class),
            None => {
                self.others.insert(key, class);
            }
        }
    }

    /// What the tasks of a key ask for. O(programs), once for each class.
    pub(crate) fn wish(&self, key: ClassKey) -> Wish {
        let selector = (key.selector as usize).checked_sub(1).and_then(|at| self.selectors.get(at));
        let program = match key.program {
            ANY_PROGRAM => Program::Any,
            UNLISTED => Program::Unlisted,
            number => {
                let named = self.programs.iter().find(|(_, known)| **known == number);
                named.map_or(Program::Unlisted, |(name, _)| Program::Named(Arc::clone(name)))
            }
        };
        Wish { selector: selector.cloned(), program, kind: key.kind, gated: key.gated }
    }
}

/// What the tasks of a class ask for.
#[derive(Debug)]
pub(crate) struct Wish {
    selector: Option<Arc<DeviceSelector>>,
    program: Program,
    kind: PayloadKind,
    /// Whether they have an approval gate.
    gated: bool,
}

#[derive(Debug)]
enum Program {
    Any,
    Unlisted,
    Named(Arc<str>),
}

impl Wish {
    /// Whether a device has what is asked for.
    pub(crate) fn fits(&self, profile: &DeviceProfile) -> bool {
        if !admits(profile, self.gated) || !profile.accepts.takes(self.kind) {
            return false;
        }
        let may_start = match &self.program {
            Program::Any => true,
            Program::Unlisted => profile.accepts.programs().is_none(),
            Program::Named(name) => profile.accepts.programs().is_none_or(|names| names.contains(&**name)),
        };
        let Some(selector) = &self.selector else { return may_start };
        may_start
            && selector.on.as_ref().is_none_or(|on| *on == profile.id)
            && selector
                .os
                .as_ref()
                .is_none_or(|os| profile.os.as_ref().is_some_and(|have| have.eq_ignore_ascii_case(os)))
            && selector.needs.iter().all(|need| profile.capabilities.contains(need))
            && profile.resources.missing(&selector.resources).next().is_none()
    }
}

/// Whether a device takes tasks with an approval gate, or without.
fn admits(profile: &DeviceProfile, gated: bool) -> bool {
    match profile.approval {
        DeviceApproval::Auto => true,
        DeviceApproval::Ask => gated,
        DeviceApproval::Deny => false,
    }
}

/// What a task asks for and a device lacks, in words.
pub(crate) fn lacks(profile: &DeviceProfile, task: &TaskSpec) -> Vec<String> {
    let mut missing = Vec::new();
    let (id, accepts) = (&profile.id, &profile.accepts);
    if !admits(profile, task.gate().is_some()) {
        missing.push(match profile.approval {
            DeviceApproval::Deny => format!("a device that takes tasks (approval of {id} is deny)"),
            DeviceApproval::Ask | DeviceApproval::Auto => {
                format!("an approval gate, which device {id} asks for")
            }
        });
    }
    if !accepts.takes(task.run.tag()) {
        let kinds: Vec<&str> = accepts.kinds().map(PayloadKind::as_str).collect();
        let kinds = if kinds.is_empty() { "nothing".to_owned() } else { kinds.join(", ") };
        missing.push(format!("a device that may run {} ({id} runs {kinds})", task.run.kind()));
    } else if let Some(program) = task.run.program().filter(|program| !accepts.may_start(program)) {
        let listed: Vec<&str> = accepts.programs().into_iter().flatten().map(String::as_str).collect();
        missing.push(format!("a device that may run program {program:?} ({id} runs {})", some_of(&listed)));
    }
    let Some(selector) = &task.device else { return missing };
    if let Some(on) = selector.on.as_ref().filter(|on| **on != profile.id) {
        missing.push(format!("pinned to {on}"));
    }
    if let Some(os) = &selector.os
        && !profile.os.as_ref().is_some_and(|have| have.eq_ignore_ascii_case(os))
    {
        missing.push(format!("os {os}"));
    }
    missing.extend(selector.needs.iter().filter(|need| !profile.capabilities.contains(need)).cloned());
    missing.extend(
        profile.resources.missing(&selector.resources).map(|(name, amount)| format!("{name} {amount}")),
    );
    missing
}

/// Names that a message lists at most.
const LISTED: usize = 8;

fn some_of(names: &[&str]) -> String {
    if names.is_empty() {
        return "no programs".to_owned();
    }
    let more = names.len().saturating_sub(LISTED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names[..names.len().min(LISTED)].join(", "))
}
