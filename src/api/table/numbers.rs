//! The numbers of a window, and what they are made of.

use crate::api::Endpoint;
use crate::model::Scope;
use crate::service::Service;
use crate::service::numbers::{
    AgentView, Agents, ErrorView, Errors, ListSeries, ModelView, Models, Overview, OverviewAnswer, Ranked,
    SeriesAnswer, SeriesList, SeriesValues, Timeseries, TimeseriesAnswer, ToolView, Tools,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get::<Overview, OverviewAnswer>(
            "/api/v1/overview",
            Scope::Read,
            "The numbers at a glance, by default of the last 5 minutes",
            Service::overview,
        ),
        Endpoint::get::<Overview, OverviewAnswer>(
            "/api/metrics",
            Scope::Read,
            "The same under its published address",
            Service::overview,
        ),
        Endpoint::get::<Timeseries, TimeseriesAnswer>(
            "/api/v1/timeseries",
            Scope::Read,
            "Numbers over time, by default of the last 24 hours",
            Service::timeseries,
        ),
        Endpoint::get::<Agents, Ranked<AgentView>>(
            "/api/v1/agents",
            Scope::Read,
            "Agents and their numbers, by default of the last 24 hours",
            Service::agents,
        ),
        Endpoint::get::<Tools, Ranked<ToolView>>(
            "/api/v1/tools",
            Scope::Read,
            "Tools and how they do, by default in the last 24 hours",
            Service::tools,
        ),
        Endpoint::get::<Models, Ranked<ModelView>>(
            "/api/v1/models",
            Scope::Read,
            "Models and what they cost, by default in the last 24 hours",
            Service::models,
        ),
        Endpoint::get::<Errors, Ranked<ErrorView>>(
            "/api/v1/errors",
            Scope::Read,
            "Failures, those that are alike as one, by default of the last 24 hours",
            Service::errors,
        ),
        Endpoint::get::<ListSeries, SeriesList>(
            "/api/v1/series",
            Scope::Read,
            "Recorded metrics and what they stand at",
            Service::list_series,
        ),
        Endpoint::get::<SeriesValues, SeriesAnswer>(
            "/api/v1/series/{name}",
            Scope::Read,
            "One recorded metric over time, by default of the last 24 hours",
            Service::series_values,
        ),
    ]
}
