//! Durations and sizes as people write them.

use std::time::Duration;

use super::ConfigError;

/// `90s`, `5m`, `24h`, `7d`; never nothing.
pub(super) fn duration(setting: &str, text: &str) -> Result<Duration, ConfigError> {
    let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];
    quantity(text, &units)
        .map(Duration::from_secs)
        .ok_or_else(|| ConfigError::invalid(setting, text, "a duration such as `90s`, `5m`, `24h` or `7d`"))
}

/// `512MB`, `5GB`: powers of ten, as disks are sold.
pub(super) fn size(setting: &str, text: &str) -> Result<u64, ConfigError> {
    let units = [("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000)];
    quantity(text, &units)
        .ok_or_else(|| ConfigError::invalid(setting, text, "a size such as `500MB` or `5GB`"))
}

fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (unit, factor) = units.iter().find(|(unit, _)| text.ends_with(unit))?;
    let number: u64 = text.strip_suffix(unit)?.trim_end().parse().ok()?;
    number.checked_mul(*factor).filter(|quantity| *quantity > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_units() {
        assert_eq!(duration("x", "7d").unwrap(), Duration::from_secs(604_800));
        assert_eq!(duration("x", "90 s").unwrap(), Duration::from_secs(90));
        assert_eq!(size("x", "5GB").unwrap(), 5_000_000_000);
        for text in ["", "7", "d", "-1d", "1.5h", "0s", "99999999999999999999d", "7 weeks"] {
            assert!(duration("x", text).is_err(), "{text}");
        }
        assert!(size("x", "5").is_err());
    }
}
