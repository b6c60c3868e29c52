//! Keys: they belong to the installation, and noting that one was used changes nothing else of it.

use watchglass::clock::Ids;
use watchglass::model::{Key, Scope};

use super::world::{World, at};

fn key(world: &World, micros: i64) -> Key {
    Key {
        id: Ids.span(),
        project: world.project.clone(),
        scopes: [Scope::Ingest, Scope::Metrics].into_iter().collect(),
        name: None,
        secret_hash: "5e".repeat(32),
        created: at(micros),
        expires: None,
        last_used: None,
        revoked: None,
    }
}

/// The keys of this case: on a server that cases share, there are others.
async fn held(world: &World) -> Vec<Key> {
    let mut keys = world.again().await.keys().await.unwrap();
    keys.retain(|key| key.project == world.project);
    keys
}

pub(super) async fn all_come_back_by_creation_and_id(world: World) {
    let mut keys = [2, 1, 1].map(|micros| key(&world, micros));
    keys[0].name = Some("ci \"runner\" é".into());
    keys[1].expires = Some(at(9));
    keys[2].revoked = Some(at(5));
    for key in &keys {
        world.store.put_key(key).await.unwrap();
    }
    keys.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
    assert_eq!(held(&world).await, keys);
}

pub(super) async fn a_replaced_key_keeps_its_use(world: World) {
    let mut key = key(&world, 0);
    world.store.put_key(&key).await.unwrap();
    world.store.touch_key(&key.id, at(50)).await.unwrap();
    world.store.touch_key(&key.id, at(30)).await.unwrap();
    (key.revoked, key.last_used) = (Some(at(60)), Some(at(1)));
    world.store.put_key(&key).await.unwrap();
    key.last_used = Some(at(50));
    assert_eq!(held(&world).await, [key.clone()], "the latest use stays, whoever replaces the key");
    world.store.touch_key(&key.id, at(70)).await.unwrap();
    key.last_used = Some(at(70));
    assert_eq!(held(&world).await, [key], "a use takes nothing back");
}

pub(super) async fn a_use_makes_no_key(world: World) {
    let key = key(&world, 0);
    world.store.touch_key(&key.id, at(1)).await.unwrap();
    assert_eq!(held(&world).await, []);
    world.store.put_key(&key).await.unwrap();
    assert_eq!(held(&world).await, [key], "nor is it remembered for one to come");
}
