//! Numbers of payment cards.

use std::ops::Range;
use std::sync::LazyLock;

use regex::{Match, Regex};

use super::compile;
use super::redactions::mark_of;

const RULE: &str = "card";

/// Digits that a card number has at least.
const SHORTEST: usize = 13;

/// The ways in which card numbers are written: in one, by fours, or as American Express and Diners group them.
/// The few that have more than 16 digits count in groups only: in one, they can't be told from 64-bit ids.
static CANDIDATE: LazyLock<Regex> = LazyLock::new(|| {
    let expression =
        "[0-9]{13,16}|[0-9]{4}(?:[ -][0-9]{4}){3}(?:[ -][0-9]{1,3})?|[0-9]{4}[ -][0-9]{6}[ -][0-9]{4,5}";
    compile(expression)
});

/// `text` with each card number in it replaced; `None` where it holds none.
pub(super) fn replace(text: &str, mut found: impl FnMut(&'static str)) -> Option<String> {
    if !may_hold(text) {
        return None;
    }
    let mut replaced = String::new();
    let (mut copied, mut from) = (0, 0);
    while let Some(candidate) = CANDIDATE.find_at(text, from) {
        let Some(card) = card_in(text, candidate) else {
            // On behind the first group: the next may begin a card.
            from = candidate.start() + candidate.as_str().bytes().take_while(u8::is_ascii_digit).count();
            continue;
        };
        found(RULE);
        replaced.push_str(text.get(copied..card.start).unwrap_or_default());
        replaced.push_str(&mark_of(RULE));
        (copied, from) = (card.end, card.end);
    }
    if copied == 0 {
        return None;
    }
    replaced.push_str(text.get(copied..).unwrap_or_default());
    Some(replaced)
}

/// Whether so many digits stand together, with nothing but spaces and dashes between them: else no expression is needed,
/// which costs a process that makes one call more than the call.
fn may_hold(text: &str) -> bool {
    let mut digits = 0;
    text.bytes().any(|byte| {
        digits = match byte {
            b'0'..=b'9' => digits + 1,
            b' ' | b'-' => digits,
            _ => 0,
        };
        digits >= SHORTEST
    })
}

/// The card number that `candidate` is, be it without its last group, which may be the next number already.
fn card_in(text: &str, candidate: Match<'_>) -> Option<Range<usize>> {
    let without_last = candidate.as_str().rfind([' ', '-']).map(|length| candidate.start() + length);
    [Some(candidate.end()), without_last]
        .into_iter()
        .flatten()
        .map(|end| candidate.start()..end)
        .find(|range| is_card(text, range))
}

fn is_card(text: &str, range: &Range<usize>) -> bool {
    let number = text.get(range.clone()).unwrap_or_default();
    let digits: Vec<u32> = number.chars().filter_map(|character| character.to_digit(10)).collect();
    stands_alone(text, range) && is_issued(&digits) && passes_luhn(&digits)
}

/// Whether it is not a part of something longer: a hash, a UUID, a decimal fraction, a phone number, a path.
fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let (before, after) = (text.get(..range.start), text.get(range.end..));
    let part = |character: char| character.is_alphanumeric() || "_-".contains(character);
    let last = before.and_then(|before| before.chars().next_back());
    let mut next = after.unwrap_or_default().chars();
    let begins = last.is_none_or(|last| !part(last) && !".+/".contains(last));
    let ends = match next.next() {
        Some('.') => next.next().is_none_or(|beyond| !beyond.is_alphanumeric()),
        following => following.is_none_or(|following| !part(following)),
    };
    begins && ends
}

/// Whether an issuer of cards gives out numbers that begin so and are so long. Times since the epoch are none.
fn is_issued(digits: &[u32]) -> bool {
    let first = |count: usize| digits.iter().take(count).fold(0, |number, digit| number * 10 + digit);
    let visa = first(1) == 4;
    match digits.len() {
        13 => visa,
        14 => matches!(first(2), 36 | 38 | 39) || matches!(first(3), 300..=305), // Diners Club
        15 => matches!(first(2), 34 | 37),                                       // American Express
        16..=19 => {
            visa
                // Mastercard, UnionPay, Discover, JCB
                || matches!(first(2), 51..=55 | 62 | 65)
                || matches!(first(3), 644..=649)
                || matches!(first(4), 2221..=2720 | 3528..=3589 | 6011)
        }
        _ => false,
    }
}

fn passes_luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => *digit,
            (_, double) => double / 10 + double % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_replaced(text: &str) -> bool {
        replace(text, |_| ()).is_some()
    }

    #[test]
    fn cards_are_found_however_they_are_grouped() {
        for card in [
            "4111111111111111",
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "5555555555554444",
            "2223003122003222",
            "378282246310005",
            "3782 822463 10005",
            "30569309025904",
            "3056 930902 5904",
            "6011111111111117",
            "3530111333300000",
            "6200000000000005",
            "4222222222222",
            "4000 0000 0000 0000 006",
        ] {
            assert_eq!(replace(card, |_| ()).as_deref(), Some("[REDACTED:card]"), "{card}");
            assert!(is_replaced(&format!("order 7 1234 {card}.")), "{card}");
            assert!(is_replaced(&format!("pay:\"{card}\", soon")), "{card}");
            assert_eq!(
                replace(&format!("{card} 123"), |_| ()).as_deref(),
                Some("[REDACTED:card] 123"),
                "{card}"
            );
        }
    }

    #[test]
    fn numbers_that_are_no_cards_stay() {
        for text in [
            "4111111111111112", // wrong check digit
            "1795339800123",
            "1795339800123456",
            "1795339800123456789", // times since the epoch
            "0.4111111111111111",
            "4111111111111111.25",
            "+4222222222222",
            "/orders/4111111111111111",
            "a4111111111111111",
            "4111111111111111f",
            "id_4111111111111111",
            "00-4111111111111111-01",
            "41111111-1111-4111-8111-111111111111",
            "2026-11-22 09:30:00.123456",
            "9999999999999995",
            "41111111111111111111111111111111",
            "4443583390951391208", // a 64-bit id that passes the check
        ] {
            assert!(!is_replaced(text), "{text}");
        }
    }
}
