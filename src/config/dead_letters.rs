//! The lists of other programs that are watched.

use super::ConfigError;
use super::layer::Layer;
use crate::model::text::excerpt;

/// The list of the published queue; `dlq:jobs` and `dlq:events` are those of its other queues.
const DEFAULT: &str = "dlq:agent_tasks";

/// Characters of a name.
const MAX_CHARS: usize = 200;

/// Lists that are watched at most: each costs a question at every scrape.
const MAX_LISTS: usize = 100;

/// How keys begin that hold records.
const OWN: [&str; 4] = ["wg:", "logs:", "span:", "trace:"];

/// The names of the lists, each once.
pub(super) fn resolve(layer: &Layer) -> Result<Vec<String>, ConfigError> {
    let Some(names) = &layer.dead_letters else { return Ok(vec![DEFAULT.to_owned()]) };
    if names.len() > MAX_LISTS {
        return Err(ConfigError::new(format!("`dead_letters` names more than {MAX_LISTS} lists")));
    }
    let mut lists = Vec::with_capacity(names.len());
    for name in names {
        check(name)?;
        if !lists.contains(name) {
            lists.push(name.clone());
        }
    }
    Ok(lists)
}

/// Refuses what is a pattern, and what is the name of a key that holds records.
fn check(name: &str) -> Result<(), ConfigError> {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "._:/-".contains(character);
    let expected = if !(1..=MAX_CHARS).contains(&name.chars().count()) || !name.chars().all(is_plain) {
        format!("1 to {MAX_CHARS} letters, digits, `.`, `_`, `:`, `/` and `-`")
    } else if OWN.iter().any(|own| name.starts_with(own)) {
        "the name of a list, not of a key that holds records".to_owned()
    } else {
        return Ok(());
    };
    Err(ConfigError::invalid("dead_letters", &excerpt(name), &expected).hint("such as `dlq:agent_tasks`"))
}
