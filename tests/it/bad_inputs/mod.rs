//! Inputs that agents send and should not, row by row of the bad-inputs matrix (B-01 … B-36).
//!
//! What holds for every refusal: the error names the field and the limit, nothing is stored, and the next
//! call works. What is taken in spite of its looks is read back as it was sent.

mod case;
mod commands;
mod headers;
mod ids;
mod limits;
mod literal;
mod metadata;
mod metrics;
mod numbers;
mod parsing;
mod positional;
mod protocol;
mod queries;
mod series;
mod spans;
mod text;
mod time;
mod traces;
