//! Whether layers are columns or rows.

use super::component::Component;
use super::geometry::Frame;
use super::whole::Demand;

/// Pictures narrower than this are read without scrolling to the side.
const WIDE: f64 = 2400.0;
/// How much wider than high a picture of columns may be.
const FLAT: f64 = 5.0;
/// Space between two layers and between two boxes, roughly.
const GAPS: (f64, f64) = (64.0, 20.0);

/// Columns, unless they would make a long and flat band; then rows, which a page scrolls through.
pub(super) fn direction(parts: &[Component], demand: &Demand) -> Frame {
    let size = |frame: Frame| {
        let extents = demand.boxes.iter().map(|(width, height)| frame.turned(*width, *height));
        let (along, across) =
            extents.fold((0.0_f64, 0.0_f64), |most, each| (most.0.max(each.0), most.1.max(each.1)));
        let depth = parts.iter().map(Component::depth).max().unwrap_or(0);
        let breadth = parts.iter().map(Component::breadth).max().unwrap_or(0);
        (depth as f64 * (along + GAPS.0), breadth as f64 * (across + GAPS.1))
    };
    let (width, height) = size(Frame::LeftToRight);
    let (_, width_of_rows) = size(Frame::TopDown);
    if width > WIDE && width > FLAT * height && width_of_rows < width {
        Frame::TopDown
    } else {
        Frame::LeftToRight
    }
}
