//! Times and spans in whole milliseconds, as types and never as bare numbers.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment on the monotonic clock of a run, in milliseconds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

/// A moment on the wall clock, in milliseconds since 1970. For display only: no decision reads it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub u64);

/// A span of time in milliseconds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of whole seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// The span in seconds.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }
}

impl From<Millis> for Duration {
    fn from(span: Millis) -> Self {
        Self::from_millis(span.0)
    }
}

impl From<Duration> for Millis {
    /// Rounds to the nearest millisecond.
    fn from(span: Duration) -> Self {
        Self(u64::try_from((span.as_nanos() + 500_000) / 1_000_000).unwrap_or(u64::MAX))
    }
}

impl Timestamp {
    /// The span since `earlier`, zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Millis> for Timestamp {
    type Output = Self;
    fn add(self, span: Millis) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Millis> for Timestamp {
    type Output = Self;
    fn sub(self, span: Millis) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}s", self.0 / 1000, self.0 % 1000)
    }
}

impl fmt::Display for Millis {
    /// Writes the largest unit that keeps the value whole, as the files of starline read it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, unit) = match self.0 {
            0 => (0, "s"),
            ms if ms % 3_600_000 == 0 => (ms / 3_600_000, "h"),
            ms if ms % 60_000 == 0 => (ms / 60_000, "m"),
            ms if ms % 1000 == 0 => (ms / 1000, "s"),
            ms => (ms, "ms"),
        };
        write!(f, "{value}{unit}")
    }
}

/// Why a text is not a duration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DurationError(String);

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a duration: write a number with a unit, such as 500ms 2.5s 30s 2m 1h", self.0)
    }
}

impl std::error::Error for DurationError {}

impl FromStr for Millis {
    type Err = DurationError;

    /// Reads `500ms`, `2.5s`, `30s`, `2m`, `1h`, `7d`, rounded to one millisecond.
    fn from_str(text: &str) -> Result<Self, DurationError> {
        let fault = || DurationError(text.chars().take(32).collect());
        let split = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(fault)?;
        let (number, unit) = text.split_at(split);
        let factor = match unit {
            "ms" => 1.0,
            "s" => 1000.0,
            "m" => 60_000.0,
            "h" => 3_600_000.0,
            "d" => 86_400_000.0,
            _ => return Err(fault()),
        };
        let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let value: f64 = if plain { number.parse().map_err(|_| fault())? } else { return Err(fault()) };
        let ms = (value * factor).round();
        if ms.is_finite() && ms <= 9.0e15 { Ok(Self(ms as u64)) } else { Err(fault()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_written() {
        for (text, ms) in
            [("500ms", 500), ("2.5s", 2500), ("30s", 30_000), ("2m", 120_000), ("1h", 3_600_000)]
        {
            assert_eq!(text.parse(), Ok(Millis(ms)), "{text}");
        }
        for text in ["", "5", "s", "-1s", "1 s", "1e3s", "1w", "infs", "1..2s"] {
            assert!(text.parse::<Millis>().is_err(), "{text:?}");
        }
        for span in [Millis(0), Millis(1), Millis(1500), Millis(60_000), Millis(7_200_000)] {
            assert_eq!(span.to_string().parse(), Ok(span));
        }
    }
}
