//! `watchglass trace ID`: one trace as a waterfall.

mod nest;
mod step;
mod waterfall;
