//! Moments of the wall clock, for people.

/// A moment as text, in Coordinated Universal Time: `2026-02-01 06:07:08 UTC`.
pub(crate) fn utc(epoch_ms: u64) -> String {
    let seconds = epoch_ms / 1000;
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second % 3600 / 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// Year, month and day of a number of days since 1970. Years begin in March here: a leap day comes last.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // Since the first of March of the year 0.
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let march = (5 * day + 2) / 153;
    let month = if march < 10 { march + 3 } else { march - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day - (153 * march + 2) / 5 + 1)
}

/// Lets time pass: what other processes do with a file is announced by no event.
#[expect(clippy::disallowed_methods, reason = "other processes announce nothing, and a replay has its pace")]
pub(crate) fn pause(span: std::time::Duration) {
    std::thread::sleep(span);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right_around_leap_days() {
        for (epoch_ms, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_400_000, "2000-02-29 00:00:00 UTC"),
            (951_868_799_999, "2000-02-29 23:59:59 UTC"),
            (1_769_904_000_005, "2026-02-01 00:00:00 UTC"),
            (4_107_542_400_000, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(utc(epoch_ms), text);
        }
    }
}
