//! What holds for every drawing.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use starline_types::{
    ApprovalGate, Dependency, DependencyKind, DeviceSelector, GraphSpec, Payload, Prompt, Reading,
    TaskDetails, TaskId,
};
use starline_workflow::{SvgOptions, to_svg, to_svg_with};

use super::picture::Picture;
use super::{id, task};

const READINGS: [Reading; 14] = [
    Reading::Blocked,
    Reading::Waiting,
    Reading::Held,
    Reading::AwaitingApproval,
    Reading::Backoff,
    Reading::Unplaced,
    Reading::Queued,
    Reading::Ready,
    Reading::Running,
    Reading::Cancelling,
    Reading::Completed,
    Reading::Failed,
    Reading::Cancelled,
    Reading::Skipped,
];

/// Texts that want to be markup, and texts that are hard to draw.
const HOSTILE: [&str; 12] = [
    "",
    "plain",
    "</text><script>alert(1)</script>",
    "\" onload=\"alert(1)",
    "' onclick='x",
    "]]><!--",
    "&amp;&#x0;&unknown;",
    "a\0b\u{1}\u{8}\u{b}\u{7f}\u{85}\u{FFFE}\u{FFFF}",
    "left\u{202E}right\u{2066}\u{FEFF}",
    "two\r\nlines\tand\u{2028}more",
    "日本語の名前がとても長い場合でも箱に収まる必要があります🦀🦀🦀🦀",
    "\u{300}\u{300}\u{300}",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(HOSTILE.as_slice()).prop_map(str::to_owned),
        any::<String>(),
        "[ -~]{0,80}"
    ]
}

fn kind() -> impl Strategy<Value = DependencyKind> {
    prop_oneof![
        4 => Just(DependencyKind::Success),
        1 => Just(DependencyKind::Failure),
        1 => Just(DependencyKind::Completion),
        1 => text().prop_map(|text| DependencyKind::When(text.into())),
    ]
}

/// A name, a gate, a selector, whether it is a prompt, and a state.
type Extra = (Option<String>, bool, Option<String>, bool, Option<usize>);

fn extra() -> impl Strategy<Value = Extra> {
    (option::of(text()), any::<bool>(), option::of(text()), any::<bool>(), option::of(0..READINGS.len()))
}

type States = BTreeMap<TaskId, Reading>;

/// A graph with ids of many lengths, from edges that may lead anywhere.
fn assembled(
    name: String,
    extras: Vec<Extra>,
    edges: Vec<(usize, usize, DependencyKind, Option<String>)>,
    forward: bool,
) -> (GraphSpec, States) {
    let name_of = |number: usize| id(&format!("{}{number}", "x_".repeat(number * 7 % 23)));
    let count = extras.len();
    let mut states = States::new();
    let mut tasks = Vec::new();
    for (number, (name, gate, os, prompts, reading)) in extras.into_iter().enumerate() {
        let mut task = task(name_of(number).as_str());
        let approval =
            gate.then(|| ApprovalGate { prompt: name.clone().unwrap_or_default(), ..Default::default() });
        task.details = Some(Arc::new(TaskDetails { name, approval, ..TaskDetails::default() }));
        task.device = os.map(|os| Arc::new(DeviceSelector { os: Some(os), ..DeviceSelector::default() }));
        if prompts {
            task.run = Payload::Prompt(Arc::new(Prompt { text: "say it".to_owned() }));
        }
        states.extend(reading.map(|reading| (task.id.clone(), READINGS[reading])));
        tasks.push(Arc::new(task));
    }
    let edge = |(a, b, kind, note): (usize, usize, DependencyKind, Option<String>)| {
        let (a, b) = (a % count.max(1), b % count.max(1));
        let (from, to) = if forward { (a.min(b), a.max(b)) } else { (a, b) };
        let note = note.map(Into::into);
        (!forward || from != to).then(|| Dependency {
            id: None,
            from: name_of(from),
            to: name_of(to),
            kind,
            note,
        })
    };
    let dependencies = edges.into_iter().filter_map(edge).filter(|_| count > 0).collect();
    (GraphSpec { name, tasks, dependencies, ..GraphSpec::default() }, states)
}

fn drawn(forward: bool) -> impl Strategy<Value = (GraphSpec, States)> {
    let edge = (any::<usize>(), any::<usize>(), kind(), option::of(text()));
    (text(), vec(extra(), 0..24), vec(edge, 0..48))
        .prop_map(move |(name, extras, edges)| assembled(name, extras, edges, forward))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn valid_graphs_are_drawn_whole_and_apart((graph, states) in drawn(true)) {
        let markup = to_svg(&graph, Some(&states));
        prop_assert_eq!(&markup, &to_svg(&graph.clone(), Some(&states)));
        let picture = Picture::read(&markup);
        picture.check(&graph);
        picture.check_ways();
        Picture::read(&to_svg(&graph, None)).check_ways();
    }

    #[test]
    fn graphs_with_cycles_are_drawn_as_well((graph, states) in drawn(false)) {
        let options = SvgOptions { states: Some(&states), standalone: true };
        Picture::read(&to_svg_with(&graph, &options)).check(&graph);
    }
}
