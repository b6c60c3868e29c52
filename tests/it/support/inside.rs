//! The service without a transport, for what needs a moved clock or more calls than a test has time for.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use watchglass::clock::Clock;
use watchglass::model::{Problem, ProjectId, Series, SeriesValue, Unpriced};
use watchglass::service::{Caller, Committed, Service, ServiceOptions};
use watchglass::store::{self, Retention, Store, StoreOptions, StoreUrl};

const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A service on a store, by default in memory.
pub(crate) struct Inside {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) service: Arc<Service>,
}

impl Inside {
    pub(crate) async fn new(clock: Arc<dyn Clock>) -> Self {
        Self::on("memory:", clock).await
    }

    /// A service on `store`, which others may be using too.
    pub(crate) async fn on(store: &str, clock: Arc<dyn Clock>) -> Self {
        let options = StoreOptions {
            url: StoreUrl::parse(store).expect("a sound address"),
            relaxed: false,
            require_durable: false,
            retention: Retention {
                traces: WEEK,
                logs: WEEK,
                series: WEEK,
                rollups: 57 * WEEK,
                max_bytes: u64::MAX,
            },
            pricing: Arc::new(Unpriced),
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(5),
        };
        let store = store::open(&options).await.expect("the store can be opened");
        let service = Arc::new(Service::new(Arc::clone(&store), clock, ServiceOptions::default()));
        Self { store, service }
    }

    /// What the counters of that name with that label have added up to.
    pub(crate) async fn sum(&self, name: &str, label: &str, value: &str) -> f64 {
        let series = self.store.series(&ProjectId::default_project()).await.expect("the store answers");
        let wanted = |series: &&Series| {
            series.name == name && series.labels.get(label).is_some_and(|found| found == value)
        };
        let sum = |series: &Series| if let SeriesValue::Counter(sum) = series.value { sum } else { f64::NAN };
        series.iter().filter(wanted).map(sum).sum()
    }

    /// Calls a tool's use case.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Result<Value, Problem> {
        self.call_as(&Caller::local(), tool, arguments).await
    }

    pub(crate) async fn call_as(
        &self,
        caller: &Caller,
        tool: &str,
        arguments: Value,
    ) -> Result<Value, Problem> {
        let service = &*self.service;
        match tool {
            "log_event" => committed(service.log_event(caller, read(arguments)).await).await,
            "start_span" => committed(service.start_span(caller, read(arguments)).await).await,
            "end_span" => committed(service.end_span(caller, read(arguments)).await).await,
            "record_metric" => committed(service.record_metric(caller, read(arguments)).await).await,
            "get_trace" => service.get_trace(caller, read(arguments)).await.map(write),
            "query_logs" => service.query_logs(caller, read(arguments)).await.map(write),
            other => panic!("there is no tool {other}"),
        }
    }
}

async fn committed<T: Serialize>(queued: Result<Committed<T>, Problem>) -> Result<Value, Problem> {
    queued?.await.map(write)
}

fn read<T: DeserializeOwned>(arguments: Value) -> T {
    serde_json::from_value(arguments).expect("sound arguments")
}

fn write<T: Serialize>(answer: T) -> Value {
    serde_json::to_value(answer).expect("answers are json")
}
