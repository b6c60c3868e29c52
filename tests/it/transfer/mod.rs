//! Taking records elsewhere: exports, imports, and copies of whole stores.

mod copy;
pub(crate) mod held;
mod lines;
mod rebuild;
