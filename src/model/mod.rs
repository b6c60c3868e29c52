//! What is observed: plain values and the rules that hold for them alone.
//!
//! **Invariant:** nothing here does I/O, waits, or asks what time it is.

mod problem;

pub use problem::{Code, Problem};
