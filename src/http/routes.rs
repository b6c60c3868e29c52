//! Addresses, each with the rule for who may call it.

use std::fmt;

use axum::Router;
use axum::handler::Handler;
use axum::middleware;
use axum::routing::{MethodRouter, any, delete, get, post};

use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

use super::gate::check;
use crate::model::Scope;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Everyone: health, static pages, the login.
    Open,
    /// Whoever has a key, where keys are asked for; what is behind the route asks for scopes itself.
    AnyKey,
    /// Whoever has a key with this scope, where keys are asked for.
    Needs(Scope),
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("open"),
            Self::AnyKey => f.write_str("any key"),
            Self::Needs(scope) => write!(f, "{scope}"),
        }
    }
}

/// One address and its rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// `GET`, `POST`, …, or `any`.
    pub method: &'static str,
    /// The path, as a template.
    pub path: &'static str,
    /// Who may call it.
    pub rule: Rule,
}

/// A router that can't be given a route without a rule, and knows what it holds.
#[derive(Debug)]
pub struct Routes<S = ()> {
    router: Router<S>,
    table: Vec<Route>,
}

impl<S> Default for Routes<S>
where
    S: Clone + Send + Sync + 'static,
{
    fn default() -> Self {
        Self { router: Router::new(), table: Vec::new() }
    }
}

impl<S> Routes<S>
where
    S: Clone + Send + Sync + 'static,
{
    /// Answers `GET` (and `HEAD`) of `path`.
    #[must_use]
    pub fn get<T: 'static>(self, path: &'static str, rule: Rule, handler: impl Handler<T, S>) -> Self {
        self.route("GET", path, rule, get(handler))
    }

    /// Answers `POST` to `path`.
    #[must_use]
    pub fn post<T: 'static>(self, path: &'static str, rule: Rule, handler: impl Handler<T, S>) -> Self {
        self.route("POST", path, rule, post(handler))
    }

    /// Answers `DELETE` of `path`.
    #[must_use]
    pub fn delete<T: 'static>(self, path: &'static str, rule: Rule, handler: impl Handler<T, S>) -> Self {
        self.route("DELETE", path, rule, delete(handler))
    }

    /// Answers every method at `path`.
    #[must_use]
    pub fn any<T: 'static>(self, path: &'static str, rule: Rule, handler: impl Handler<T, S>) -> Self {
        self.route("any", path, rule, any(handler))
    }

    fn route(
        mut self,
        method: &'static str,
        path: &'static str,
        rule: Rule,
        handlers: MethodRouter<S>,
    ) -> Self {
        let handlers = handlers.layer(middleware::from_fn_with_state(rule, check));
        self.router = self.router.route(path, handlers);
        self.table.push(Route { method, path, rule });
        self
    }

    /// Compresses answers for whoever takes them so, but for short ones and for events, which it would hold back.
    #[must_use]
    pub fn compressed(self) -> Self {
        let when = SizeAbove::new(1_024).and(NotForContentType::SSE);
        let router = self.router.layer(CompressionLayer::new().gzip(true).compress_when(when));
        Self { router, ..self }
    }

    /// These routes and those.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.table.extend(other.table);
        self
    }

    /// Gives the handlers their state.
    pub fn with_state(self, state: S) -> Routes {
        Routes { router: self.router.with_state(state), table: self.table }
    }

    /// Every route, in the order in which they were given.
    pub fn table(&self) -> &[Route] {
        &self.table
    }

    /// The router, to be put behind a [`Gate`](super::Gate): without one, every rule but [`Rule::Open`] fails.
    pub fn into_router(self) -> Router<S> {
        self.router
    }
}
