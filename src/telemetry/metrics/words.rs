//! The closed sets of words that label our own metrics.

/// An enum whose members are label values.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$help:meta])* $member:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$help])* $member,)+ }

        impl $name {
            /// Every member, in the order of declaration.
            pub const ALL: &[Self] = &[$(Self::$member,)+];

            /// The label's value.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$member => $word,)+ }
            }
        }
    };
}

words! {
    /// What a call wrote.
    Signal {
        /// A log.
        Log = "log",
        /// The start of a span.
        SpanStart = "span_start",
        /// The end of a span.
        SpanEnd = "span_end",
        /// A measurement.
        Metric = "metric",
    }
}

words! {
    /// What became of a record.
    Outcome {
        /// It is stored.
        Stored = "stored",
        /// The caller is at fault.
        Refused = "refused",
        /// The store or the server is at fault.
        Failed = "failed",
        /// The caller left before the answer; what was queued is stored all the same.
        Unanswered = "unanswered",
    }
}

words! {
    /// A method of the store.
    Operation {
        /// Records are written; the time is that of their commit, waiting included.
        Write = "write",
        /// A page of logs is read.
        Logs = "logs",
        /// A page of a trace is read.
        Trace = "trace",
        /// A span is read.
        Span = "span",
        /// An alias is looked up.
        Resolve = "resolve",
        /// All series are read.
        Series = "series",
        /// The spans in progress are read.
        OpenSpans = "open_spans",
        /// A page of spans of all traces is read.
        Spans = "spans",
        /// A page of traces is read.
        Traces = "traces",
        /// What is known of one trace is read.
        TraceRow = "trace_row",
        /// Roll-ups are added up.
        Rollups = "rollups",
        /// Counted points are read.
        Points = "points",
        /// Groups of failures are read.
        ErrorGroups = "error_groups",
        /// Series are read through time.
        SeriesHistory = "series_history",
        /// Series are read to be taken elsewhere.
        DatedSeries = "dated_series",
        /// Spans without their parent are read.
        Orphans = "orphans",
        /// Spans without their parent are settled.
        SettleOrphans = "settle_orphans",
        /// The roll-ups of an hour are recounted.
        Rebuild = "rebuild",
        /// Records are deleted because someone asked for it.
        Delete = "delete",
        /// Lists are counted.
        ListLengths = "list_lengths",
        /// What the store holds is counted.
        Size = "size",
        /// The projects are read.
        Projects = "projects",
        /// Old records are deleted.
        Expire = "expire",
        /// The keys of the installation are read.
        Keys = "keys",
        /// A key is created or replaced.
        PutKey = "put_key",
        /// The use of a key is noted.
        TouchKey = "touch_key",
        /// What the published scripts wrote is adopted.
        Adopt = "adopt",
        /// A lease is taken.
        Lease = "lease",
        /// The store is asked whether it is there.
        Ping = "ping",
    }
}

words! {
    /// What became of a push to the Pushgateway.
    Push {
        /// It has the state.
        Success = "success",
        /// It can't be reached.
        Unreachable = "unreachable",
        /// It did not answer in time.
        Timeout = "timeout",
        /// It answered with another status than success.
        Refused = "refused",
        /// Another process was pushing for as long as this one could wait.
        Busy = "busy",
        /// The store could not be read.
        Store = "store",
    }
}

words! {
    /// What was wrong with the key of a request.
    AuthFailure {
        /// None was shown where one is asked for.
        Missing = "missing",
        /// It opens nothing.
        Invalid = "invalid",
        /// It was not looked at, after too many of the same origin that open nothing.
        Throttled = "throttled",
    }
}

words! {
    /// Why a stream of events ends before its client has left.
    LiveEnd {
        /// The client was so slow that what comes next for it is not kept any more.
        Behind = "behind",
        /// The client took nothing at all for as long as it is waited for.
        Stalled = "stalled",
        /// The client's key is not good any more.
        Revoked = "revoked",
        /// The server ends.
        Shutdown = "shutdown",
        /// A defect of watchglass.
        Failed = "failed",
    }
}

words! {
    /// A connection that stays open.
    Stream {
        /// A session of the legacy HTTP+SSE transport.
        Sse = "sse",
    }
}
