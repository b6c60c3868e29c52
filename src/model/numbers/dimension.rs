//! By what is counted.

/// What a count is of, besides its agent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// Everything of the agent: its requests, and the tokens, cost and calls of all its steps.
    Agent,
    /// The steps of one name.
    Step {
        /// What they are, as [`SpanKind::as_str`](crate::model::SpanKind::as_str) has it.
        kind: &'static str,
        /// What they are called, ids in it folded; of a tool, the tool's own name.
        name: String,
        /// The model that was called; empty where none was.
        model: String,
    },
    /// The failures of one kind, by their [`fingerprint`](super::fingerprint).
    Error(String),
}

/// The kinds of dimensions. Each is read for itself, so that the overview costs nothing for many steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DimensionKind {
    /// [`Dimension::Agent`].
    Agent,
    /// [`Dimension::Step`].
    Step,
    /// [`Dimension::Error`].
    Error,
}

impl DimensionKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Agent, Self::Step, Self::Error];
}

impl Dimension {
    /// Of which kind it is.
    pub const fn kind(&self) -> DimensionKind {
        match self {
            Self::Agent => DimensionKind::Agent,
            Self::Step { .. } => DimensionKind::Step,
            Self::Error(_) => DimensionKind::Error,
        }
    }
}
