//! By which way a call came.

/// What carried a call here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Transport {
    /// MCP over standard input and output.
    Stdio,
    /// MCP over streamable HTTP.
    Http,
    /// MCP over HTTP+SSE.
    Sse,
    /// A command of this binary, or the process itself.
    #[default]
    Command,
}

impl Transport {
    /// Every transport.
    pub const ALL: [Self; 4] = [Self::Stdio, Self::Http, Self::Sse, Self::Command];

    /// The word by which it is counted.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stdio => "stdio",
            Self::Http => "http",
            Self::Sse => "sse",
            Self::Command => "command",
        }
    }
}
