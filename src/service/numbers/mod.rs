//! The numbers: how many, how long, how often it failed, what it cost; over a window, over time, and by whom.
//!
//! Every question is a window, which `plan` lays out as whole rows of roll-ups and, at its edges, records; `read`
//! adds them up. So an answer is exact to the microsecond, and costs what its rows cost, however many records
//! there are.

mod agents;
mod bins;
mod errors;
mod figures;
mod number;
mod overview;
mod plan;
mod quantile;
mod ranking;
mod read;
mod request;
mod series;
mod steps;
mod timeseries;
mod window;

pub use agents::AgentView;
pub use errors::{ErrorView, Timeline};
pub(super) use figures::dollars;
pub use figures::{Figures, Spent, Tokens};
pub use overview::{Freshness, OverviewAnswer, Previous};
pub use ranking::Ranked;
pub use request::{Agents, Errors, ListSeries, Models, Overview, Period, SeriesValues, Timeseries, Tools};
pub use series::{HistogramView, SeriesAnswer, SeriesBinView, SeriesLine, SeriesList, SeriesView};
pub use steps::{Calls, LastError, ModelView, ToolView};
pub use timeseries::{Line, TimeseriesAnswer};
pub use window::WindowView;
pub(super) use window::{instant, length};

/// The agent of whatever names none.
const UNKNOWN: &str = "unknown";
