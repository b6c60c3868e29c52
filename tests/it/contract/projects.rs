//! Projects: what one holds, another never sees.

use watchglass::model::{Code, MetricKind, ProjectId, SeriesValue, SpanStatus, TraceId, TraceQuery};

use super::world::{
    World, any_log, empty, end, log, named, point, span, start, write_end, write_log, write_point,
};

pub(super) async fn identical_ids_stay_apart(world: World) {
    let other = ProjectId::stored(format!("{}-other", world.project));
    for (project, agent) in [(&world.project, "mine"), (&other, "theirs")] {
        let mut log = log(0, "e", agent);
        (log.id, log.trace_id) = ("same".into(), Some(TraceId::stored("t")));
        let mut point = point("calls_total", MetricKind::Counter, 1.0, &[("agent_name", agent)]);
        point.id = "same".into();
        let batch = vec![write_log(log), start(named(span("t", "1", None, 0), agent)), write_point(point)];
        for answer in world.store.write(project, batch).await {
            answer.unwrap();
        }
    }
    for (project, agent) in [(&world.project, "mine"), (&other, "theirs")] {
        let logs = world.store.logs(project, &any_log()).await.unwrap().logs;
        assert_eq!(logs.iter().map(|log| log.message.as_str()).collect::<Vec<_>>(), [agent]);
        let query = TraceQuery { trace_id: TraceId::stored("t"), limit: 10, after: None };
        let spans = world.store.trace(project, &query).await.unwrap().spans;
        assert_eq!(spans[0].agent_name.as_deref(), Some(agent));
        let series = world.store.series(project).await.unwrap();
        assert_eq!((series.len(), series[0].labels["agent_name"].as_str()), (1, agent));
        assert_eq!(series[0].value, SeriesValue::Counter(1.0));
        assert_eq!(world.store.open_spans(project).await.unwrap().len(), 1);
    }
    let stranger = ProjectId::stored(format!("{}-stranger", world.project));
    let ended = world.store.write(&stranger, vec![write_end(end("1", SpanStatus::Ok, 1, empty()))]).await;
    assert_eq!(ended[0].as_ref().unwrap_err().code, Code::SpanNotFound);
    assert_eq!(world.store.resolve(&stranger, "0000000000000001").await.unwrap(), None);
}
