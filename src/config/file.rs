//! The file of settings.

use std::path::Path;

use super::ConfigError;
use super::layer::Layer;

pub(super) fn read(path: &Path) -> Result<Layer, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::new(format!("`{}` can't be read: {error}", path.display())))?;
    parse(&path.display().to_string(), &text)
}

/// Parses settings; an error begins with `name:line:column`, as compilers have it.
pub(super) fn parse(name: &str, text: &str) -> Result<Layer, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|character| *character != '\n').count() + 1;
        let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
        ConfigError::new(format!("{name}:{line}:{column}: {message}"))
    })
}
