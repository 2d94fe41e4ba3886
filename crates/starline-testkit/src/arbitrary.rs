//! Random graphs, batches of edits and devices: small, and smaller where a law is broken.
//!
//! All are generators of proptest. They draw what a person would write, and leave out what needs a device to make
//! sense of, such as files and secrets.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{Index, subsequence};
use starline_types::{
    Dependency, DependencyId, DependencyKind, DependencyRef, DeviceId, DeviceProfile, DeviceSelector, Edit,
    EditBatch, Estimate, GraphSpec, Millis, Payload, Priority, Revision, TaskField, TaskId, TaskSpec,
};

/// Capabilities that tasks ask for and devices have.
pub const CAPABILITIES: [&str; 3] = ["camera", "gpu", "net"];
/// Operating systems that tasks ask for and devices have.
pub const SYSTEMS: [&str; 2] = ["linux", "windows"];
/// Conditions that edges ask.
const CONDITIONS: [&str; 3] = ["true", "false", "status == 'completed'"];

/// The id of the task with a number: `t0`, `t1` and so on.
#[must_use]
pub fn task_id(number: usize) -> TaskId {
    TaskId::new(format!("t{number}")).expect("a letter and a number are an id")
}

/// The id of the device with a number: `d0`, `d1` and so on.
#[must_use]
pub fn device_id(number: usize) -> DeviceId {
    DeviceId::new(format!("d{number}")).expect("a letter and a number are an id")
}

/// Tasks with an id: nothing to do or a pause of up to a second, some with an estimate, a priority, or wishes about
/// their device.
pub fn tasks(id: TaskId) -> impl Strategy<Value = TaskSpec> {
    (
        payloads(),
        option::weighted(0.3, selectors()),
        option::weighted(0.3, 0..=100_u8),
        option::weighted(0.5, 0..5_000_u64),
    )
        .prop_map(move |(run, device, priority, duration)| {
            let mut task = TaskSpec::new(id.clone(), run);
            task.device = device.map(Arc::new);
            task.priority = priority.and_then(|value| Priority::try_from(value).ok()).unwrap_or_default();
            task.estimate = duration
                .map(|span| Arc::new(Estimate { duration: Some(Millis(span)), ..Estimate::default() }));
            task
        })
}

fn payloads() -> impl Strategy<Value = Payload> {
    prop_oneof![Just(Payload::Noop), (0..1_000_u64).prop_map(|span| Payload::Sleep(Millis(span)))]
}

/// What tasks ask of their device: capabilities, a system, a device that they would rather have.
pub fn selectors() -> impl Strategy<Value = DeviceSelector> {
    let needs = subsequence(&CAPABILITIES[..], 0..=CAPABILITIES.len());
    let os = option::weighted(0.3, subsequence(&SYSTEMS[..], 1));
    (needs, os, option::weighted(0.3, 0..4_usize)).prop_map(|(needs, os, prefer)| DeviceSelector {
        needs: needs.into_iter().map(str::to_owned).collect(),
        os: os.and_then(|os| os.first().map(ToString::to_string)),
        prefer: prefer.map(device_id),
        ..DeviceSelector::default()
    })
}

/// Kinds of edges, success more often than the others.
pub fn dependency_kinds() -> impl Strategy<Value = DependencyKind> {
    prop_oneof![
        4 => Just(DependencyKind::Success),
        1 => Just(DependencyKind::Failure),
        1 => Just(DependencyKind::Completion),
        1 => subsequence(&CONDITIONS[..], 1).prop_map(|found| DependencyKind::When(found.concat().into())),
    ]
}

/// Graphs of up to `most` tasks that every check accepts: `t0`, `t1` and so on, with edges from lower to higher numbers,
/// at most one between two tasks.
pub fn graphs(most: usize) -> impl Strategy<Value = GraphSpec> {
    let edges = vec((any::<Index>(), any::<Index>(), dependency_kinds()), 0..=2 * most);
    (vec(tasks(task_id(0)), 0..=most), edges).prop_map(|(mut tasks, edges)| {
        for (number, task) in tasks.iter_mut().enumerate() {
            task.id = task_id(number);
        }
        let (mut dependencies, mut known) = (Vec::new(), BTreeSet::new());
        for (from, to, kind) in edges.into_iter().filter(|_| tasks.len() > 1) {
            let to = 1 + to.index(tasks.len() - 1);
            let from = from.index(to);
            if known.insert((from, to)) {
                dependencies.push(Dependency::success(task_id(from), task_id(to)).with_kind(kind));
            }
        }
        GraphSpec { tasks: tasks.into_iter().map(Arc::new).collect(), dependencies, ..GraphSpec::default() }
    })
}

/// Batches of up to `most` edits against a graph of the tasks `t0` to `t9`, of any revision from 0 to 3: some are
/// accepted, and some have every fault there is, such as unknown tasks, edges twice and cycles.
pub fn batches(most: usize) -> impl Strategy<Value = EditBatch> {
    (vec(edits(), 0..=most), 0..4_u64, any::<bool>()).prop_map(|(edits, base, keep_open)| EditBatch {
        base: Revision(base),
        keep_open,
        edits,
        ..EditBatch::default()
    })
}

/// Single edits about the tasks `t0` to `t9` and the edges between them.
pub fn edits() -> impl Strategy<Value = Edit> {
    let id = || (0..10_usize).prop_map(task_id);
    let edge = || {
        (id(), id()).prop_map(|(from, to)| DependencyRef::Id {
            id: DependencyId::new(format!("{from}->{to}")).expect("two ids and an arrow are an id"),
        })
    };
    prop_oneof![
        3 => (id().prop_flat_map(tasks), vec((id(), dependency_kinds()), 0..3))
            .prop_map(|(task, after)| Edit::AddTask { task: Arc::new(task), after }),
        3 => (id(), vec(fields(), 1..3)).prop_map(|(id, set)| Edit::UpdateTask { id, set }),
        2 => id().prop_map(|id| Edit::RemoveTask { id }),
        4 => (id(), id(), dependency_kinds())
            .prop_map(|(from, to, kind)| Edit::AddDependency(Dependency::success(from, to).with_kind(kind))),
        2 => (edge(), option::of(dependency_kinds()))
            .prop_map(|(edge, kind)| Edit::UpdateDependency { edge, kind, note: None }),
        2 => edge().prop_map(|edge| Edit::RemoveDependency { edge }),
        1 => (graphs(4), any::<bool>())
            .prop_map(|(graph, clear_existing)| Edit::Build { graph: Arc::new(graph), clear_existing }),
        1 => Just(Edit::Clear),
        1 => (graphs(4), 0..3_u8).prop_map(|(graph, at)| Edit::Merge {
            graph: Arc::new(graph),
            prefix: format!("m{at}.").into(),
        }),
    ]
}

fn fields() -> impl Strategy<Value = TaskField> {
    prop_oneof![
        payloads().prop_map(TaskField::Run),
        option::of(selectors()).prop_map(|device| TaskField::Device(device.map(Arc::new))),
        (0..=100_u8).prop_map(|value| TaskField::Priority(Priority::try_from(value).unwrap_or_default())),
        any::<bool>().prop_map(TaskField::Idempotent),
        "[a-z ]{0,12}".prop_map(TaskField::Description),
    ]
}

/// Devices with an id: one to three slots, some with a system, some of the [`CAPABILITIES`].
pub fn devices(id: DeviceId) -> impl Strategy<Value = DeviceProfile> {
    let capabilities = subsequence(&CAPABILITIES[..], 0..=CAPABILITIES.len());
    (1..=3_u32, option::of(subsequence(&SYSTEMS[..], 1)), capabilities).prop_map(
        move |(slots, os, capabilities)| {
            let profile = DeviceProfile::new(id.clone(), "simulated").with_slots(slots);
            let profile = profile.with_capabilities(capabilities);
            match os {
                Some(os) => profile.with_os(os.concat()),
                None => profile,
            }
        },
    )
}

/// Fleets that have a device for every one of the [`tasks`]: for each system one that has all capabilities, and up to
/// `more` others, which come first.
pub fn fleets(more: usize) -> impl Strategy<Value = Vec<DeviceProfile>> {
    (vec(devices(device_id(0)), 0..=more), vec(1..=2_u32, SYSTEMS.len())).prop_map(|(mut fleet, slots)| {
        for (os, slots) in SYSTEMS.iter().zip(slots) {
            let able = DeviceProfile::new(device_id(0), "simulated").with_slots(slots).with_os(*os);
            fleet.push(able.with_capabilities(CAPABILITIES));
        }
        for (number, device) in fleet.iter_mut().enumerate() {
            device.id = device_id(number);
        }
        fleet
    })
}
