//! Points, rectangles and tracks, in pixels.

/// Where the layers lead.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Frame {
    /// Layers are columns.
    #[default]
    LeftToRight,
    /// Layers are rows.
    TopDown,
}

/// A point of the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

impl Frame {
    /// The point at a distance along the layers and one across them.
    pub(crate) fn point(self, along: f64, across: f64) -> Point {
        match self {
            Self::LeftToRight => Point { x: along, y: across },
            Self::TopDown => Point { x: across, y: along },
        }
    }

    /// What is along and what is across, of a width and a height.
    pub(crate) fn turned(self, width: f64, height: f64) -> (f64, f64) {
        match self {
            Self::LeftToRight => (width, height),
            Self::TopDown => (height, width),
        }
    }
}

/// A rectangle with its sides along the axes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rect {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Rect {
    /// The rectangle of a size around a point.
    pub(crate) fn around(centre: Point, width: f64, height: f64) -> Self {
        Self { x: centre.x - width / 2.0, y: centre.y - height / 2.0, width, height }
    }

    /// The point in the middle.
    pub(crate) fn centre(&self) -> Point {
        Point { x: self.x + self.width / 2.0, y: self.y + self.height / 2.0 }
    }

    /// Whether the two share more than a border.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.x < other.x + other.width
            && other.x < self.x + self.width
            && self.y < other.y + other.height
            && other.y < self.y + self.height
    }

    /// Moves it.
    pub(super) fn shift(&mut self, by: Point) {
        self.x += by.x;
        self.y += by.y;
    }
}

/// A part of a track.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    /// Straight to a point.
    Line(Point),
    /// A cubic curve with two handles to a point.
    Curve(Point, Point, Point),
}

impl Step {
    fn points(&mut self) -> impl Iterator<Item = &mut Point> {
        let (first, second, third) = match self {
            Self::Line(end) => (None, None, end),
            Self::Curve(one, two, end) => (Some(one), Some(two), end),
        };
        first.into_iter().chain(second).chain([third])
    }
}

/// The way of an arrow, with its head and its label.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Track {
    pub(crate) start: Point,
    pub(crate) steps: Vec<Step>,
    /// The tip of the head, then its two other corners.
    pub(crate) head: [Point; 3],
    /// Where the text is.
    pub(crate) label: Option<Rect>,
}

impl Track {
    fn points(&mut self) -> impl Iterator<Item = &mut Point> {
        let steps = self.steps.iter_mut().flat_map(Step::points);
        [&mut self.start].into_iter().chain(steps).chain(&mut self.head)
    }

    /// Moves it.
    pub(super) fn shift(&mut self, by: Point) {
        self.points().for_each(|point| {
            point.x += by.x;
            point.y += by.y;
        });
        if let Some(label) = &mut self.label {
            label.shift(by);
        }
    }
}

/// Boxes and tracks with the numbers they have in the picture, and the room they take.
#[derive(Clone, Debug, Default)]
pub(super) struct Patch {
    pub(super) boxes: Vec<(usize, Rect)>,
    pub(super) tracks: Vec<(usize, Track)>,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Patch {
    /// Moves everything to the corner of the picture and measures it.
    pub(super) fn trim(&mut self) {
        let (mut low, mut high) = (Point { x: f64::MAX, y: f64::MAX }, Point { x: f64::MIN, y: f64::MIN });
        let mut cover = |x: f64, y: f64| {
            low = Point { x: low.x.min(x), y: low.y.min(y) };
            high = Point { x: high.x.max(x), y: high.y.max(y) };
        };
        let labels = self.tracks.iter().filter_map(|(_, track)| track.label.as_ref());
        for rect in self.boxes.iter().map(|(_, rect)| rect).chain(labels) {
            cover(rect.x, rect.y);
            cover(rect.x + rect.width, rect.y + rect.height);
        }
        for (_, track) in &mut self.tracks {
            track.points().for_each(|point| cover(point.x, point.y));
        }
        if low.x > high.x {
            return;
        }
        self.shift(Point { x: -low.x, y: -low.y });
        (self.width, self.height) = (high.x - low.x, high.y - low.y);
    }

    /// Moves everything.
    pub(super) fn shift(&mut self, by: Point) {
        self.boxes.iter_mut().for_each(|(_, rect)| rect.shift(by));
        self.tracks.iter_mut().for_each(|(_, track)| track.shift(by));
    }
}
