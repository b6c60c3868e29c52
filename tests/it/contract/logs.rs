//! Logs: order, filters, pages, totals.

use serde_json::json;
use watchglass::model::{EventFilter, EventType, Level, LevelFilter, Log, LogQuery, Total, TraceId};

use super::world::{World, any_log, at, log, object, span, start, write_log};

pub(super) async fn newest_come_first(world: World) {
    let logs = [(2, "b"), (0, "a"), (3, "c"), (1, "x")];
    world.write_all(logs.map(|(micros, message)| write_log(log(micros, "e", message))).into()).await;
    assert_eq!(world.messages(&any_log()).await, ["c", "b", "x", "a"]);
    let since = LogQuery { since: at(2), ..any_log() };
    assert_eq!(world.messages(&since).await, ["c", "b"]);
    let none = LogQuery { since: at(4), ..any_log() };
    let page = world.store.logs(&world.project, &none).await.unwrap();
    assert_eq!((page.logs.len(), page.total, page.next), (0, Total { value: 0, exact: true }, None));
}

pub(super) async fn filters_hold(world: World) {
    let levels = [Some(Level::Debug), Some(Level::Info), Some(Level::Warn), Some(Level::Error), None];
    let logs = levels.into_iter().enumerate().map(|(index, level)| {
        let micros = i64::try_from(index).unwrap();
        let event_type = ["agent.start", "agent.end", "tool.call", "agent", "agentic"][index];
        let mut log = Log { level, ..log(micros, event_type, &format!("Message {index}")) };
        if index < 2 {
            log.trace_id = Some(TraceId::stored("t"));
            log.agent_name = Some(format!("agent-{index}"));
            log.metadata = object(json!({"city": "Köln", "n": index}));
        }
        write_log(log)
    });
    world.write_all(logs.collect()).await;
    let find = async |query: LogQuery| -> Vec<String> {
        let messages = world.messages(&query).await;
        messages.into_iter().map(|message| message.replace("Message ", "")).collect()
    };
    let typed = |event_type: EventFilter| LogQuery { event_type, ..any_log() };
    let exactly = |text: &str| EventFilter::Exactly(EventType::stored(text));
    assert_eq!(find(typed(exactly("agent"))).await, ["3"]);
    assert_eq!(find(typed(exactly("nothing"))).await, [""; 0]);
    assert_eq!(find(typed(EventFilter::Prefix("agent.".into()))).await, ["1", "0"]);
    assert_eq!(find(typed(EventFilter::Prefix("agent".into()))).await, ["4", "3", "1", "0"]);
    let level = |level| LogQuery { level, ..any_log() };
    assert_eq!(find(level(LevelFilter::Exactly(Level::Warn))).await, ["2"]);
    assert_eq!(find(level(LevelFilter::AtLeast(Level::Warn))).await, ["3", "2"]);
    let traced = LogQuery { trace_id: Some(TraceId::stored("t")), ..any_log() };
    assert_eq!(find(traced.clone()).await, ["1", "0"]);
    assert_eq!(find(LogQuery { event_type: exactly("agent.end"), ..traced.clone() }).await, ["1"]);
    assert_eq!(find(LogQuery { level: LevelFilter::Exactly(Level::Debug), ..traced }).await, ["0"]);
    assert_eq!(find(LogQuery { agent_name: Some("agent-1".into()), ..any_log() }).await, ["1"]);
    let words = |words: &[&str]| LogQuery {
        words: words.iter().map(|word| (*word).to_owned()).collect(),
        ..any_log()
    };
    assert_eq!(find(words(&["message", "köln"])).await, ["1", "0"]);
    assert_eq!(find(words(&["tool.call"])).await, ["2"]);
    assert_eq!(find(words(&["köln", "absent"])).await, [""; 0]);
}

/// Ids may look like the ends of other things' names.
pub(super) async fn no_id_is_taken_for_another_thing(world: World) {
    for trace_id in ["t", "t:logs", "t:spans", "logs", "logs:t"] {
        let mut log = log(0, "e", trace_id);
        log.trace_id = Some(TraceId::stored(trace_id));
        log.agent_name = Some(trace_id.to_owned());
        world.write_all(vec![write_log(log), start(span(trace_id, &format!("{trace_id}:1"), None, 0))]).await;
    }
    for trace_id in ["t", "t:logs", "t:spans", "logs", "logs:t"] {
        let traced = LogQuery { trace_id: Some(TraceId::stored(trace_id)), ..any_log() };
        assert_eq!(world.messages(&traced).await, [trace_id]);
    }
}

/// Twelve logs at three instants, in pages of five, by every way to ask.
pub(super) async fn pages_join_where_times_are_equal(world: World) {
    let logs = (0..12).map(|index| {
        let trace_id = Some(TraceId::stored("t"));
        write_log(Log { trace_id, ..log(index % 3, "e", &index.to_string()) })
    });
    world.write_all(logs.collect()).await;
    let queries = [
        any_log(),
        LogQuery { event_type: EventFilter::Exactly(EventType::stored("e")), ..any_log() },
        LogQuery { trace_id: Some(TraceId::stored("t")), ..any_log() },
        LogQuery { level: LevelFilter::Exactly(Level::Info), ..any_log() },
    ];
    for query in queries {
        for limit in [1, 2, 5] {
            let whole = world.store.logs(&world.project, &query).await.unwrap().logs;
            assert!(whole.windows(2).all(|pair| pair[0].position() > pair[1].position()));
            let mut pages = Vec::new();
            let mut query = LogQuery { limit, ..query.clone() };
            loop {
                let page = world.store.logs(&world.project, &query).await.unwrap();
                assert_eq!(page.total, Total { value: 12, exact: true });
                assert!(page.logs.len() <= limit);
                pages.extend(page.logs);
                query.before = page.next;
                if query.before.is_none() {
                    break;
                }
            }
            assert_eq!(pages.len(), 12);
            assert_eq!(pages, whole);
        }
    }
}

pub(super) async fn totals_count_every_page(world: World) {
    let logs = (0..250).map(|index| {
        let level = if index % 5 == 0 { Level::Error } else { Level::Info };
        write_log(Log { level: Some(level), ..log(index, "e", "m") })
    });
    world.write_all(logs.collect()).await;
    let query = LogQuery { level: LevelFilter::Exactly(Level::Error), limit: 20, ..any_log() };
    let first = world.store.logs(&world.project, &query).await.unwrap();
    let second = LogQuery { before: first.next.clone(), ..query };
    let second = world.store.logs(&world.project, &second).await.unwrap();
    assert_eq!(
        (first.total, second.total),
        (Total { value: 50, exact: true }, Total { value: 50, exact: true })
    );
    assert_eq!((first.logs.len(), second.logs.len()), (20, 20));
    let all = LogQuery { limit: 1_000, ..any_log() };
    let all = world.store.logs(&world.project, &all).await.unwrap();
    assert_eq!((all.logs.len(), all.total.value, all.next), (250, 250, None));
}

pub(super) async fn metadata_comes_back_whole(world: World) {
    let mut written = log(0, "e", "with\u{fffd} \"quotes\"\n");
    written.metadata = object(json!({
        "id": "mine", "level": 7, "timestamp": null, "metadata": {"deep": [1, 2.5, "x"]}, "wg": 2, "agent_name": "other",
        "redacted": "so it is", "πλ": "ünï", "big": 12_345_678_901_234_567_u64,
    }));
    (written.agent_name, written.session_id) = (Some("a".into()), Some("s".into()));
    written.sanitized = true;
    written.redacted = vec!["message".into(), "metadata.deep[2]".into()];
    world.write_all(vec![write_log(written.clone())]).await;
    let page = world.store.logs(&world.project, &any_log()).await.unwrap();
    assert_eq!(page.logs, [written.clone()]);
    let exact = LogQuery { event_type: EventFilter::Exactly(EventType::stored("e")), ..any_log() };
    assert_eq!(world.store.logs(&world.project, &exact).await.unwrap().logs, [written]);
}

pub(super) async fn batches_keep_their_order(world: World) {
    let mut answers = Vec::new();
    for batch in 0..20 {
        let batch = (0..5).map(|index| write_log(log(batch * 5 + index, "e", &format!("{batch} {index}"))));
        answers.push(world.store.write(&world.project, batch.collect()));
    }
    for answer in answers {
        assert!(answer.await.iter().all(Result::is_ok));
    }
    let messages = world.messages(&any_log()).await;
    assert_eq!((messages.len(), messages[0].as_str(), messages[99].as_str()), (100, "19 4", "0 0"));
}
