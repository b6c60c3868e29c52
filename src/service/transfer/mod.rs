//! Taking records elsewhere: all that is held in a window as lines, and lines back into a store.
//!
//! What travels are logs, spans, the points that are counted, and series. Numbers are not carried: they arise anew
//! from the spans and points that arrive. `docs/transfer.md` has the format.

mod answer;
mod check;
mod export;
mod import;
mod item;
mod lines;
mod request;
mod section;
mod walk;

pub use answer::{Imported, Kinds, Refusal, Tally};
pub use import::{Importer, Numbered};
pub use item::{Counts, Item, Kind, LineSchema};
pub use request::Export;
pub use walk::Pages;
use walk::Selection;

/// The number of the format: a reader refuses one that it does not know.
const FORMAT: u32 = 1;
