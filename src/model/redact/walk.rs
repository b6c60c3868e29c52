//! The walk through a record: every text, every key.

use serde_json::{Map, Value};

use super::json_text;
use super::names::{CONTENT_RULE, Names, SESSION};
use super::redactions::{Redactions, is_mark, mark_of};
use super::secrets;
use crate::model::json::Path;

/// Where the walk is; written out only where something is found.
#[derive(Debug, Clone, Copy)]
pub(super) enum Trail<'a> {
    /// A field of the record.
    Field(&'a str),
    /// A key of an object.
    Key(&'a Trail<'a>, &'a str),
    /// A place in an array.
    Index(&'a Trail<'a>, usize),
}

impl Trail<'_> {
    fn path(&self) -> Path {
        match self {
            Self::Field(name) => {
                let mut path = Path::default();
                path.push_key(name);
                path
            }
            Self::Key(above, key) => {
                let mut path = above.path();
                path.push_key(key);
                path
            }
            Self::Index(above, index) => {
                let mut path = above.path();
                path.push_index(*index);
                path
            }
        }
    }
}

/// Rewrites what it is led through.
pub(super) struct Walk<'a> {
    names: Names,
    redactions: &'a mut Redactions,
}

impl<'a> Walk<'a> {
    /// A walk that replaces content too, if `content`.
    pub(super) fn new(content: bool, redactions: &'a mut Redactions) -> Self {
        Self { names: Names::new(content), redactions }
    }

    /// Takes secrets out of a text, and out of the JSON that it may be.
    pub(super) fn text(&mut self, text: &mut String, at: Trail<'_>) {
        let redactions = &mut *self.redactions;
        let found = |rule| redactions.count(rule);
        let replaced = if json_text::is_json(text) {
            json_text::replace(text, &mut self.names, found)
        } else {
            secrets::replace(text, found)
        };
        if let Some(replaced) = replaced {
            *text = replaced;
            self.redactions.mark(at.path().to_string());
        }
    }

    pub(super) fn optional_text(&mut self, text: &mut Option<String>, at: Trail<'_>) {
        if let Some(text) = text {
            self.text(text, at);
        }
    }

    /// [`text`](Self::text) for one with a name that may say what it is.
    pub(super) fn named_text(&mut self, name: &str, text: &mut String, above: &Trail<'_>) {
        let at = Trail::Key(above, name);
        match self.names.rule(name) {
            // What tells series apart is no content, whatever it is called.
            None | Some(CONTENT_RULE) => self.text(text, at),
            Some(_) if is_mark(text) => {}
            Some(rule) => {
                *text = mark_of(rule);
                self.note(rule, at);
            }
        }
    }

    /// Takes secrets, and content where that is asked for, out of an object, at any depth.
    ///
    /// Metadata's depth is limited before a record is made of it.
    pub(super) fn object(&mut self, object: &mut Map<String, Value>, at: Trail<'_>) {
        self.keys(object, at);
        let is_top = matches!(at, Trail::Field(_));
        for (key, value) in object.iter_mut() {
            let here = Trail::Key(&at, key);
            match self.names.rule(key) {
                Some(CONTENT_RULE) => self.content(value, is_top, here),
                Some(SESSION) if !value.is_string() => self.value(value, here),
                Some(rule) => {
                    if self.cover(rule, value, here) {
                        self.note(rule, here);
                    }
                }
                None => self.value(value, here),
            }
        }
    }

    fn value(&mut self, value: &mut Value, at: Trail<'_>) {
        match value {
            Value::String(text) => self.text(text, at),
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.value(item, Trail::Index(&at, index));
                }
            }
            Value::Object(object) => self.object(object, at),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Replaces every text in what stands under the name of a secret; tells whether there was one. Numbers are
    /// counts, lengths, times.
    fn cover(&mut self, rule: &'static str, value: &mut Value, at: Trail<'_>) -> bool {
        match value {
            Value::String(text) if is_mark(text) => false,
            Value::String(text) => {
                *text = mark_of(rule);
                true
            }
            Value::Array(items) => {
                items.iter_mut().fold(false, |covered, item| self.cover(rule, item, at) | covered)
            }
            Value::Object(object) => {
                self.keys(object, at);
                object.values_mut().fold(false, |covered, item| self.cover(rule, item, at) | covered)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    /// Replaces content as a whole. Deeper down a number called `input` or `output` is a count of tokens.
    fn content(&mut self, value: &mut Value, is_top: bool, at: Trail<'_>) {
        let stays = match value {
            Value::Null => true,
            Value::Bool(_) | Value::Number(_) => !is_top,
            Value::String(text) => is_mark(text),
            Value::Array(items) => items.is_empty(),
            Value::Object(object) => object.is_empty(),
        };
        if !stays {
            *value = mark_of(CONTENT_RULE).into();
            self.note(CONTENT_RULE, at);
        }
    }

    /// Takes secrets out of keys. Of keys that become equal, each keeps its value.
    fn keys(&mut self, object: &mut Map<String, Value>, at: Trail<'_>) {
        if !object.keys().any(|key| secrets::replace(key, |_| ()).is_some()) {
            return;
        }
        for (key, value) in std::mem::take(object) {
            let replaced = secrets::replace(&key, |rule| self.redactions.count(rule));
            let Some(key) = replaced else {
                object.insert(key, value);
                continue;
            };
            let mut unique = key.clone();
            let mut number = 1;
            while object.contains_key(&unique) {
                number += 1;
                unique = format!("{key} {number}");
            }
            self.redactions.mark(Trail::Key(&at, &unique).path().to_string());
            object.insert(unique, value);
        }
    }

    fn note(&mut self, rule: &'static str, at: Trail<'_>) {
        self.redactions.count(rule);
        self.redactions.mark(at.path().to_string());
    }
}
