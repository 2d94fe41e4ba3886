//! What a plain scalar stands for: the core schema of YAML 1.2 (section 10.3), in which `yes`, `no` and `on` are
//! texts.

use serde_json::Number;

/// What a scalar stands for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Meaning {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number that JSON can carry.
    Number(Number),
    /// A number that JSON cannot carry: too large, infinite, or none at all.
    Unbounded,
    /// Any other text, and everything in quotes.
    Text,
}

/// What a plain scalar stands for.
pub(crate) fn meaning(text: &str) -> Meaning {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Meaning::Null,
        "true" | "True" | "TRUE" => return Meaning::Bool(true),
        "false" | "False" | "FALSE" => return Meaning::Bool(false),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    match unsigned {
        ".inf" | ".Inf" | ".INF" => return Meaning::Unbounded,
        ".nan" | ".NaN" | ".NAN" if unsigned.len() == text.len() => return Meaning::Unbounded,
        _ => {}
    }
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Meaning::Text;
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return integer(text);
    }
    if is_float(unsigned) { float(text) } else { Meaning::Text }
}

fn radix(digits: &str, radix: u32) -> Meaning {
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Meaning::Text;
    }
    u64::from_str_radix(digits, radix).map_or(Meaning::Unbounded, |number| Meaning::Number(number.into()))
}

fn integer(text: &str) -> Meaning {
    let text = text.strip_prefix('+').unwrap_or(text);
    if let Ok(number) = text.parse::<u64>() {
        return Meaning::Number(number.into());
    }
    text.parse::<i64>().map_or(Meaning::Unbounded, |number| Meaning::Number(number.into()))
}

/// Digits around a point, with an exponent or without; the sign is gone.
fn is_float(unsigned: &str) -> bool {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction) && whole.len() + fraction.len() > 0,
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    mantissa_fits && exponent_fits
}

fn float(text: &str) -> Meaning {
    let number = text.parse::<f64>().ok().and_then(Number::from_f64);
    number.map_or(Meaning::Unbounded, Meaning::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(value: serde_json::Value) -> Meaning {
        match value {
            serde_json::Value::Number(number) => Meaning::Number(number),
            other => panic!("{other} is no number"),
        }
    }

    #[test]
    fn scalars_mean_what_the_core_schema_says() {
        for text in ["", "~", "null", "Null", "NULL"] {
            assert_eq!(meaning(text), Meaning::Null, "{text:?}");
        }
        for (text, value) in [
            ("0", number(0.into())),
            ("007", number(7.into())),
            ("-12", number((-12).into())),
            ("+12", number(12.into())),
            ("0o17", number(15.into())),
            ("0x1F", number(31.into())),
            ("1.5", number(1.5.into())),
            (".5", number(0.5.into())),
            ("-1e3", number((-1000.0).into())),
            ("2.", number(2.0.into())),
            ("18446744073709551615", number(u64::MAX.into())),
            ("TRUE", Meaning::Bool(true)),
            ("false", Meaning::Bool(false)),
        ] {
            assert_eq!(meaning(text), value, "{text:?}");
        }
        for text in [
            ".inf",
            "-.INF",
            ".nan",
            "18446744073709551616",
            "1e999",
            "-9223372036854775809",
            "0x1FFFFFFFFFFFFFFFF",
        ] {
            assert_eq!(meaning(text), Meaning::Unbounded, "{text:?}");
        }
        for text in [
            "yes",
            "no",
            "on",
            "y",
            "1_000",
            "1:30",
            "1.2.3",
            "0b1",
            "0o8",
            "-",
            "+",
            ".",
            "-.nan",
            "1e",
            "e5",
            "tRue",
            "2026-01-05",
            "0x",
            "-0x1",
        ] {
            assert_eq!(meaning(text), Meaning::Text, "{text:?}");
        }
    }
}
