//! What a caller may do, and to whose records.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text::quoted;
use super::{Code, Problem, ProjectId};

/// A right that a key gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// To write records.
    Ingest,
    /// To read records; includes [`Metrics`](Self::Metrics).
    Read,
    /// To read series, as a scraper does.
    Metrics,
    /// To administer: neither to write records nor to read them.
    Admin,
}

impl Scope {
    /// Every scope, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Read, Self::Metrics, Self::Admin];

    /// The word by which it is given and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Metrics => "metrics",
            Self::Admin => "admin",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text.trim()).ok_or_else(|| {
            Problem::invalid("scope", format!("there is no scope {}", quoted(text)))
                .hint("one or more of ingest, read, metrics, admin")
        })
    }
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<Scope>", from = "Vec<Scope>")]
pub struct Scopes(u8);

impl Scopes {
    /// All there are: what a local command or a server without keys gives.
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    /// Whether the set gives the right of `scope`, be it by one that includes it.
    pub const fn allow(self, scope: Scope) -> bool {
        let held = self.0 & scope.bit() != 0;
        let included = matches!(scope, Scope::Metrics) && self.0 & Scope::Read.bit() != 0;
        held || included
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |set, scope| set | scope.bit()))
    }
}

impl From<Vec<Scope>> for Scopes {
    fn from(scopes: Vec<Scope>) -> Self {
        scopes.into_iter().collect()
    }
}

impl From<Scopes> for Vec<Scope> {
    fn from(scopes: Scopes) -> Self {
        Scope::ALL.into_iter().filter(|scope| scopes.0 & scope.bit() != 0).collect()
    }
}

/// Separated by commas.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = Vec::from(*self).into_iter().map(Scope::as_str).collect();
        f.write_str(&words.join(","))
    }
}

/// What was granted to whoever calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whose records.
    pub project: ProjectId,
    /// What may be done with them.
    pub scopes: Scopes,
    /// The key that was shown; `None` for a local command, and where no key is asked for.
    pub key_id: Option<String>,
}

impl Grant {
    /// Everything in the default project.
    pub fn local() -> Self {
        Self { project: ProjectId::default_project(), scopes: Scopes::all(), key_id: None }
    }

    /// Refuses a call for which the scope is missing.
    ///
    /// # Errors
    /// [`InsufficientScope`](Code::InsufficientScope).
    pub fn require(&self, scope: Scope) -> Result<(), Problem> {
        if self.scopes.allow(scope) {
            return Ok(());
        }
        Err(Problem::new(Code::InsufficientScope, format!("this needs a key with the scope `{scope}`"))
            .hint(format!("`watchglass key create --scope {scope}` makes one")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_includes_scraping_and_nothing_else_includes_anything() {
        for held in Scope::ALL {
            let scopes: Scopes = [held].into_iter().collect();
            for asked in Scope::ALL {
                let expected = held == asked || (held == Scope::Read && asked == Scope::Metrics);
                assert_eq!(scopes.allow(asked), expected, "{held} {asked}");
            }
        }
        assert_eq!(Scopes::all().to_string(), "ingest,read,metrics,admin");
        assert!("write".parse::<Scope>().unwrap_err().hint.as_deref().unwrap().contains("ingest"));
    }
}
