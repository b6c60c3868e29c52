//! Taking records elsewhere: exports, imports, and copies of whole stores.

mod copy;
mod held;
mod lines;
mod rebuild;
