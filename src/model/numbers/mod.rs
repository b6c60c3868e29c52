//! The numbers of an installation: what each record adds to them, minute by minute.
//!
//! A record gives [`Contribution`]s, each at its own instant; a roll-up is their sum over a minute or an hour. So a
//! change of a record adds the difference of what it gave before and gives now, a deletion takes away what it
//! gave, and a recount from the records is a plain sum: there is one rule, `Span::contributions`.

mod contribution;
mod dimension;
mod fold;
mod latency;
mod query;
mod tally;

pub use contribution::{Contribution, Sums, changes};
pub use dimension::{Dimension, DimensionKind};
pub use fold::{fingerprint, fold_message, fold_name};
pub use latency::{Latency, MAX_RELATIVE_ERROR};
pub use query::{ErrorGroup, Rollup, RollupQuery, Tier};
pub use tally::{Measure, Tally};
