//! A picture with every task.

use super::boxes::Card;
use super::edges::{draw_edge, draw_label, label, style_of};
use super::head::Head;
use super::subject::Subject;
use crate::svg::layout::{Demand, Line, Point, layout};

/// Draws every task and every dependency between known ones.
pub(crate) fn draw_tasks(subject: &Subject<'_>) -> String {
    let cards = cards(subject);
    let labels: Vec<(String, f64)> = subject.edges.iter().map(|edge| label(&edge.dependency.kind)).collect();
    let line = |(edge, (_, width)): (&super::subject::Edge<'_>, &(String, f64))| Line {
        from: edge.from,
        to: edge.to,
        style: style_of(&edge.dependency.kind),
        label: *width,
    };
    let demand = Demand {
        boxes: cards.iter().map(|card| (card.width, card.height)).collect(),
        lines: subject.edges.iter().zip(&labels).map(line).collect(),
    };
    let mut layout = layout(&demand);
    let head = Head::new(subject, (layout.width, layout.height), "", true);
    layout.shift(Point { x: head.corner.0, y: head.corner.1 });
    let mut picture = head.markup;
    picture.push_str("<g class=\"slg-edges\">\n");
    let edges = || subject.edges.iter().zip(&layout.tracks);
    edges().for_each(|(edge, track)| draw_edge(&mut picture, edge.dependency, track));
    picture.push_str("</g>\n<g class=\"slg-labels\">\n");
    for ((edge, track), (label, _)) in edges().zip(&labels) {
        draw_label(&mut picture, edge.dependency, label, track);
    }
    picture.push_str("</g>\n<g class=\"slg-tasks\">\n");
    for (card, place) in cards.iter().zip(&layout.boxes) {
        card.draw(&mut picture, *place);
    }
    picture.push_str("</g>\n</svg>\n");
    picture
}

/// The boxes; those without arrows have one width, so that they line up.
fn cards<'a>(subject: &Subject<'a>) -> Vec<Card<'a>> {
    let pairs = subject.graph.tasks.iter().zip(&subject.readings);
    let mut cards: Vec<Card<'a>> = pairs.map(|(task, reading)| Card::new(task, *reading)).collect();
    let mut alone = vec![true; cards.len()];
    for edge in &subject.edges {
        alone[edge.from] = false;
        alone[edge.to] = false;
    }
    let alone = || alone.iter().enumerate().filter_map(|(at, alone)| alone.then_some(at));
    let widest = alone().map(|at| cards[at].width).fold(0.0, f64::max);
    alone().for_each(|at| cards[at].width = widest);
    cards
}
