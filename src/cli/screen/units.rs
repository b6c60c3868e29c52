//! Quantities, short and for people.

/// A duration, given in milliseconds: `12 ms`, `41.3 s`, `3m 12s`, `2h 05m`, `3d 04h`.
pub(in crate::cli) fn duration(milliseconds: f64) -> String {
    let seconds = milliseconds / 1_000.0;
    if milliseconds < 9.95 {
        return format!("{milliseconds:.1} ms");
    }
    if milliseconds < 999.5 {
        return format!("{milliseconds:.0} ms");
    }
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a length of time, rounded")]
    let whole = seconds.round() as u64;
    match whole {
        0..3_600 => format!("{}m {:02}s", whole / 60, whole % 60),
        3_600..86_400 => format!("{}h {:02}m", whole / 3_600, whole % 3_600 / 60),
        _ => format!("{}d {:02}h", whole / 86_400, whole % 86_400 / 3_600),
    }
}

/// A count with its thousands parted: `12,345`, and from ten million on `12.3M`.
pub(in crate::cli) fn count(number: u64) -> String {
    if number >= 10_000_000 {
        #[expect(clippy::cast_precision_loss, reason = "three digits of it are shown")]
        let millions = number as f64 / 1e6;
        return format!("{millions:.1}M");
    }
    let digits = number.to_string();
    let mut parted = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            parted.push(',');
        }
        parted.push(digit);
    }
    parted
}

/// Dollars: `$12.34`, `$0.0312`, `<$0.0001`.
pub(in crate::cli) fn dollars(amount: f64) -> String {
    match amount.abs() {
        0.0 => "$0".to_owned(),
        size if size < 0.000_05 => "<$0.0001".to_owned(),
        size if size < 0.995 => format!("${amount:.4}"),
        _ => format!("${amount:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_size_has_its_unit() {
        for (milliseconds, shown) in [
            (0.0, "0.0 ms"),
            (9.94, "9.9 ms"),
            (9.96, "10 ms"),
            (999.4, "999 ms"),
            (999.6, "1.0 s"),
            (59_940.0, "59.9 s"),
            (59_960.0, "1m 00s"),
            (3_599_400.0, "59m 59s"),
            (3_599_600.0, "1h 00m"),
            (100_000_000.0, "1d 03h"),
        ] {
            assert_eq!(duration(milliseconds), shown);
        }
        for (number, shown) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567"), (12_345_678, "12.3M")]
        {
            assert_eq!(count(number), shown);
        }
        for (amount, shown) in
            [(0.0, "$0"), (0.000_01, "<$0.0001"), (0.0312, "$0.0312"), (0.996, "$1.00"), (12.345, "$12.35")]
        {
            assert_eq!(dollars(amount), shown);
        }
    }
}
