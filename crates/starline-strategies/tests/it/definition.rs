//! The strategies against their definition, written down without regard to cost.

use std::collections::BTreeSet;

use proptest::prelude::*;
use starline_assign::testing::{RoundBuilder, round};
use starline_assign::{AssignmentStrategy, Binding, DeviceId, DeviceIx, Event, Placement, TaskId};
use starline_strategies::{CapabilityMatch, LoadBalance, RoundRobin};

const CAPABILITIES: [&str; 3] = ["camera", "excel", "gpu"];
const SYSTEMS: [&str; 2] = ["linux", "windows"];

#[derive(Clone, Debug)]
struct Device {
    slots: u32,
    in_flight: u32,
    queued: u32,
    available: bool,
    capabilities: BTreeSet<&'static str>,
    os: Option<&'static str>,
}

#[derive(Clone, Debug)]
struct Task {
    needs: BTreeSet<&'static str>,
    os: Option<&'static str>,
    prefer: Option<usize>,
    pin: Option<usize>,
}

#[derive(Clone, Debug)]
struct Situation {
    binding: Binding,
    devices: Vec<Device>,
    tasks: Vec<Task>,
}

fn capabilities() -> impl Strategy<Value = BTreeSet<&'static str>> {
    prop::sample::subsequence(&CAPABILITIES[..], 0..=3).prop_map(BTreeSet::from_iter)
}

fn device() -> impl Strategy<Value = Device> {
    let os = prop::option::of(prop::sample::select(&SYSTEMS[..]));
    (1..5_u32, 0..6_u32, 0..6_u32, prop::bool::weighted(0.85), capabilities(), os).prop_map(
        |(slots, in_flight, queued, available, capabilities, os)| Device {
            slots,
            in_flight,
            queued,
            available,
            capabilities,
            os,
        },
    )
}

fn task(devices: usize) -> impl Strategy<Value = Task> {
    let needs = prop_oneof![3 => Just(BTreeSet::new()), 1 => capabilities()];
    let os = prop::option::weighted(0.2, prop::sample::select(&SYSTEMS[..]));
    let one = move |odds| prop::option::weighted(odds, 0..devices.max(1));
    (needs, os, one(0.3), one(0.1)).prop_map(move |(needs, os, prefer, pin)| Task {
        needs,
        os,
        prefer: prefer.filter(|device| *device < devices),
        pin: pin.filter(|device| *device < devices),
    })
}

fn situation() -> impl Strategy<Value = Situation> {
    let tasks = prop_oneof![1 => Just(1..2_usize), 4 => Just(0..40_usize)];
    (prop::collection::vec(device(), 0..8), tasks, prop::bool::weighted(0.7)).prop_flat_map(
        |(devices, count, early)| {
            let tasks = prop::collection::vec(task(devices.len()), count);
            let binding = if early { Binding::Early } else { Binding::Late };
            (Just(devices), tasks).prop_map(move |(devices, tasks)| Situation { binding, devices, tasks })
        },
    )
}

impl Situation {
    fn draft(&self) -> RoundBuilder {
        let mut draft = round().binding(self.binding);
        let name = |device: usize| format!("d{device}");
        for (n, device) in self.devices.iter().enumerate() {
            draft = draft.device(&name(n), device.slots).in_flight(device.in_flight).queued(device.queued);
            draft = draft.capabilities(device.capabilities.iter().copied());
            if let Some(os) = device.os {
                draft = draft.os(os);
            }
            if !device.available {
                draft = draft.unavailable();
            }
        }
        for (n, task) in self.tasks.iter().enumerate() {
            draft = draft.ready(&format!("t{n}"), []).needs(task.needs.iter().copied());
            if let Some(os) = task.os {
                draft = draft.needs_os(os);
            }
            if let Some(device) = task.prefer {
                draft = draft.prefer(&name(device));
            }
            if let Some(device) = task.pin {
                draft = draft.on(&name(device));
            }
        }
        draft
    }

    /// Where each task goes, if `choose` picks among its candidates, told how many tasks this round has
    /// placed on each device.
    fn placed(&self, mut choose: impl FnMut(&Task, &[usize], &[u32]) -> Option<usize>) -> Vec<Option<usize>> {
        let mut placed = vec![0; self.devices.len()];
        let mut places = Vec::new();
        for task in &self.tasks {
            let fits = |(n, device): (usize, &Device)| {
                let eligible = task.pin.is_none_or(|pin| pin == n)
                    && task.os.is_none_or(|os| device.os == Some(os))
                    && task.needs.is_subset(&device.capabilities);
                let free = self.binding == Binding::Early || device.in_flight + placed[n] < device.slots;
                (eligible && device.available && free).then_some(n)
            };
            let candidates: Vec<usize> = self.devices.iter().enumerate().filter_map(fits).collect();
            let preferred = task.prefer.filter(|device| candidates.contains(device));
            let place = preferred.or_else(|| choose(task, &candidates, &placed));
            if let Some(device) = place {
                placed[device] += 1;
            }
            places.push(place);
        }
        places
    }

    fn round_robin(&self, mut k: usize) -> Vec<Option<usize>> {
        self.placed(|_, candidates, _| {
            let device = *candidates.get(k.checked_rem(candidates.len())?)?;
            k += 1;
            Some(device)
        })
    }

    fn least_loaded(&self, surplus: impl Fn(&Task, &Device) -> usize) -> Vec<Option<usize>> {
        self.placed(|task, candidates, placed| {
            let load = |n: usize| self.devices[n].in_flight + self.devices[n].queued + placed[n];
            let slots = |n: usize| self.devices[n].slots;
            let spare = |n: usize| surplus(task, &self.devices[n]);
            candidates.iter().copied().min_by(|a, b| {
                let ratio = (load(*a) * slots(*b)).cmp(&(load(*b) * slots(*a)));
                ratio.then(spare(*a).cmp(&spare(*b))).then(a.cmp(b))
            })
        })
    }

    /// Where a strategy places the tasks.
    fn by(&self, strategy: &impl AssignmentStrategy) -> Vec<Option<usize>> {
        let scene = self.draft().build();
        let mut round = scene.round();
        strategy.assign(&mut round).expect("placements fit");
        round.tasks().iter().map(|task| round.placement(task.ix).map(DeviceIx::at)).collect()
    }
}

proptest! {
    #[test]
    fn load_balance_takes_the_least_loaded_device(situation in situation()) {
        prop_assert_eq!(situation.by(&LoadBalance), situation.least_loaded(|_, _| 0));
    }

    #[test]
    fn capability_match_takes_the_least_loaded_and_then_least_able_device(situation in situation()) {
        let surplus = |task: &Task, device: &Device| device.capabilities.difference(&task.needs).count();
        prop_assert_eq!(situation.by(&CapabilityMatch), situation.least_loaded(surplus));
    }

    #[test]
    fn round_robin_takes_devices_in_turn(situation in situation(), before in 0..20_usize) {
        let plan = |n| Placement {
            task: TaskId::new(format!("before{n}")).expect("id").into(),
            device: Some(DeviceId::new("somewhere").expect("id").into()),
        };
        let mut robin = RoundRobin::default();
        robin.observe(&Event::TasksPlaced { assignments: (0..before).map(plan).collect() });
        prop_assert_eq!(situation.by(&robin), situation.round_robin(before));
    }
}
