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
    let mut joinable = 0;
    for character in text.chars() {
        if !hides(character) {
            out.push(character);
            // Joiners and selectors shape many scripts and emoji, two in a row at most; after ASCII, and in
            // longer rows, they only hide.
            joinable = if character.is_ascii() { 0 } else { 2 };
        } else if joinable > 0 && shapes(character) {
            out.push(character);
            joinable -= 1;
        } else {
            out.extend(character.escape_unicode());
            joinable = 0;
        }
    }
    Cow::Owned(out)
}

/// [`visible`], on one line.
pub fn on_one_line(text: &str) -> String {
    visible(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// JSON text that says the same, with every character that hides or drives a terminal as JSON's own escape.
pub fn visible_json(json: &str) -> Cow<'_, str> {
    if !json.chars().any(hides) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if hides(character) {
            let units = &mut [0; 2];
            out.extend(character.encode_utf16(units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            out.push(character);
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

/// Characters of a text that names something.
pub const MAX_NAME_CHARS: usize = 256;

/// Whether `text` can name an agent, a session, a span: short, not blank, without control characters.
pub fn is_name(text: &str) -> bool {
    text.chars().count() <= MAX_NAME_CHARS && !text.trim().is_empty() && !text.chars().any(char::is_control)
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

const fn shapes(character: char) -> bool {
    matches!(character, '\u{200c}' | '\u{200d}' | '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}')
}

/// Whether a reader would not see the character, or it would drive a terminal.
pub(crate) fn hides(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        character if character.is_control() => true,
        '\u{ad}' | '\u{34f}'             // soft hyphen, grapheme joiner
        | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' // Hangul fillers
        | '\u{fe00}'..='\u{fe0f}'       // variation selectors
        | '\u{61c}' | '\u{17b4}' | '\u{17b5}' // Arabic letter mark, Khmer vowels without a form
        | '\u{180b}'..='\u{180f}'       // Mongolian variation selectors and vowel separator
        | '\u{200b}'..='\u{200f}'       // zero-width space and joiners, direction marks
        | '\u{2028}'..='\u{202e}'       // line and paragraph separators, bidi embeddings and overrides
        | '\u{2060}'..='\u{206f}'       // word joiner, invisible operators, bidi isolates
        | '\u{feff}'                    // byte order mark
        | '\u{fff0}'..='\u{fffb}'       // unassigned and ignored; interlinear annotation
        | '\u{13430}'..='\u{1343f}'     // joiners of hieroglyphs
        | '\u{1bca0}'..='\u{1bca3}'     // controls of shorthand
        | '\u{1d173}'..='\u{1d17a}'     // beams and slurs of music
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
        assert_eq!(visible("é\u{200d}\u{200d}\u{200d}"), "é\u{200d}\u{200d}\\u{200d}");
        assert_eq!(visible("\u{3164}"), "\\u{3164}");
        assert_eq!(visible("tab\tline\nend"), "tab\tline\nend");
    }

    #[test]
    fn whatever_unicode_says_has_no_form_hides() {
        // Signs that stand before a number are of the category of formats, and are seen.
        let invisible =
            regex::Regex::new(r"[[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]--[\n\t\p{PCM}]]").unwrap();
        let missed: Vec<String> = (char::MIN..=char::MAX)
            .filter(|character| invisible.is_match(character.encode_utf8(&mut [0; 4])) && !hides(*character))
            .map(|character| character.escape_unicode().to_string())
            .collect();
        assert!(missed.is_empty(), "{missed:?}");
    }

    #[test]
    fn json_stays_json_and_says_the_same() {
        let value = json!({"a\u{7f}": "\u{9b}31m \u{202e}\u{e0041} \u{1b} 👩‍👩‍👧 ü\n"});
        let shown = visible_json(&value.to_string()).into_owned();
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), value);
        assert_eq!(visible(&shown), shown);
        assert!(shown.contains(r"\u202e\udb40\udc41") && shown.contains('ü'), "{shown}");
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
            let hidden = shown.chars().any(|character| hides(character) && !shapes(character));
            prop_assert!(!hidden);
            prop_assert_eq!(visible(&shown).into_owned(), shown);
        }
    }
}
