//! Text that agents wrote: cleaning it on the way in, disarming it on the way out.

use std::borrow::Cow;

use serde_json::Value;

/// Replaces NUL, which neither C strings nor many readers survive, by U+FFFD; tells whether it had to.
pub fn without_nul(text: String) -> (String, bool) {
    if text.contains('\0') { (text.replace('\0', "\u{fffd}"), true) } else { (text, false) }
}

/// `text` with every character that a reader would not see, or that would drive a terminal, spelled out as
/// `\u{202e}`. Line feeds and tabs stay.
///
/// What an agent wrote may be aimed at the next reader, a person at a terminal or a model: hidden text and
/// escape sequences are made visible rather than removed, so that nothing is lost and nothing acts.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(hides) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut previous = ' ';
    for character in text.chars() {
        // Joiners shape many scripts and emoji; between ASCII characters they only hide.
        let joins = matches!(character, '\u{200c}' | '\u{200d}') && !previous.is_ascii();
        if hides(character) && !joins {
            out.extend(character.escape_unicode());
            previous = '}';
        } else {
            out.push(character);
            previous = character;
        }
    }
    Cow::Owned(out)
}

/// [`visible`] for every string and key inside `value`.
pub fn make_visible(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(shown) = visible(text) {
                *text = shown;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_visible),
        Value::Object(object) => {
            if object.keys().any(|key| key.chars().any(hides)) {
                let entries = std::mem::take(object);
                object.extend(entries.into_iter().map(|(key, value)| (visible(&key).into_owned(), value)));
            }
            object.values_mut().for_each(make_visible);
        }
        _ => {}
    }
}

/// A value for an error text: visible, in backticks, cut at 80 characters.
pub fn quoted(text: &str) -> String {
    format!("`{}`", excerpt(text))
}

/// The beginning of a value, visible and on one line, for the path or the text of an error.
pub fn excerpt(text: &str) -> String {
    let shown = visible(text);
    let mut characters = shown.chars();
    let head: String = characters.by_ref().take(80).collect();
    let rest = if characters.next().is_some() { "…" } else { "" };
    format!("{head}{rest}").replace('\n', "\\n")
}

fn hides(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        character if character.is_control() => true,
        '\u{ad}'                        // soft hyphen
        | '\u{61c}' | '\u{180e}'        // Arabic letter mark, Mongolian vowel separator
        | '\u{200b}'..='\u{200f}'       // zero-width space and joiners, direction marks
        | '\u{2028}'..='\u{202e}'       // line and paragraph separators, bidi embeddings and overrides
        | '\u{2060}'..='\u{206f}'       // word joiner, invisible operators, bidi isolates
        | '\u{feff}'                    // byte order mark
        | '\u{fff9}'..='\u{fffb}'       // interlinear annotation
        | '\u{e0000}'..='\u{e0fff}'     // tags, variation selectors supplement
        => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn hidden_and_terminal_characters_become_visible() {
        assert_eq!(visible("\u{1b}[2Jx"), "\\u{1b}[2Jx");
        assert_eq!(visible("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(visible("a\u{e0041}"), "a\\u{e0041}");
        assert_eq!(visible("a\u{200d}b"), "a\\u{200d}b");
        assert_eq!(visible("tab\tline\nend"), "tab\tline\nend");
    }

    #[test]
    fn emoji_and_scripts_with_joiners_stay_whole() {
        for text in ["👩‍👩‍👧", "می‌خواهم", "❤️", "naïve café"] {
            assert_eq!(visible(text), text);
        }
    }

    #[test]
    fn keys_are_made_visible_too() {
        let mut value = json!({"a\u{7}": [{"b": "\u{9b}31m"}]});
        make_visible(&mut value);
        assert_eq!(value, json!({"a\\u{7}": [{"b": "\\u{9b}31m"}]}));
    }

    proptest! {
        #[test]
        fn nothing_hides_after_it(text in "\\PC*|.*") {
            let shown = visible(&text).into_owned();
            let is_joiner = |character| matches!(character, '\u{200c}' | '\u{200d}');
            let hidden = shown.chars().any(|character| hides(character) && !is_joiner(character));
            prop_assert!(!hidden);
            prop_assert_eq!(visible(&shown).into_owned(), shown);
        }
    }
}
