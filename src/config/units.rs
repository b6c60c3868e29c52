//! Durations and sizes in settings.

use std::time::Duration;

use super::ConfigError;
use crate::model::units;

/// `90s`, `5m`, `24h`, `7d`; never nothing.
pub(super) fn duration(setting: &str, text: &str) -> Result<Duration, ConfigError> {
    units::duration(text)
        .ok_or_else(|| ConfigError::invalid(setting, text, "a duration such as `90s`, `5m`, `24h` or `7d`"))
}

/// `512MB`, `5GB`: powers of ten, as disks are sold.
pub(super) fn size(setting: &str, text: &str) -> Result<u64, ConfigError> {
    let sizes = [("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000)];
    units::quantity(text, &sizes)
        .ok_or_else(|| ConfigError::invalid(setting, text, "a size such as `500MB` or `5GB`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_units() {
        assert_eq!(duration("x", "7d").unwrap(), Duration::from_secs(604_800));
        assert!(duration("x", "7").is_err());
        assert_eq!(size("x", "5GB").unwrap(), 5_000_000_000);
        for text in ["", "5", "0KB", "1.5GB"] {
            assert!(size("x", text).is_err(), "{text}");
        }
    }
}
