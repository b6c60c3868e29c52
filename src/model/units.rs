//! Quantities as people write them.

use std::time::Duration;

/// What `text` says in one of the `units`, each given with what it is worth: a whole number, and never nothing.
pub fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (unit, factor) = units.iter().find(|(unit, _)| text.ends_with(unit))?;
    let number: u64 = text.strip_suffix(unit)?.trim_end().parse().ok()?;
    number.checked_mul(*factor).filter(|quantity| *quantity > 0)
}

/// `90s`, `5m`, `24h`, `7d`; never nothing.
pub fn duration(text: &str) -> Option<Duration> {
    quantity(text, &[("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)]).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_whole_number_of_a_unit() {
        for (text, seconds) in [("90s", 90), ("90 s", 90), ("5m", 300), ("24h", 86_400), ("7d", 604_800)] {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "7", "d", "-1d", "1.5h", "0s", "99999999999999999999d", "7 weeks", "5M"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
