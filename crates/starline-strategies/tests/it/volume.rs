//! A round as large as a run may be.

use starline_assign::testing::round;
use starline_assign::{
    AssignmentStrategy, Binding, ClassIx, DeviceId, DeviceIx, DeviceLoad, DeviceProfile, Payload, Round,
    RoundInput, TaskId, TaskIx, TaskSpec, Unplaced,
};
use starline_strategies::{NAMES, by_name};

const TASKS: u32 = 1_000_000;
const DEVICES: u32 = 64;
const CLASSES: u32 = 8;

#[test]
fn a_million_tasks_on_64_devices_are_placed_evenly() {
    let spec = TaskSpec::new(TaskId::new("t").expect("id"), Payload::Noop);
    let tasks: Vec<_> = (0..TASKS)
        .map(|n| Unplaced {
            ix: TaskIx(n),
            class: ClassIx(n % CLASSES),
            prefer: (n % 16 == 3).then_some(DeviceIx(n / 16 % DEVICES)),
            spec: &spec,
        })
        .collect();
    let id = |n| DeviceId::new(format!("d{n}")).expect("id");
    let profiles: Vec<_> = (0..DEVICES).map(|n| DeviceProfile::new(id(n), "test").with_slots(4)).collect();
    let devices: Vec<_> = profiles
        .iter()
        .map(|profile| DeviceLoad { profile, in_flight: 0, queued: 0, available: true })
        .collect();
    // Every class lacks other devices, so that each one makes the order of the others go out of date.
    let classes: Vec<Vec<DeviceIx>> = (0..CLASSES)
        .map(|class| (0..DEVICES).filter(|n| n % CLASSES != class).map(DeviceIx).collect())
        .collect();
    let scene = round().build();
    for name in NAMES {
        let strategy = by_name(name).expect("a known name");
        let mut round = Round::new(RoundInput {
            binding: Binding::Early,
            graph: scene.graph(),
            tasks: &tasks,
            devices: &devices,
            classes: &classes,
        });
        strategy.assign(&mut round).expect("placements fit");
        let mut loads = [0_u32; DEVICES as usize];
        for (_, device) in round.into_placements() {
            loads[device.at()] += 1;
        }
        assert_eq!(loads.iter().sum::<u32>(), TASKS, "{name} left tasks out");
        let (least, most) = (loads.iter().min().expect("devices"), loads.iter().max().expect("devices"));
        if name != "round_robin" {
            assert!(most - least <= 1, "{name} is not even: {least} to {most}");
        }
    }
}
