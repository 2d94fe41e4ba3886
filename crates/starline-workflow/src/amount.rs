//! Amounts of bytes as people write them.

/// Units and their factors.
const UNITS: [(&str, u64); 12] = [
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("PB", 1_000_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("PiB", 1 << 50),
];

/// Reads `32GiB`, `512 MiB`, `1.5GB` or `100MB/s` as bytes, rounded to whole ones.
pub(crate) fn read(text: &str) -> Option<u64> {
    let text = text.strip_suffix("/s").unwrap_or(text);
    let split = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(split);
    let number = number.trim_end_matches(' ');
    let (_, factor) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) {
        return number.parse::<u64>().ok()?.checked_mul(factor);
    }
    let plain =
        number.bytes().all(|b| b.is_ascii_digit() || b == b'.') && number.bytes().any(|b| b.is_ascii_digit());
    let bytes = if plain { number.parse::<f64>().ok()? * factor as f64 } else { return None };
    (bytes < 9.0e15).then_some(bytes.round() as u64)
}

/// An amount of bytes with the largest unit that keeps it whole; `None` unless it is whole in MiB.
pub(crate) fn write(bytes: u64) -> Option<String> {
    let units = [("PiB", 50), ("TiB", 40), ("GiB", 30), ("MiB", 20)];
    let (unit, shift) = units.into_iter().find(|(_, shift)| bytes > 0 && bytes.trailing_zeros() >= *shift)?;
    Some(format!("{}{unit}", bytes >> shift))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_written() {
        for (text, bytes) in [
            ("0B", 0),
            ("32GiB", 32 << 30),
            ("1.5 MiB", 3 << 19),
            ("100MB/s", 100_000_000),
            ("1kB", 1_000),
            ("16384PiB", 0),
            ("16383PiB", 16_383 << 50),
        ] {
            let expected = (text != "16384PiB").then_some(bytes);
            assert_eq!(read(text), expected, "{text}");
        }
        for text in ["", "GiB", "32", "32gib", "-1GiB", "1e3B", ".GiB", "1..2GiB", "1 000B", "32GiB/h"] {
            assert_eq!(read(text), None, "{text:?}");
        }
        for bytes in [1 << 20, 3 << 30, 5 << 40, 7 << 50, u64::MAX << 20] {
            assert_eq!(write(bytes).and_then(|text| read(&text)), Some(bytes));
        }
        for bytes in [0, 1, u64::MAX, (1 << 20) + 1] {
            assert_eq!(write(bytes), None);
        }
    }
}
