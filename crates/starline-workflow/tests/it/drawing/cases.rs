//! Drawings of certain graphs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use starline_types::{
    ApprovalGate, Dependency, DependencyKind, DeviceId, DeviceSelector, GraphSpec, Reading, TaskDetails,
};
use starline_workflow::{LoadOptions, SvgOptions, Workflow, import_wfformat, to_svg, to_svg_with};

use super::picture::Picture;
use super::{graph, id, plain, task};

fn checked(graph: &GraphSpec) -> Picture {
    let picture = Picture::read(&to_svg(graph, None));
    picture.check(graph);
    picture.check_ways();
    picture
}

#[test]
fn nothing_is_a_picture_too() {
    let empty = Picture::read(&to_svg(&GraphSpec::default(), None));
    assert_eq!(empty.texts, ["0 tasks, 0 dependencies"]);
    let one = checked(&graph(1, []));
    assert_eq!(one.texts, ["drawn", "1 task, 0 dependencies", "t0", "sleep"]);
}

#[test]
fn a_diamond_is_even() {
    let picture = checked(&graph(4, plain([(0, 1), (0, 2), (1, 3), (2, 3)])));
    let middle = |task: &str| (picture.place(task)[1] + picture.place(task)[3]) / 2.0;
    assert_eq!(middle("t0"), middle("t3"));
    assert!((middle("t1") + middle("t2") - 2.0 * middle("t0")).abs() < 0.3);
    assert_eq!(picture.place("t1")[0], picture.place("t2")[0]);
}

#[test]
fn long_arrows_are_straight_between_their_ends() {
    let mut edges = plain((1..7).map(|at| (at - 1, at)));
    edges.extend(plain([(0, 6)]));
    let picture = checked(&graph(7, edges));
    let long =
        picture.arrows.iter().find(|arrow| arrow.from == "t0" && arrow.to == "t6").expect("the long one");
    let (first, last) = (picture.place("t1")[0], picture.place("t5")[2]);
    let between: Vec<f64> =
        long.points.iter().filter(|(x, _)| *x >= first && *x <= last).map(|(_, y)| *y).collect();
    assert!(between.len() >= 2 && between.windows(2).all(|two| two[0] == two[1]), "{between:?}");
}

#[test]
fn wide_and_long_graphs_are_readable() {
    let fan = checked(&graph(201, plain((1..=200).map(|at| (0, at)))));
    let rows: std::collections::BTreeSet<u64> =
        fan.boxes.iter().filter(|(id, _)| id != "t0").map(|(_, place)| place[1] as u64).collect();
    assert_eq!(rows.len(), 200);
    // A long chain goes down the page, not out of it.
    let chain = checked(&graph(100, plain((1..100).map(|at| (at - 1, at)))));
    assert!(chain.size.0 < 600.0, "{:?}", chain.size);
    let lefts: Vec<f64> = chain.boxes.iter().map(|(_, place)| place[0] + place[2]).collect();
    assert!(lefts.windows(2).all(|two| (two[0] - two[1]).abs() <= 1.0));
}

#[test]
fn parts_are_packed() {
    // Thirty tasks alone, and five pairs.
    let picture = checked(&graph(40, plain((0..5).map(|at| (30 + 2 * at, 31 + 2 * at)))));
    let (width, height) = picture.size;
    assert!(width < 1500.0 && height < 1500.0, "{:?}", picture.size);
    let filled: f64 = picture.boxes.iter().map(|(_, [l, t, r, b])| (r - l) * (b - t)).sum();
    assert!(filled / (width * height) > 0.25, "{}", filled / (width * height));
}

#[test]
fn a_box_tells_what_it_is_about() {
    let mut gated = task("deploy");
    gated.details = Some(Arc::new(TaskDetails {
        name: Some("Put it <online>".to_owned()),
        approval: Some(ApprovalGate { prompt: "now?".to_owned(), ..ApprovalGate::default() }),
        ..TaskDetails::default()
    }));
    gated.device = Some(Arc::new(DeviceSelector {
        on: Some(DeviceId::new("vault").expect("an id")),
        needs: vec!["net".to_owned(), "disk".to_owned()],
        ..DeviceSelector::default()
    }));
    let graph = GraphSpec { tasks: vec![Arc::new(gated)], ..GraphSpec::default() };
    let states = BTreeMap::from([(id("deploy"), Reading::AwaitingApproval)]);
    let markup = to_svg(&graph, Some(&states));
    let picture = Picture::read(&markup);
    let about = "deploy\nname: Put it <online>\nstate: awaiting approval\nkind: sleep\n\
                 device: on vault, needs net disk\ngate: now?";
    assert_eq!(picture.titles, [about]);
    for shown in ["deploy", "Put it <online>", "awaiting approval", "awaiting approval 1", "sleep", "gate"] {
        assert!(picture.texts.iter().any(|text| text == shown), "{shown} in {:?}", picture.texts);
    }
    assert!(markup.contains("slg-task slg-is-awaiting_approval"));
}

#[test]
fn texts_never_become_markup() {
    let bad = "</text></title></style><script>alert(1)</script>\" onload='x'\u{0}\u{1b}&#x0;";
    let mut hostile = graph(2, [(0, 1, DependencyKind::When(bad.into()))]);
    hostile.name = bad.to_owned();
    hostile.dependencies[0].note = Some(bad.into());
    let mut named = task("t2");
    named.details = Some(Arc::new(TaskDetails { name: Some(bad.to_owned()), ..TaskDetails::default() }));
    hostile.tasks.push(Arc::new(named));
    let markup = to_svg_with(&hostile, &SvgOptions { states: None, standalone: true });
    assert!(
        !markup.contains("<script")
            && !markup.contains("onload='")
            && markup.matches("</style>").count() == 1
    );
    let picture = Picture::read(&markup);
    picture.check(&hostile);
    let kept = bad.replace(['\u{0}', '\u{1b}'], "\u{FFFD}");
    assert!(picture.titles.iter().filter(|title| title.contains(&kept)).count() >= 3, "{:?}", picture.titles);
}

#[test]
fn an_arrow_tells_its_kind() {
    let condition = "outputs.lines >= inputs.limit and outputs.lines < 1000000 and inputs.really_do_it";
    let kinds = [
        DependencyKind::Success,
        DependencyKind::Failure,
        DependencyKind::Completion,
        DependencyKind::When(condition.into()),
    ];
    // All four between the same two tasks.
    let mut graph = graph(2, kinds.map(|kind| (0, 1, kind)));
    graph.dependencies[3].note = Some("only if it is worth it".into());
    let picture = checked(&graph);
    let classes: Vec<&str> = picture.arrows.iter().map(|arrow| arrow.class.as_str()).collect();
    assert_eq!(classes, ["slg-on-success", "slg-on-failure", "slg-on-completion", "slg-on-when"]);
    let labels: Vec<&str> = picture.labels.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(labels[..2], ["failure", "completion"]);
    assert!(labels[2].starts_with("outputs.lines >= ") && labels[2].ends_with('…'), "{}", labels[2]);
    let title = format!("t0 -> t1\nwhen: {condition}\nnote: only if it is worth it");
    assert!(picture.titles.contains(&title), "{:?}", picture.titles);
    let mut ends: Vec<i64> = picture
        .arrows
        .iter()
        .filter_map(|arrow| arrow.points.last())
        .map(|(_, y)| (y * 10.0) as i64)
        .collect();
    ends.sort_unstable();
    ends.dedup();
    assert_eq!(ends.len(), 4, "every arrow has an end of its own");
    for (at, (_, one)) in picture.labels.iter().enumerate() {
        for (_, other) in &picture.labels[..at] {
            assert!(one[3] <= other[1] || other[3] <= one[1] || one[2] <= other[0] || other[2] <= one[0]);
        }
    }
}

#[test]
fn what_is_not_drawn_is_told() {
    let mut odd = graph(2, plain([(0, 1), (1, 1)]));
    odd.dependencies.push(Dependency::success(id("t0"), id("ghost")));
    odd.tasks.push(Arc::new(task("t0")));
    let picture = Picture::read(&to_svg(&odd, None));
    assert_eq!((picture.boxes.len(), picture.arrows.len()), (3, 2));
    assert!(picture.texts.iter().any(|text| text == "1 dependency of unknown tasks not drawn"));
}

#[test]
fn large_graphs_are_drawn_as_levels() {
    let edges = (1..4_000).flat_map(|at| [(at - 1) / 3, at / 2].map(|from| (from, at)));
    let large = graph(4_000, plain(edges.filter(|(from, to)| from != to)));
    let states = BTreeMap::from([(id("t0"), Reading::Completed), (id("t9"), Reading::Failed)]);
    let markup = to_svg(&large, Some(&states));
    assert!(markup.len() < 100_000, "{}", markup.len());
    let picture = Picture::read(&markup);
    assert!(picture.texts.iter().any(|text| text.starts_with("too large to draw task by task")));
    let total = |noun: &str| -> usize {
        let about = picture.texts.iter().skip(3).flat_map(|text| text.split(", "));
        about
            .filter(|text| text.contains(noun))
            .filter_map(|text| text.split(' ').next()?.parse::<usize>().ok())
            .sum()
    };
    assert_eq!((total("task"), total("dependenc")), (4_000, large.dependencies.len()));
    // A very long chain: levels share boxes.
    let chain = Picture::read(&to_svg(&graph(20_000, plain((1..20_000).map(|at| (at - 1, at)))), None));
    assert!(chain.size.1 < 6_000.0 && chain.texts.iter().any(|text| text.starts_with("levels 0 to ")));
}

#[test]
fn a_thousand_tasks_with_far_neighbours_are_drawn() {
    let far = |at: usize| [at * 7 / 11, at * 3 / 5 + 1, at - 1].map(|from| (from, at));
    let large = graph(1_000, plain((3..1_000).flat_map(far)));
    // Some arrows are too long for the bends there are: they run over boxes, and nothing else is lost.
    Picture::read(&to_svg(&large, None)).check(&large);
}

#[test]
fn files_and_pages_get_what_they_need() {
    let graph = graph(2, plain([(0, 1)]));
    let page = to_svg(&graph, None);
    assert!(page.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
    let file = to_svg_with(&graph, &SvgOptions { states: None, standalone: true });
    assert!(file.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg "));
    let titles = Picture::read(&file).titles;
    assert_eq!(titles[0], "Task graph drawn: 2 tasks, 1 dependency");
    assert!(page.contains("@media (prefers-color-scheme:dark)") && file.ends_with("</svg>\n"));
}

#[test]
fn the_example_is_drawn() {
    let file = include_bytes!("../../../../../docs/examples/nightly.yaml");
    let workflow = Workflow::parse(file, &LoadOptions::default()).expect("a valid file");
    let picture = checked(&workflow.graph);
    let labels: Vec<&str> = picture.labels.iter().map(|(text, _)| text.as_str()).collect();
    let whole = ["outputs.lines >= inputs.limit", "outputs.lines < inputs.limit"];
    assert_eq!(labels, [whole[0], whole[1], "completion", "completion", "completion"]);
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that misses its data says so")]
fn recorded_workflows_are_drawn() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/wfformat");
    let Ok(entries) = std::fs::read_dir(folder) else {
        eprintln!("skipped: no recorded workflows beside this folder");
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|extension| extension == "json") {
            let record = std::fs::read(&path).expect("a record");
            checked(&import_wfformat(&record).expect("a valid record").workflow.graph);
        }
    }
}
