use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::clock::{Clock, ManualClock};
use crate::model::testing as records;
use crate::model::{Code, EventType, Grant, Record, Timestamp, Write};
use crate::service::{EndSpan, LogEvent, ServiceOptions, StartSpan, testing};
use crate::store::Store;
use crate::telemetry::metrics::LiveEnd;

/// Longer than anything takes, so that a hang is told from slowness.
const DEADLINE: Duration = Duration::from_secs(30);

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

/// Two processes on one store, with one clock.
struct World {
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    here: Service,
    there: Service,
}

impl World {
    async fn new() -> Self {
        let (store, clock) = (testing::memory().await, Arc::new(ManualClock::starting_at(NOW)));
        let service = || {
            let clock: Arc<dyn Clock> = Arc::clone(&clock) as _;
            Service::new(Arc::clone(&store), clock, ServiceOptions::default())
        };
        let (here, there) = (service(), service());
        Self { store, clock, here, there }
    }

    /// Commits a log that `service` takes, a moment later than the one before.
    async fn log(&self, service: &Service, message: &str) {
        self.clock.advance(Duration::from_millis(1));
        log(service, &Caller::local(), message).await;
    }

    /// Commits a log of this time, past every service.
    async fn late(&self, message: &str, timestamp: Timestamp) {
        let mut log = records::log(message);
        (log.id, log.timestamp) = (message.to_owned(), timestamp);
        let write = Write::once(Record::Log(Box::new(log)));
        let answers = self.store.write(&ProjectId::default_project(), vec![write]).await;
        for answer in answers {
            answer.unwrap();
        }
    }
}

async fn log(service: &Service, caller: &Caller, message: &str) {
    let request = json!({ "event_type": "step", "message": message });
    let request: LogEvent = serde_json::from_value(request).unwrap();
    service.log_event(caller, request).await.unwrap().await.unwrap();
}

async fn watch(service: &Service, request: WatchLive) -> Subscription {
    service.watch(&Caller::local(), request).await.unwrap()
}

async fn resume(service: &Service, id: &str) -> Subscription {
    watch(service, WatchLive { last_event_id: Some(id.to_owned()), ..WatchLive::default() }).await
}

async fn next(subscription: &mut Subscription) -> Arc<LiveEvent> {
    let event = tokio::time::timeout(DEADLINE, subscription.next()).await.expect("an event in time");
    event.expect("the stream goes on")
}

/// What happened, in a word or two.
fn told(event: &LiveEvent) -> String {
    let kind = event.happening().kind().as_str();
    match event.happening() {
        Happening::Log(log) => log.message.clone(),
        Happening::SpanStart(span) | Happening::SpanEnd(span) => format!("{kind} {}", span.name),
        Happening::Gap(_) => kind.to_owned(),
        Happening::End(end) => format!("{kind} {} {:?}", end.reason, end.missed),
    }
}

async fn tell(subscription: &mut Subscription) -> String {
    told(&*next(subscription).await)
}

/// What comes until the log `last`, which was written last.
async fn until(subscription: &mut Subscription, last: &str) -> Vec<String> {
    let mut all = Vec::new();
    while all.last().is_none_or(|told| told != last) {
        all.push(tell(subscription).await);
    }
    all
}

#[tokio::test]
async fn what_this_process_and_others_write_comes_once_and_nothing_from_before() {
    let world = World::new().await;
    world.log(&world.there, "before").await;
    let mut subscription = watch(&world.here, WatchLive::default()).await;
    world.log(&world.here, "one").await;
    assert_eq!(tell(&mut subscription).await, "one");
    world.log(&world.there, "two").await;
    let start: StartSpan = serde_json::from_value(json!({ "span_name": "work", "span_id": "s" })).unwrap();
    world.here.start_span(&Caller::local(), start).await.unwrap().await.unwrap();
    let end = || serde_json::from_value::<EndSpan>(json!({ "span_id": "s" })).unwrap();
    world.clock.advance(Duration::from_millis(1));
    world.there.end_span(&Caller::local(), end()).await.unwrap().await.unwrap();
    // Ends as it has ended, which is no event.
    world.here.end_span(&Caller::local(), end()).await.unwrap().await.unwrap();
    world.log(&world.there, "last").await;
    let mut all = until(&mut subscription, "last").await;
    // What this process writes does not wait for what others have written before.
    all.sort();
    assert_eq!(all, ["last", "span_end work", "span_start work", "two"]);
}

#[tokio::test]
async fn a_call_that_is_repeated_is_no_event() {
    let world = World::new().await;
    let request = json!({ "event_type": "step", "message": "once", "idempotency_key": "k" });
    let request: LogEvent = serde_json::from_value(request).unwrap();
    let caller = Caller::local();
    world.here.log_event(&caller, request.clone()).await.unwrap().await.unwrap();
    world.clock.advance(Duration::from_secs(60));
    let mut subscription = watch(&world.here, WatchLive::default()).await;
    world.here.log_event(&caller, request).await.unwrap().await.unwrap();
    world.log(&world.here, "next").await;
    assert_eq!(tell(&mut subscription).await, "next");
}

#[tokio::test]
async fn nothing_runs_once_nobody_watches() {
    let world = World::new().await;
    let project = ProjectId::default_project();
    assert!(world.here.live.feed(&project).is_none());
    let subscription = watch(&world.here, WatchLive::default()).await;
    let task = Arc::downgrade(&world.here.live.feed(&project).unwrap());
    let second = watch(&world.here, WatchLive::default()).await;
    assert_eq!(world.here.live.running.load(Ordering::Relaxed), 1);
    drop((subscription, second));
    assert!(task.upgrade().is_none() && world.here.live.feed(&project).is_none());
    assert_eq!(world.here.live.running.load(Ordering::Relaxed), 0);
    let again = watch(&world.here, WatchLive::default()).await;
    assert!(again.mark().is_some());
}

#[tokio::test]
async fn one_project_sees_nothing_of_another() {
    let world = World::new().await;
    let stranger = Grant { project: ProjectId::stored("other"), ..Grant::local() };
    let stranger = Caller::new(stranger, None);
    let mut theirs = world.here.watch(&stranger, WatchLive::default()).await.unwrap();
    let mut ours = watch(&world.here, WatchLive::default()).await;
    for service in [&world.here, &world.there] {
        world.log(service, "ours").await;
        log(service, &stranger, "theirs").await;
        assert_eq!((tell(&mut ours).await, tell(&mut theirs).await), ("ours".into(), "theirs".into()));
    }
}

#[tokio::test]
async fn who_comes_back_to_either_process_misses_nothing_and_sees_nothing_twice() {
    let world = World::new().await;
    let mut seen = BTreeMap::<String, u32>::new();
    let mut written = 0;
    let mut id = watch(&world.here, WatchLive::default()).await.mark().unwrap().to_string();
    for round in 0..12_u32 {
        let back = if round % 3 == 1 { &world.there } else { &world.here };
        let mut subscription = resume(back, &id).await;
        // While it is there, and once it is gone again.
        for _ in 0..8 {
            written += 1;
            let service = if written % 2 == 0 { &world.here } else { &world.there };
            world.clock.advance(Duration::from_millis(90));
            world.log(service, &written.to_string()).await;
        }
        for _ in 0..=round % 7 {
            let event = next(&mut subscription).await;
            *seen.entry(told(&event)).or_default() += 1;
            event.id().clone_into(&mut id);
        }
    }
    let mut subscription = resume(&world.there, &id).await;
    while seen.len() < written {
        *seen.entry(tell(&mut subscription).await).or_default() += 1;
    }
    assert!(seen.values().all(|times| *times == 1), "{seen:?}");
}

#[tokio::test]
async fn what_is_committed_late_is_not_lost_by_one_who_comes_back() {
    let world = World::new().await;
    let mut subscription = watch(&world.here, WatchLive::default()).await;
    world.log(&world.here, "seen").await;
    let id = next(&mut subscription).await.id().to_owned();
    world.late("late", NOW.minus(Duration::from_secs(1))).await;
    assert_eq!(tell(&mut subscription).await, "late");
    drop(subscription);
    for service in [&world.here, &world.there] {
        let mut subscription = resume(service, &id).await;
        world.log(service, "last").await;
        assert_eq!(tell(&mut subscription).await, "late");
    }
}

#[tokio::test]
async fn what_is_too_much_to_be_told_again_is_a_gap_and_the_rest_is_told() {
    let world = World::new().await;
    let id = watch(&world.here, WatchLive::default()).await.mark().unwrap();
    for number in 0..1_100 {
        world.log(&world.there, &number.to_string()).await;
    }
    let mut subscription = resume(&world.there, &id).await;
    let Happening::Gap(gap) = next(&mut subscription).await.happening().clone() else { panic!("no gap") };
    let at = |number: u64| NOW.plus(Duration::from_millis(number + 1)).to_rfc3339();
    assert!(gap.since < at(0), "{gap:?}");
    assert_eq!(gap.until, at(99));
    let told = until(&mut subscription, "1099").await;
    assert_eq!((told.len(), told[0].as_str()), (1_000, "100"));
}

#[tokio::test]
async fn only_what_is_wanted_is_told_now_and_again() {
    let world = World::new().await;
    let wanted = |id: Option<String>| WatchLive {
        q: Some("red".into()),
        kinds: vec!["log".into()],
        last_event_id: id,
        ..WatchLive::default()
    };
    let mut subscription = watch(&world.here, wanted(None)).await;
    let id = subscription.mark().unwrap().to_string();
    for service in [&world.here, &world.there] {
        for message in ["a blue one", "a red one"] {
            world.log(service, message).await;
        }
        assert_eq!(tell(&mut subscription).await, "a red one");
    }
    let mut again = watch(&world.there, wanted(Some(id))).await;
    assert_eq!([tell(&mut again).await, tell(&mut again).await], ["a red one", "a red one"]);
    world.log(&world.there, "the last red one").await;
    assert_eq!(tell(&mut again).await, "the last red one");
}

#[tokio::test]
async fn who_falls_behind_is_cut_and_told_and_comes_back_to_a_gap() {
    let world = World::new().await;
    let mut fast = watch(&world.here, WatchLive::default()).await;
    let mut slow = watch(&world.here, WatchLive::default()).await;
    world.log(&world.here, "first").await;
    let id = next(&mut slow).await.id().to_owned();
    for number in 0..2_100 {
        world.log(&world.here, &number.to_string()).await;
        if number % 100 == 99 {
            until(&mut fast, &number.to_string()).await;
        }
    }
    assert_eq!(tell(&mut slow).await, "end behind Some(100)");
    assert!(slow.next().await.is_none());
    let cut = &world.here.metrics().counted("watchglass_live_cut_total")["behind"];
    assert_eq!(cut.to_string(), "1");
    let mut slow = resume(&world.here, &id).await;
    assert_eq!(tell(&mut slow).await, "gap");
    assert_eq!(until(&mut slow, "2099").await.len(), 1_000);
}

#[tokio::test]
async fn a_place_in_what_is_kept_is_found_again() {
    let world = World::new().await;
    let mut subscription = watch(&world.here, WatchLive::default()).await;
    for number in 0..1_500 {
        world.log(&world.here, &number.to_string()).await;
    }
    let id = next(&mut subscription).await.id().to_owned();
    let mut again = resume(&world.here, &id).await;
    // More than is read from the store, so it is what is kept in memory that is told.
    assert_eq!(until(&mut again, "1499").await.len(), 1_499);
}

#[tokio::test]
async fn who_may_not_read_may_not_watch_and_a_stream_is_stopped_with_a_reason() {
    let world = World::new().await;
    let writer = Grant { scopes: [Scope::Ingest].into_iter().collect(), ..Grant::local() };
    let refused = world.here.watch(&Caller::new(writer, None), WatchLive::default()).await;
    assert_eq!(refused.err().unwrap().code, Code::InsufficientScope);
    let mut subscription = watch(&world.here, WatchLive::default()).await;
    let last = subscription.stop(LiveEnd::Revoked);
    assert_eq!(told(&last), "end revoked None");
    assert!(subscription.next().await.is_none());
}

#[tokio::test]
async fn a_burst_of_others_that_is_more_than_is_read_at_once_is_a_gap() {
    let world = World::new().await;
    let mut subscription = watch(&world.here, WatchLive::default()).await;
    let logs = (0..2_500_u64).map(|number| {
        let mut log = records::log(number.to_string());
        (log.id, log.timestamp) = (format!("id {number:04}"), NOW.plus(Duration::from_micros(number)));
        log.event_type = EventType::stored("burst");
        Write::once(Record::Log(Box::new(log)))
    });
    world.store.write(&ProjectId::default_project(), logs.collect()).await;
    assert_eq!(tell(&mut subscription).await, "gap");
    let told = until(&mut subscription, "2499").await;
    assert_eq!((told.len(), told[0].as_str()), (1_000, "1500"));
}
