//! Moments as Galaxy writes them (RFC 3339), and milliseconds since 1970.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// Milliseconds since 1970 of `2026-01-05T08:00:00.25+01:00`. Without an offset, UTC is meant.
pub(super) fn read(text: &str) -> Option<u64> {
    // Stricter than RFC 9557, which would take a date alone, and names of time zones.
    let bytes = text.as_bytes();
    let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    let is_whole = separators.iter().all(|(at, byte)| bytes.get(*at) == Some(byte));
    if !is_whole || text.contains('[') {
        return None;
    }
    let in_utc = || text.parse::<DateTime>().ok().and_then(|civil| Offset::UTC.to_timestamp(civil).ok());
    let moment = text.parse::<Timestamp>().ok().or_else(in_utc)?;
    u64::try_from(moment.as_millisecond()).ok()
}

/// `2026-01-05T08:00:00+00:00`, with six digits behind the second where they say something, as Galaxy does. What is
/// beyond the year 9999, where the format ends, is its end.
pub(super) fn write(millis: u64) -> String {
    let civil = civil(millis);
    let mut written = civil.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    if civil.millisecond() > 0 {
        let _ = write!(written, ".{:03}000", civil.millisecond());
    }
    written + "+00:00"
}

fn civil(millis: u64) -> DateTime {
    let moment = i64::try_from(millis).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    Offset::UTC.to_datetime(moment.unwrap_or(Timestamp::MAX))
}

/// `20260105_080000`, as it stands in the id of a constellation.
pub(super) fn stamp(millis: u64) -> String {
    civil(millis).strftime("%Y%m%d_%H%M%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_and_written() {
        for (text, millis) in [
            ("1970-01-01T00:00:00+00:00", 0),
            ("2000-02-29T12:00:00Z", 951_825_600_000),
            ("2026-01-05T08:00:00.25+01:00", 1_767_596_400_250),
            ("2026-01-05T07:00:00.250999", 1_767_596_400_250),
            ("2026-01-05T00:30:00-06:30", 1_767_596_400_000),
        ] {
            assert_eq!(read(text), Some(millis), "{text}");
            assert_eq!(read(&write(millis)), Some(millis), "{text}");
        }
        assert_eq!(write(1_767_596_400_250), "2026-01-05T07:00:00.250000+00:00");
        assert_eq!(stamp(1_767_596_400_250), "20260105_070000");
        for text in [
            "",
            "today",
            "2026-01-05",
            "2026-02-30T00:00:00Z",
            "2026-01-05T24:00:00Z",
            "1969-12-31T00:00:00Z",
            "2026-01-05T07:00:00.Z",
            "2026-01-05T07:00:00+1",
            "2026-13-05T07:00:00Z",
            "2026-01-05T07:00:00 é",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
        for day in (0..60_000).map(|day| day * 86_400_000 + 1) {
            assert_eq!(read(&write(day)), Some(day));
        }
    }
}
