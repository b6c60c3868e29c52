//! The text around what was found.

/// Characters before and behind the word.
const AROUND: usize = 80;

/// Where the words were found, and the text around the first of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Snippet {
    pub(super) field: &'static str,
    pub(super) text: String,
}

/// The first of the texts that holds most of the words, around the first of these; `None` if none holds any.
pub(super) fn snippet<'a>(
    texts: impl Iterator<Item = (&'static str, &'a str)>,
    words: &[String],
) -> Option<Snippet> {
    let mut best: Option<(usize, &'static str, &'a str)> = None;
    for (field, text) in texts {
        let lowered = text.to_lowercase();
        let held = words.iter().filter(|word| lowered.contains(word.as_str())).count();
        if held > best.map_or(0, |(most, ..)| most) {
            best = Some((held, field, text));
        }
    }
    let (_, field, text) = best?;
    Some(Snippet { field, text: around(text, words) })
}

fn around(text: &str, words: &[String]) -> String {
    // A character may become longer when it is lowered, so each place remembers where it came from.
    let mut lowered = String::with_capacity(text.len());
    let mut origins = Vec::with_capacity(text.len());
    for (index, character) in text.chars().enumerate() {
        for lower in character.to_lowercase() {
            origins.extend(std::iter::repeat_n(index, lower.len_utf8()));
            lowered.push(lower);
        }
    }
    let found = words.iter().filter_map(|word| Some((lowered.find(word.as_str())?, word.len()))).min();
    let (at, length) = found.unwrap_or_default();
    let from = origins.get(at).copied().unwrap_or_default();
    let to = origins.get((at + length).saturating_sub(1)).copied().unwrap_or(from) + 1;
    let first = from.saturating_sub(AROUND);
    let mut characters = text.chars().skip(first);
    let shown: String = characters.by_ref().take(to - first + AROUND).collect();
    let before = if first > 0 { "…" } else { "" };
    let behind = if characters.next().is_some() { "…" } else { "" };
    format!("{before}{shown}{behind}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(ToOwned::to_owned).collect()
    }

    #[test]
    fn it_is_cut_around_the_first_word_of_the_text_that_holds_most() {
        let long = format!("{} the Refund failed {}", "a".repeat(200), "b".repeat(200));
        let texts = [("name", "refund"), ("error", long.as_str()), ("metadata", "refund failed")];
        let found = snippet(texts.into_iter(), &words("failed refund")).unwrap();
        assert_eq!(found.field, "error");
        let expected = format!("…{} the Refund failed {}…", "a".repeat(75), "b".repeat(72));
        assert_eq!(found.text, expected);
        assert_eq!(snippet(texts.into_iter(), &words("nothing")), None);
    }

    #[test]
    fn characters_that_grow_when_lowered_move_nothing() {
        let text = format!("{}needle{}", "İ".repeat(100), "İ".repeat(100));
        let found = snippet([("name", text.as_str())].into_iter(), &words("needle")).unwrap();
        assert_eq!(found.text, format!("…{0}needle{0}…", "İ".repeat(80)));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,300}", word in "\\PC{1,5}") {
            let word = word.to_lowercase();
            let found = snippet([("name", text.as_str())].into_iter(), std::slice::from_ref(&word));
            prop_assert_eq!(found.is_some(), text.to_lowercase().contains(&word));
        }
    }
}
