//! The lists on which other programs put the tasks that failed.

use std::collections::BTreeMap;

use super::Service;
use crate::model::{Labels, Problem, ProjectId, Series, SeriesValue};

impl Service {
    /// How many items each list that is watched holds; `None` where there can be no list. They are nobody's but the
    /// default project's, as all is that the published programs write.
    pub(super) async fn dead_letters(
        &self,
        project: &ProjectId,
    ) -> Result<Option<BTreeMap<String, u64>>, Problem> {
        let lists = &self.options.dead_letters;
        if lists.is_empty() || *project != ProjectId::default_project() {
            return Ok(None);
        }
        let lengths = self.store.list_lengths(lists).await?;
        let held: BTreeMap<String, u64> =
            lists.iter().cloned().zip(lengths).filter_map(|(list, length)| Some((list, length?))).collect();
        Ok(Some(held).filter(|held| !held.is_empty()))
    }

    /// The same as series.
    pub(super) async fn dead_letter_series(&self, project: &ProjectId) -> Result<Vec<Series>, Problem> {
        let held = self.dead_letters(project).await?.unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "no list holds 2^53 items")]
        let gauge = |(list, length)| Series {
            name: "agent_dead_letters".into(),
            labels: Labels::from([("list".into(), list)]),
            value: SeriesValue::Gauge(length as f64),
        };
        Ok(held.into_iter().map(gauge).collect())
    }
}
