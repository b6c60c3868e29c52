//! What every surface over HTTP stands on: routes that name their rule, problems as responses, bodies
//! under a limit.
//!
//! A request passes, from outside in: the guard of `server` (Host and Origin), then the [`Rule`] of its
//! route, which asks the [`Gate`] whose key it bears, then the route's handler, which finds the
//! [`Grant`](crate::model::Grant) in the request's extensions.
//!
//! **Invariant:** a surface gives its addresses as [`Routes`], so there is no route without a rule.

mod answer;
pub(crate) mod body;
mod connection;
mod gate;
mod routes;
#[cfg(test)]
pub(crate) mod testing;

pub use answer::{PROBLEM_TYPE, ProblemDetails, details, json, problem, refusal, status_of};
pub use connection::{Ending, Stalled};
pub(crate) use gate::lacks;
pub use gate::{Gate, Peer};
pub use routes::{Route, Routes, Rule};
