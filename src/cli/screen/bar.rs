//! A stretch of time as a bar, to an eighth of a column where the characters allow it.

/// Blocks that fill a column from the left, by eighths.
const LEFT: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
const FULL: char = '█';

/// The bar from `start` to `end`, both as parts of the whole from 0 to 1, in `columns` columns: how many stay empty
/// before it, and the bar, which is never empty.
pub(in crate::cli) fn bar(start: f64, end: f64, columns: usize) -> (usize, String) {
    let eighths = columns.max(1) * 8;
    let from = place(start, eighths).min(eighths - 1);
    let to = place(end, eighths).clamp(from + 1, eighths);
    let (first, last) = (from / 8, (to - 1) / 8);
    let mut bar = String::new();
    if first == last {
        bar.push(within(from % 8, to - first * 8));
    } else {
        bar.push(beginning(from % 8));
        bar.extend(std::iter::repeat_n(FULL, last - first - 1));
        bar.push(LEFT[to - last * 8 - 1]);
    }
    (first, bar)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a column on a screen; what is no number becomes 0"
)]
fn place(part: f64, eighths: usize) -> usize {
    (part.clamp(0.0, 1.0) * eighths as f64).round() as usize
}

/// A column that is filled from `from` on, as far as there is a character for it.
const fn beginning(from: usize) -> char {
    match from {
        0..=2 => FULL,
        3..=5 => '▐',
        _ => '▕',
    }
}

/// A column that is filled from `from` to `to`: only what touches one of its sides has a character.
const fn within(from: usize, to: usize) -> char {
    if from > 0 && to == 8 { beginning(from) } else { LEFT[to - from - 1] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_bar_lies_where_its_time_does() {
        for (start, end, before, shape) in [
            (0.0, 1.0, 0, "██████████"),
            (0.0, 0.0, 0, "▏"),
            (1.0, 1.0, 9, "▕"),
            (0.5, 0.75, 5, "██▌"),
            (0.05, 0.3, 0, "▐██"),
            (0.51, 0.53, 5, "▏"),
            (f64::NAN, f64::NAN, 0, "▏"),
        ] {
            assert_eq!(bar(start, end, 10), (before, shape.to_owned()), "{start} {end}");
        }
    }

    proptest! {
        #[test]
        fn a_bar_is_there_and_within_its_columns(start in -0.5_f64..1.5, length in 0.0_f64..1.5, columns in 0_usize..200) {
            let (before, shape) = bar(start, start + length, columns);
            let end = before + shape.chars().count();
            prop_assert!(!shape.is_empty() && end <= columns.max(1), "{before} {shape}");
        }
    }
}
