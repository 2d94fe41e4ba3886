//! A strategy with a witness, who was told the same facts and must decide the same.

use starline_assign::{
    AssignmentStrategy, Binding, ClassIx, DeviceIx, DeviceLoad, Event, PlaceError, Round, RoundInput, TaskIx,
};

use crate::strategy::MakeStrategy;

/// A strategy that is compared, in each round, with one that is rebuilt from the facts of the run.
#[derive(Debug)]
pub(crate) struct Watched {
    make: MakeStrategy,
    live: Box<dyn AssignmentStrategy>,
    facts: Vec<Event>,
    /// Whether what the strategy leaves out is placed all the same.
    fills: bool,
}

impl Watched {
    pub(crate) fn new(make: MakeStrategy, fills: bool) -> Self {
        Self { make, live: make(), facts: Vec::new(), fills }
    }
}

impl AssignmentStrategy for Watched {
    fn name(&self) -> &'static str {
        self.live.name()
    }

    fn binding(&self) -> Binding {
        self.live.binding()
    }

    /// # Panics
    /// The strategy errs, or decides otherwise when it is asked again or rebuilt from facts.
    fn assign(&self, round: &mut Round<'_>) -> Result<(), PlaceError> {
        let twin = Twin::of(round);
        let said = self.live.assign(round);
        assert!(said.is_ok(), "the strategy erred: {said:?}");
        let placed: Vec<_> = round.placements().collect();
        let again = twin.placements(round, self.live.as_ref());
        assert_eq!(placed, again, "equal rounds were placed differently after {} facts", self.facts.len());
        // The journal may be read into a strategy that has lived through the run: it begins anew then.
        let mut rebuilt = (self.make)();
        for reading in ["once", "twice"] {
            self.facts.iter().for_each(|fact| rebuilt.observe(fact));
            let restored = twin.placements(round, rebuilt.as_ref());
            assert_eq!(
                placed,
                restored,
                "a strategy restored from {} facts, told {reading}, decides differently; the last one is {:?}",
                self.facts.len(),
                self.facts.last(),
            );
        }
        for task in round.tasks().iter().filter(|_| self.fills) {
            let first = round.candidates(task.ix).iter().next();
            if let Some(device) = first.filter(|_| round.placement(task.ix).is_none()) {
                round.place(task.ix, device.ix)?;
            }
        }
        Ok(())
    }

    fn observe(&mut self, event: &Event) {
        if matches!(event, Event::RunCreated { .. }) {
            self.facts.clear(); // Everything begins anew.
        }
        self.facts.push(event.clone());
        self.live.observe(event);
    }
}

/// What is needed to play a round again.
struct Twin<'a> {
    devices: Vec<DeviceLoad<'a>>,
    classes: Vec<Vec<DeviceIx>>,
}

impl<'a> Twin<'a> {
    /// Copies a round before anything is placed in it.
    fn of(round: &Round<'a>) -> Self {
        let count = round.tasks().iter().map(|task| task.class.at() + 1).max().unwrap_or(0);
        let (mut known, mut classes) = (Vec::new(), Vec::new());
        for class in (0..).map(ClassIx).take(count) {
            let candidates = round.candidates_of(class);
            let found: Vec<_> = (0..candidates.len()).filter_map(|place| candidates.nth(place)).collect();
            classes.push(found.iter().map(|device| device.ix).collect());
            known.extend(found);
        }
        let mut devices: Vec<Option<DeviceLoad<'a>>> = Vec::new();
        for device in known {
            if devices.len() <= device.ix.at() {
                devices.resize(device.ix.at() + 1, None);
            }
            devices[device.ix.at()] = Some(DeviceLoad {
                // Number of slots and load are taken over as they are shown.
                profile: device.profile,
                in_flight: device.in_flight,
                queued: device.queued,
                available: true,
            });
        }
        // Devices that no task may use are in no class, so nobody can see what stands for them.
        let stand_in = devices.iter().flatten().next().cloned();
        let devices = devices.into_iter().filter_map(|device| device.or_else(|| stand_in.clone())).collect();
        Self { devices, classes }
    }

    fn placements(&self, round: &Round<'a>, strategy: &dyn AssignmentStrategy) -> Vec<(TaskIx, DeviceIx)> {
        let mut again = Round::new(RoundInput {
            binding: round.binding(),
            graph: round.graph(),
            tasks: round.tasks(),
            devices: &self.devices,
            classes: &self.classes,
        });
        let said = strategy.assign(&mut again);
        assert!(said.is_ok(), "the strategy erred in a round that it had placed before: {said:?}");
        again.into_placements()
    }
}
