//! Recorded metrics: what they stand at, and through time.

mod answer;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::answer::shown;
use super::super::text::{given, limit, name, object, optional_name};
use super::super::{Caller, Service, cursor, within_deadline};
use super::bins::Bins;
use super::request::{ListSeries, SeriesValues};
use super::window::Window;
use crate::model::{Labels, Problem, Scope, Series, SeriesQuery, Timestamp};

pub use answer::{HistogramView, SeriesAnswer, SeriesBinView, SeriesLine, SeriesList, SeriesView};

const MAX_LISTED: i64 = 1_000;
const MAX_LINES: i64 = 100;

/// Where a page of series ended.
#[derive(Serialize, Deserialize)]
struct Position {
    name: String,
    labels: Labels,
}

impl Service {
    /// Recorded metrics and what they stand at, those counted from open spans included.
    pub async fn list_series(&self, caller: &Caller, request: ListSeries) -> Result<SeriesList, Problem> {
        let project = caller.project(Scope::Read)?;
        let prefix = optional_name("name", request.name.as_deref())?.unwrap_or_default();
        let wanted = labels(request.labels.clone())?;
        let limit = limit(request.limit.as_ref(), 100, MAX_LISTED)?;
        let question = ("series", &request);
        let after = given(request.cursor.as_deref())
            .map(|text| cursor::decode::<Position>(project, &question, text))
            .transpose()?;
        let mut series = self.series(caller).await?;
        series.retain(|series| series.name.starts_with(&prefix) && has_labels(&series.labels, &wanted));
        let total = series.len();
        let behind = |series: &Series| {
            after.as_ref().is_none_or(|after| (&series.name, &series.labels) > (&after.name, &after.labels))
        };
        series.retain(behind);
        let truncated = series.len() > limit;
        series.truncate(limit);
        let last = series.last().filter(|_| truncated);
        let last = last.map(|last| Position { name: last.name.clone(), labels: last.labels.clone() });
        Ok(SeriesList {
            total,
            total_exact: true,
            returned: series.len(),
            limit,
            truncated,
            next: last.map(|last| cursor::encode(project, &question, last)).transpose()?,
            items: series.into_iter().map(SeriesView::from).collect(),
            untrusted: true,
        })
    }

    /// One recorded metric over time.
    pub async fn series_values(
        &self,
        caller: &Caller,
        request: SeriesValues,
    ) -> Result<SeriesAnswer, Problem> {
        within_deadline(self.series_values_of(caller, request)).await
    }

    async fn series_values_of(
        &self,
        caller: &Caller,
        request: SeriesValues,
    ) -> Result<SeriesAnswer, Problem> {
        let project = caller.project(Scope::Read)?;
        let now = self.clock.now();
        let metric = name("name", &request.name)?;
        let wanted = labels(request.labels.clone())?;
        let limit = limit(request.limit.as_ref(), 20, MAX_LINES)?;
        let question = ("series_values", &request);
        let after = given(request.cursor.as_deref())
            .map(|text| cursor::decode::<Position>(project, &question, text))
            .transpose()?;
        let window = Window::parse(&request.period, "24h", self.options.traces_kept, now)?;
        let bins = Bins::new(window, request.step.as_deref(), now, window.since)?;
        let since = bins.starts().next().unwrap_or(window.since);
        let query = SeriesQuery { name: metric, since, until: bins.end, bin: bins.step };
        let mut lines = self.store.series_history(project, &query).await?;
        lines.retain(|line| has_labels(&line.labels, &wanted));
        lines.sort_by(|one, other| one.labels.cmp(&other.labels));
        let total = lines.len();
        lines.retain(|line| after.as_ref().is_none_or(|after| line.labels > after.labels));
        let truncated = lines.len() > limit;
        lines.truncate(limit);
        let last = lines.last().filter(|_| truncated);
        let last = last.map(|last| Position { name: query.name.clone(), labels: last.labels.clone() });
        let starts: Vec<Timestamp> = bins.starts().collect();
        let items: Vec<SeriesLine> =
            lines.into_iter().map(|line| SeriesLine::new(&query.name, line, &bins, &starts)).collect();
        Ok(SeriesAnswer {
            window: Window { since, ..window }.view(since == window.since),
            step_seconds: bins.step.as_secs(),
            times: starts.into_iter().map(Timestamp::to_rfc3339).collect(),
            total,
            returned: items.len(),
            limit,
            truncated,
            next: last.map(|last| cursor::encode(project, &question, last)).transpose()?,
            items,
            name: shown(query.name),
            untrusted: true,
        })
    }
}

/// The labels that are asked for.
fn labels(given: Option<Value>) -> Result<Map<String, Value>, Problem> {
    let labels = object("labels", given)?;
    match labels.iter().find(|(_, value)| value.is_object() || value.is_array() || value.is_null()) {
        None => Ok(labels),
        Some((label, _)) => Err(Problem::invalid(
            format!("labels.{}", crate::model::text::excerpt(label)),
            "the value of a label is a text",
        )),
    }
}

/// Whether all of these are among the labels, in the form in which labels are kept.
fn has_labels(labels: &Labels, wanted: &Map<String, Value>) -> bool {
    wanted.iter().all(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        labels.get(name).is_some_and(|found| *found == value)
    })
}
