//! A round, built: it owns what a round borrows.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use starline_types::{
    Dependency, DeviceIx, DeviceProfile, DeviceRef, DeviceSelector, Event, GraphSpec, Placement, TaskIx,
    TaskRef, TaskSpec,
};

use crate::testing::builder::{DeviceDraft, RoundBuilder, Stage};
use crate::testing::graph::{Node, TestGraph, task_ix};
use crate::{Binding, ClassIx, DeviceLoad, GraphView as _, Round, RoundInput, Unplaced};

/// Owns what a [`Round`] borrows.
///
/// [`round`](Self::round) borrows it for as long as it lives, since the tasks of a round point at their
/// specifications, and both are in here: once asked for a round it cannot be moved. Bind it to a name first.
#[derive(Debug)]
pub struct TestRound<'a> {
    binding: Binding,
    graph: TestGraph,
    devices: Vec<DeviceDraft>,
    wanting: Vec<Wanting>,
    classes: Vec<Vec<DeviceIx>>,
    tasks: OnceCell<Vec<Unplaced<'a>>>,
    loads: OnceCell<Vec<DeviceLoad<'a>>>,
}

/// A task that wants a device, before it can point at its specification.
#[derive(Clone, Copy, Debug)]
struct Wanting {
    ix: TaskIx,
    class: ClassIx,
    prefer: Option<DeviceIx>,
}

impl<'a> TestRound<'a> {
    pub(crate) fn new(draft: &RoundBuilder) -> Self {
        let device_at = places("device", draft.devices.iter().map(|device| device.profile.id.as_str()));
        let task_at = places("task", draft.tasks.iter().map(|task| task.spec.id.as_str()));
        let device_ix = |id: &str| DeviceIx(find("device", &device_at, id));

        let mut devices = draft.devices.clone();
        let mut nodes: Vec<Node> = Vec::with_capacity(draft.tasks.len());
        for task in &draft.tasks {
            let (device, ended) = match &task.stage {
                Stage::Unplaced => (None, None),
                Stage::Running(device) => (Some(device_ix(device.as_str())), None),
                Stage::Done(device, order) => (Some(device_ix(device.as_str())), Some(*order)),
            };
            if let (Some(ix), None) = (device, ended) {
                devices[ix.at()].in_flight += 1;
            }
            let predecessors =
                task.after.iter().map(|before| TaskIx(find("task", &task_at, before.as_str()))).collect();
            nodes.push(Node { spec: task.spec.clone(), predecessors, successors: Vec::new(), device, ended });
        }
        for place in 0..nodes.len() {
            for before in nodes[place].predecessors.clone() {
                nodes[before.at()].successors.push(task_ix(place));
            }
        }

        let mut classes = Classes::default();
        let unplaced =
            draft.tasks.iter().enumerate().filter(|(_, task)| matches!(task.stage, Stage::Unplaced));
        let wanting = unplaced
            .map(|(place, task)| {
                for named in [task.spec.pin(), task.spec.preference()].into_iter().flatten() {
                    device_ix(named.as_str());
                }
                Wanting {
                    ix: task_ix(place),
                    class: classes.of(&task.spec, &devices),
                    prefer: task.spec.preference().map(|device| device_ix(device.as_str())),
                }
            })
            .collect();
        Self {
            binding: draft.binding,
            graph: TestGraph { nodes },
            devices,
            wanting,
            classes: classes.devices,
            tasks: OnceCell::new(),
            loads: OnceCell::new(),
        }
    }

    /// A round at its beginning. Each call gives an equal one.
    #[must_use]
    pub fn round(&'a self) -> Round<'a> {
        let tasks = self.tasks.get_or_init(|| {
            let unplaced = |wanting: &Wanting| Unplaced {
                ix: wanting.ix,
                class: wanting.class,
                prefer: wanting.prefer,
                spec: self.graph.spec(wanting.ix),
            };
            self.wanting.iter().map(unplaced).collect()
        });
        let devices = self.loads.get_or_init(|| {
            let load = |device: &'a DeviceDraft| DeviceLoad {
                profile: &device.profile,
                in_flight: device.in_flight,
                queued: device.queued,
                available: device.available,
            };
            self.devices.iter().map(load).collect()
        });
        let classes = &self.classes;
        Round::new(RoundInput { binding: self.binding, graph: &self.graph, tasks, devices, classes })
    }

    /// The index of a task.
    ///
    /// # Panics
    /// There is no such task.
    #[must_use]
    pub fn task(&self, id: &str) -> TaskIx {
        let place = self.graph.nodes.iter().position(|node| node.spec.id.as_str() == id);
        place.map(task_ix).unwrap_or_else(|| panic!("task {id:?} is not named"))
    }

    /// The index of a device.
    ///
    /// # Panics
    /// There is no such device.
    #[must_use]
    pub fn device(&self, id: &str) -> DeviceIx {
        let place = self.devices.iter().position(|device| device.profile.id.as_str() == id);
        place.map(device_ix).unwrap_or_else(|| panic!("device {id:?} is not named"))
    }

    /// The graph of the round.
    #[must_use]
    pub fn graph(&self) -> &TestGraph {
        &self.graph
    }

    /// The graph of the round as somebody would submit it.
    #[must_use]
    pub fn graph_spec(&self) -> GraphSpec {
        let nodes = &self.graph.nodes;
        let id = |ix: TaskIx| nodes[ix.at()].spec.id.clone();
        let into = |node: &Node| -> Vec<Dependency> {
            let edge = |from: &TaskIx| Dependency::success(id(*from), node.spec.id.clone());
            node.predecessors.iter().map(edge).collect()
        };
        GraphSpec {
            name: "round".to_owned(),
            tasks: nodes.iter().map(|node| Arc::new(node.spec.clone())).collect(),
            dependencies: nodes.iter().flat_map(into).collect(),
            ..GraphSpec::default()
        }
    }

    /// The facts that the placements of a round become: with late binding an attempt each, with early
    /// binding one plan.
    #[must_use]
    pub fn facts(&self, round: &Round<'_>) -> Vec<Event> {
        let placed = round.placements().map(|(task, device)| (self.task_ref(task), self.device_ref(device)));
        match self.binding {
            Binding::Late => placed
                .map(|(task, device)| Event::TaskAssigned { task, attempt: 1, device, deadline: None })
                .collect(),
            Binding::Early => {
                let assignments =
                    placed.map(|(task, device)| Placement { task, device: Some(device) }).collect();
                vec![Event::TasksPlaced { assignments }]
            }
        }
    }

    pub(crate) fn task_ref(&self, ix: TaskIx) -> TaskRef {
        TaskRef::new(self.graph.spec(ix).id.clone(), ix)
    }

    pub(crate) fn device_ref(&self, ix: DeviceIx) -> DeviceRef {
        DeviceRef::new(self.devices[ix.at()].profile.id.clone(), ix)
    }

    /// Whether a device may take a task, by definition: it meets the requirements and is available.
    pub(crate) fn may_take(&self, task: TaskIx, device: DeviceIx) -> bool {
        let draft = &self.devices[device.at()];
        draft.available && fits(self.graph.spec(task).device.as_deref(), &draft.profile)
    }

    pub(crate) fn devices(&self) -> impl Iterator<Item = (DeviceIx, &DeviceDraft)> {
        self.devices.iter().enumerate().map(|(place, device)| (device_ix(place), device))
    }
}

/// Sets of requirements, numbered as they appear.
#[derive(Debug, Default)]
struct Classes {
    known: BTreeMap<DeviceSelector, ClassIx>,
    devices: Vec<Vec<DeviceIx>>,
}

impl Classes {
    fn of(&mut self, spec: &TaskSpec, devices: &[DeviceDraft]) -> ClassIx {
        let mut hard = spec.device.as_deref().cloned().unwrap_or_default();
        hard.prefer = None;
        if let Some(known) = self.known.get(&hard) {
            return *known;
        }
        let class = ClassIx(u32::try_from(self.devices.len()).expect("a test has few classes"));
        let eligible = devices.iter().enumerate().filter(|(_, device)| fits(Some(&hard), &device.profile));
        self.devices.push(eligible.map(|(place, _)| device_ix(place)).collect());
        self.known.insert(hard, class);
        class
    }
}

/// Whether a device meets every requirement of a task.
fn fits(selector: Option<&DeviceSelector>, profile: &DeviceProfile) -> bool {
    let Some(wanted) = selector else { return true };
    let os = |wanted: &String| profile.os.as_ref().is_some_and(|os| os.eq_ignore_ascii_case(wanted));
    wanted.on.as_ref().is_none_or(|pin| *pin == profile.id)
        && wanted.os.as_ref().is_none_or(os)
        && wanted.needs.iter().all(|need| profile.capabilities.contains(need))
        && profile.resources.missing(&wanted.resources).next().is_none()
}

/// Where each name stands.
fn places<'n>(noun: &str, names: impl Iterator<Item = &'n str>) -> BTreeMap<&'n str, u32> {
    let mut places = BTreeMap::new();
    for (name, place) in names.zip(0..) {
        assert!(places.insert(name, place).is_none(), "{noun} {name:?} is named twice");
    }
    places
}

fn find(noun: &str, places: &BTreeMap<&str, u32>, name: &str) -> u32 {
    let known = || places.keys().copied().collect::<Vec<_>>();
    *places.get(name).unwrap_or_else(|| panic!("{noun} {name:?} is not named: there are {:?}", known()))
}

/// The index of the device at a place.
fn device_ix(place: usize) -> DeviceIx {
    DeviceIx(u32::try_from(place).expect("a test has fewer devices than indices"))
}
