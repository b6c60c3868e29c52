use std::net::Ipv4Addr;

use tokio::time::Instant;

use super::snapshot::COMPARISONS;
use super::*;
use crate::clock::{Ids, ManualClock};
use crate::model::{ApiKey, Key, ProjectId, Scopes};
use crate::service::{ServiceOptions, testing};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

struct World {
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    service: Service,
}

impl World {
    async fn new() -> Self {
        let store = testing::memory().await;
        let clock = Arc::new(ManualClock::starting_at(Timestamp::from_micros(1_795_339_800_000_000)));
        let shared = Arc::clone(&clock) as Arc<dyn Clock>;
        let service = Service::new(Arc::clone(&store), shared, ServiceOptions::default());
        Self { store, clock, service }
    }

    async fn access(&self) -> Arc<Access> {
        self.service.access(AccessOptions::default()).await.unwrap()
    }

    /// Makes a key as another process would; gives what its holder sends.
    async fn make(&self, project: &str, scope: Scope, expires: Option<Timestamp>) -> (Key, String) {
        let text = ApiKey::new(Ids.secret().unwrap(), Ids.secret().unwrap());
        let key = Key {
            id: text.id.clone(),
            project: ProjectId::stored(project),
            scopes: Scopes::from(vec![scope]),
            name: None,
            secret_hash: text.secret_hash(),
            created: self.clock.now(),
            expires,
            last_used: None,
            revoked: None,
        };
        self.store.put_key(&key).await.unwrap();
        (key, text.reveal())
    }

    async fn revoke(&self, mut key: Key) {
        key.revoked = Some(self.clock.now());
        self.store.put_key(&key).await.unwrap();
    }
}

fn code(answer: Result<Grant, Problem>) -> Code {
    answer.unwrap_err().code
}

#[tokio::test]
async fn nobody_is_asked_until_a_key_exists_and_then_everybody_for_good() {
    let world = World::new().await;
    let access = world.access().await;
    assert_eq!(access.admit(None, HERE).await.unwrap(), Grant::local());
    assert_eq!(access.admit(Some("whatever"), HERE).await.unwrap(), Grant::local());
    let (key, text) = world.make("acme", Scope::Ingest, None).await;
    access.refresh().await.unwrap();
    assert_eq!(code(access.admit(None, HERE).await), Code::Unauthenticated);
    let grant = access.admit(Some(&text), HERE).await.unwrap();
    assert_eq!((grant.project.as_str(), grant.scopes.to_string().as_str()), ("acme", "ingest"));
    world.revoke(key).await;
    access.refresh().await.unwrap();
    assert_eq!(code(access.admit(None, HERE).await), Code::Unauthenticated, "the last key is gone");
    assert!(!access.has_keys());
}

#[tokio::test]
async fn a_key_that_was_made_a_moment_ago_is_known() {
    let world = World::new().await;
    world.make("first", Scope::Read, None).await;
    let access = world.access().await;
    let (_, text) = world.make("second", Scope::Read, None).await;
    assert_eq!(access.admit(Some(&text), HERE).await.unwrap().project.as_str(), "second");
}

#[tokio::test]
async fn whatever_is_wrong_with_a_key_is_said_in_the_same_words() {
    let world = World::new().await;
    let soon = world.clock.now().plus(Duration::from_secs(60));
    let (_, expired) = world.make("p", Scope::Read, Some(soon)).await;
    let (revoked, revoked_text) = world.make("p", Scope::Read, None).await;
    let (known, known_text) = world.make("p", Scope::Read, None).await;
    let access = world.access().await;
    assert!(access.admit(Some(&expired), HERE).await.is_ok());
    world.clock.advance(Duration::from_secs(60));
    world.revoke(revoked).await;
    access.refresh().await.unwrap();
    let unknown = ApiKey::new([1; 8], [2; 32]).reveal();
    let wrong = ApiKey::new(hex_bytes(&known.id), [3; 32]).reveal();
    let (_, check) = known_text.split_at(84);
    let forged = format!("wg_{}_{}{check}", known.id, "0".repeat(64));
    let mut said = Vec::new();
    for text in [&expired, &revoked_text, &unknown, &wrong, &forged, "", "nonsense"] {
        said.push(access.admit(Some(text), HERE).await.unwrap_err().to_text());
    }
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(!said[0].contains(&known.id));
}

/// Time tells nothing of a key if all that is wrong costs the same: no test can measure that, but it can count.
#[tokio::test]
async fn whatever_is_wrong_with_a_key_costs_the_same() {
    let world = World::new().await;
    let metrics = Arc::clone(&world.service.options.metrics);
    let measured = crate::store::measured(Arc::clone(&world.store), "memory", &metrics);
    let clock = Arc::clone(&world.clock) as Arc<dyn Clock>;
    let service = Service::new(measured, clock, ServiceOptions::default());
    let soon = world.clock.now().plus(Duration::from_secs(60));
    let (_, expired) = world.make("p", Scope::Read, Some(soon)).await;
    let (revoked, revoked_text) = world.make("p", Scope::Read, None).await;
    let (known, known_text) = world.make("p", Scope::Read, None).await;
    world.revoke(revoked).await;
    let environment = [(SecretString::from("a reading key of 24 chars"), Scope::Read)].into();
    let access = service.access(AccessOptions { always: true, environment }).await.unwrap();
    world.clock.advance(Duration::from_secs(60));
    let look_ups = || metrics.counted("watchglass_store_op_duration_seconds")["memory keys"];
    let cost = async |text: &str| {
        let before = (look_ups(), COMPARISONS.get());
        assert_eq!(code(access.admit(Some(text), HERE).await), Code::Unauthenticated, "{text}");
        (look_ups() - before.0, COMPARISONS.get() - before.1)
    };
    let unknown = ApiKey::new([1; 8], [2; 32]).reveal();
    let wrong = ApiKey::new(hex_bytes(&known.id), [3; 32]).reveal();
    let (head, _) = known_text.split_at(84);
    for text in [&expired, &revoked_text, &unknown, &wrong, &format!("{head}00000000"), "", "nonsense", "wg_"]
    {
        // What is held, and what the store holds by now: each a look at the keys and at the environment's.
        assert_eq!(cost(text).await, (1.0, 4), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn guessing_is_slowed_down_and_locks_nobody_out() {
    let world = World::new().await;
    let (_, text) = world.make("p", Scope::Read, None).await;
    let access = world.access().await;
    for number in 0..20 {
        assert_eq!(code(access.admit(Some("guess"), HERE).await), Code::Unauthenticated, "{number}");
    }
    assert_eq!(code(access.admit(Some("guess"), HERE).await), Code::RateLimited);
    let counted = world.service.options.metrics.counted("watchglass_auth_failures_total");
    assert_eq!(
        counted,
        [("missing", 0.0), ("invalid", 20.0), ("throttled", 1.0)]
            .map(|(reason, times)| (reason.to_owned(), times))
            .into()
    );
    assert!(access.admit(Some(&text), HERE).await.is_ok());
    // From elsewhere the same key's secret may not be guessed at for ever either.
    let mut wrong = ApiKey::parse(&text).unwrap();
    wrong = ApiKey::new(hex_bytes(&wrong.id), [9; 32]);
    for number in 0..20 {
        let from = IpAddr::V4(Ipv4Addr::new(10, 0, 0, number));
        assert_eq!(code(access.admit(Some(&wrong.reveal()), from).await), Code::Unauthenticated);
    }
    let from = IpAddr::V4(Ipv4Addr::new(10, 0, 1, 1));
    assert_eq!(code(access.admit(Some(&wrong.reveal()), from).await), Code::RateLimited);
    tokio::time::advance(Duration::from_secs(61)).await;
    access.refresh().await.unwrap();
    assert_eq!(code(access.admit(Some("guess"), HERE).await), Code::Unauthenticated);
}

fn hex_bytes(hex: &str) -> [u8; 8] {
    u64::from_str_radix(hex, 16).unwrap().to_be_bytes()
}

#[tokio::test(start_paused = true)]
async fn a_grant_ends_with_its_key() {
    let world = World::new().await;
    let access = world.access().await;
    let keyless = Grant::local();
    let open = tokio::spawn({
        let access = Arc::clone(&access);
        async move { access.until_revoked(&keyless).await }
    });
    let (key, text) = world.make("p", Scope::Read, None).await;
    tokio::spawn(Arc::clone(&access).keep_fresh());
    open.await.unwrap();
    let grant = access.admit(Some(&text), HERE).await.unwrap();
    world.revoke(key).await;
    let asked = Instant::now();
    access.until_revoked(&grant).await;
    assert!(asked.elapsed() <= STALE, "the clock of this test runs by itself");
    assert_eq!(code(access.admit(Some(&text), HERE).await), Code::Unauthenticated);
}

#[tokio::test(start_paused = true)]
async fn without_the_store_keys_are_good_for_seconds_and_an_open_server_stays_open() {
    let world = World::new().await;
    let open = world.access().await;
    let (_, text) = world.make("p", Scope::Read, None).await;
    let access = world.access().await;
    tokio::time::advance(STALE).await;
    assert!(access.admit(Some(&text), HERE).await.is_ok());
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(code(access.admit(Some(&text), HERE).await), Code::StorageUnavailable);
    assert!(open.admit(None, HERE).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn without_the_store_keys_of_the_environment_stay_good() {
    let world = World::new().await;
    world.make("p", Scope::Read, None).await;
    let environment = vec![(SecretString::from("a reading key of 24 chars"), Scope::Read)];
    let options = AccessOptions { environment, ..AccessOptions::default() };
    let access = world.service.access(options).await.unwrap();
    tokio::time::advance(STALE + Duration::from_secs(1)).await;
    assert!(access.admit(Some("a reading key of 24 chars"), HERE).await.is_ok());
    assert_eq!(code(access.admit(Some("another key of 22 chars"), HERE).await), Code::StorageUnavailable);
}

#[tokio::test(start_paused = true)]
async fn an_older_answer_of_the_store_takes_no_newer_ones_place() {
    let world = World::new().await;
    let older = Snapshot::of(world.store.keys().await.unwrap(), Instant::now());
    tokio::time::advance(Duration::from_secs(1)).await;
    let (key, _) = world.make("p", Scope::Read, None).await;
    let newer = Snapshot::of(vec![key], Instant::now());
    for later in [older.clone().or_later(newer.clone()), newer.or_later(older)] {
        assert!(later.has_valid(world.clock.now()) && later.age().is_zero());
    }
}

#[tokio::test]
async fn keys_of_the_environment_are_the_default_projects_and_never_administer() {
    let world = World::new().await;
    let environment = vec![
        (SecretString::from("an ingest key of 24 chars"), Scope::Ingest),
        (SecretString::from("a reading key of 24 chars"), Scope::Read),
    ];
    let options = AccessOptions { environment, ..AccessOptions::default() };
    let access = world.service.access(options).await.unwrap();
    assert_eq!(code(access.admit(None, HERE).await), Code::Unauthenticated);
    let grant = access.admit(Some("a reading key of 24 chars"), HERE).await.unwrap();
    assert_eq!((grant.scopes.to_string().as_str(), grant.project), ("read", ProjectId::default_project()));
    assert_eq!(code(access.admit(Some("a reading key of 24 char"), HERE).await), Code::Unauthenticated);
}

#[tokio::test]
async fn the_use_of_a_key_is_noted_by_the_minute() {
    let world = World::new().await;
    let (_, text) = world.make("p", Scope::Read, None).await;
    let access = world.access().await;
    let noted = async |at: Timestamp| loop {
        if world.store.keys().await.unwrap()[0].last_used == Some(at) {
            return;
        }
        tokio::task::yield_now().await;
    };
    let first = world.clock.now();
    access.admit(Some(&text), HERE).await.unwrap();
    noted(first).await;
    world.clock.advance(Duration::from_secs(59));
    access.admit(Some(&text), HERE).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    access.admit(Some(&text), HERE).await.unwrap();
    noted(world.clock.now()).await;
}
