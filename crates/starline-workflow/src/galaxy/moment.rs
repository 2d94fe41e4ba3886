//! Moments as Galaxy writes them (RFC 3339), and milliseconds since 1970.

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March here, so that the leap day is the last of its year.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date that is a number of days after 1970-01-01.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// Milliseconds since 1970 of `2026-01-05T08:00:00.25+01:00`. Without an offset, UTC is meant.
pub(super) fn read(text: &str) -> Option<u64> {
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<i64>().ok()).flatten()
    };
    let bytes = text.as_bytes();
    let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if !separators.iter().all(|(at, byte)| bytes.get(*at) == Some(byte))
        || !matches!(bytes.get(10), Some(b'T' | b't' | b' '))
    {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let since = days(year, month, day);
    if date(since) != (year, month, day) {
        return None;
    }
    let mut rest = text.get(19..)?;
    let mut millis = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
        let digits = fraction.get(..end).filter(|digits| !digits.is_empty())?;
        millis = (0..3).fold(0, |sum, at| {
            let digit = digits.as_bytes().get(at).map_or(0, |byte| i64::from(byte - b'0'));
            sum * 10 + digit
        });
        rest = &fraction[end..];
    }
    let offset = offset(rest)?;
    let seconds = since * 86_400 + hour * 3_600 + (minute - offset) * 60 + second;
    u64::try_from(seconds * 1_000 + millis).ok()
}

/// Minutes east of Greenwich.
fn offset(text: &str) -> Option<i64> {
    if text.is_empty() || text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let plain = |digits: &str| digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(hours) || !plain(minutes) {
        return None;
    }
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// `2026-01-05T08:00:00+00:00`, with six digits behind the second where they say something, as Galaxy does.
pub(super) fn write(millis: u64) -> String {
    // Beyond the year 9999 the format ends.
    let millis = i64::try_from(millis).unwrap_or(i64::MAX).min(253_402_300_799_999);
    let (seconds, rest) = (millis / 1_000, millis % 1_000);
    let (year, month, day) = date(seconds / 86_400);
    let of_day = seconds % 86_400;
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    let fraction = if rest == 0 { String::new() } else { format!(".{rest:03}000") };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}+00:00")
}

/// `20260105_080000`, as it stands in the id of a constellation.
pub(super) fn stamp(millis: u64) -> String {
    let written = write(millis);
    let digits: String = written.chars().take(19).filter(char::is_ascii_digit).collect();
    format!("{}_{}", &digits[..8], &digits[8..])
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
