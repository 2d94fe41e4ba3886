//! A picture, read back.

use roxmltree::{Document, Node};
use starline_types::GraphSpec;

/// Left, top, right and bottom.
type Bounds = [f64; 4];

/// What a picture of tasks shows.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    pub(crate) size: (f64, f64),
    /// Id and place of every box.
    pub(crate) boxes: Vec<(String, Bounds)>,
    pub(crate) arrows: Vec<Arrow>,
    pub(crate) labels: Vec<(String, Bounds)>,
    /// All titles.
    pub(crate) titles: Vec<String>,
    /// All texts.
    pub(crate) texts: Vec<String>,
}

/// An arrow with points on its way, its tip last.
#[derive(Debug)]
pub(crate) struct Arrow {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) class: String,
    pub(crate) points: Vec<(f64, f64)>,
}

impl Picture {
    /// Reads a picture; panics if it is no XML or holds what no picture may hold.
    pub(crate) fn read(markup: &str) -> Self {
        let document = Document::parse(markup).unwrap_or_else(|error| panic!("{error}\n{markup}"));
        let root = document.root_element();
        assert_eq!(root.tag_name().name(), "svg");
        assert_eq!((attribute(root, "role"), attribute(root, "aria-label").is_empty()), ("img", false));
        let mut picture = Self { size: (number(root, "width"), number(root, "height")), ..Self::default() };
        for node in root.descendants().filter(Node::is_element) {
            picture.take(node);
        }
        picture
    }

    fn take(&mut self, node: Node<'_, '_>) {
        const KNOWN: [&str; 7] = ["svg", "g", "style", "title", "rect", "path", "text"];
        let name = node.tag_name().name();
        assert!(KNOWN.contains(&name), "element {name}");
        for attribute in node.attributes() {
            let name = attribute.name();
            assert!(!name.starts_with("on") && !name.contains("href") && name != "style", "attribute {name}");
        }
        match name {
            "title" => self.titles.push(text(node).to_owned()),
            "text" => self.texts.push(text(node).to_owned()),
            "style" => assert!(!["url(", "@import", "@font", "<"].iter().any(|bad| text(node).contains(bad))),
            _ => {}
        }
        if let Some(task) = node.attribute("data-task") {
            self.boxes.push((task.to_owned(), bounds(child(node, "slg-box"))));
        }
        if let Some(from) = node.attribute("data-from") {
            let mut points = path(attribute(child(node, "slg-line"), "d"));
            points.push(path(attribute(child(node, "slg-head"), "d"))[0]);
            let (from, to) = (from.to_owned(), attribute(node, "data-to").to_owned());
            self.arrows.push(Arrow { from, to, class: attribute(node, "class").to_owned(), points });
        }
        let labelled = node.children().find(|child| child.attribute("class") == Some("slg-label"));
        if let Some(label) = labelled {
            self.labels.push((text(label).to_owned(), bounds(child(node, "slg-page"))));
        }
    }

    /// Place of a box.
    pub(crate) fn place(&self, task: &str) -> Bounds {
        self.boxes.iter().find(|(id, _)| id == task).unwrap_or_else(|| panic!("no box {task}")).1
    }

    /// What must hold for every picture of tasks: all of the graph once, boxes apart, everything inside.
    pub(crate) fn check(&self, graph: &GraphSpec) {
        let mut drawn: Vec<&str> = self.boxes.iter().map(|(id, _)| id.as_str()).collect();
        let mut wanted: Vec<&str> = graph.tasks.iter().map(|task| task.id.as_str()).collect();
        drawn.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(drawn, wanted);
        let kind = |class: &str| class.trim_start_matches("slg-on-").to_owned();
        let mut drawn: Vec<(&str, &str, String)> = self
            .arrows
            .iter()
            .map(|arrow| (arrow.from.as_str(), arrow.to.as_str(), kind(&arrow.class)))
            .collect();
        let word = |edge: &starline_types::Dependency| {
            edge.kind.to_string().split('(').next().unwrap_or_default().to_owned()
        };
        let mut wanted: Vec<(&str, &str, String)> = graph
            .dependencies
            .iter()
            .map(|edge| (edge.from.as_str(), edge.to.as_str(), word(edge)))
            .collect();
        drawn.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(drawn, wanted);

        for (at, (one, place)) in self.boxes.iter().enumerate() {
            for (other, beside) in &self.boxes[..at] {
                assert!(!overlap(*place, *beside), "{one} and {other} overlap: {place:?}, {beside:?}");
            }
            for (label, beside) in &self.labels {
                assert!(!overlap(*place, *beside), "{one} and label {label} overlap: {place:?}, {beside:?}");
            }
        }
        let inside = |x: f64, y: f64| x >= 0.0 && y >= 0.0 && x <= self.size.0 && y <= self.size.1;
        let corners = self.boxes.iter().chain(&self.labels).map(|(_, place)| *place);
        let points = self.arrows.iter().flat_map(|arrow| arrow.points.iter().copied());
        let all = corners.flat_map(|[left, top, right, bottom]| [(left, top), (right, bottom)]).chain(points);
        for (x, y) in all {
            assert!(inside(x, y), "({x}, {y}) is outside {:?}", self.size);
        }
    }

    /// What holds for graphs without cycles whose arrows all have their bends: arrows lead forward, and over no box.
    pub(crate) fn check_ways(&self) {
        let (mut columns, mut rows) = (true, true);
        for arrow in &self.arrows {
            let (from, to) = (self.place(&arrow.from), self.place(&arrow.to));
            columns &= from[2] < to[0];
            rows &= from[3] < to[1];
            for (id, place) in &self.boxes {
                let within = arrow.points.iter().find(|(x, y)| {
                    *x > place[0] + 0.2 && *x < place[2] - 0.2 && *y > place[1] + 0.2 && *y < place[3] - 0.2
                });
                assert!(within.is_none(), "{} -> {} runs over {id}", arrow.from, arrow.to);
            }
        }
        assert!(columns || rows, "an arrow leads back");
    }
}

fn overlap(one: Bounds, other: Bounds) -> bool {
    one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3]
}

fn attribute<'n>(node: Node<'n, '_>, name: &str) -> &'n str {
    node.attribute(name).unwrap_or_else(|| panic!("no attribute {name}"))
}

fn number(node: Node<'_, '_>, name: &str) -> f64 {
    attribute(node, name).parse().expect("a number")
}

fn text<'n>(node: Node<'n, '_>) -> &'n str {
    node.text().unwrap_or_default()
}

fn child<'n, 'i>(node: Node<'n, 'i>, class: &str) -> Node<'n, 'i> {
    node.children()
        .find(|child| child.attribute("class") == Some(class))
        .unwrap_or_else(|| panic!("no {class}"))
}

fn bounds(rect: Node<'_, '_>) -> Bounds {
    let [x, y, width, height] = ["x", "y", "width", "height"].map(|name| number(rect, name));
    [x, y, x + width, y + height]
}

/// Points on a path of absolute moves, lines and cubic curves.
fn path(markup: &str) -> Vec<(f64, f64)> {
    let mut points: Vec<(f64, f64)> = Vec::new();
    for part in markup.split(['M', 'L', 'Z']) {
        for (at, piece) in part.split('C').enumerate() {
            let numbers: Vec<f64> =
                piece.split_whitespace().map(|number| number.parse().expect("a number")).collect();
            let pairs: Vec<(f64, f64)> = numbers.chunks(2).map(|pair| (pair[0], pair[1])).collect();
            match (at, pairs.as_slice()) {
                (0, pairs) => points.extend(pairs),
                (_, [one, two, end]) => {
                    let start = *points.last().expect("a start");
                    points
                        .extend((1..=24).map(|step| curve(start, *one, *two, *end, f64::from(step) / 24.0)));
                }
                (_, other) => panic!("a curve of {} points", other.len()),
            }
        }
    }
    points
}

fn curve(start: (f64, f64), one: (f64, f64), two: (f64, f64), end: (f64, f64), t: f64) -> (f64, f64) {
    let (a, b) = ((1.0 - t).powi(3), 3.0 * t * (1.0 - t).powi(2));
    let (c, d) = (3.0 * t * t * (1.0 - t), t.powi(3));
    (a * start.0 + b * one.0 + c * two.0 + d * end.0, a * start.1 + b * one.1 + c * two.1 + d * end.1)
}
