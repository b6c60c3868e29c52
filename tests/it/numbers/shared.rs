//! Several processes on one store, and one that begins again.

use futures::future::join_all;

use super::world::{Engine, MINUTE, Question, RECENT, SECOND, World, failed, llm, ok, request};

pub(super) async fn numbers_survive_a_restart(world: World) {
    let first = request("alpha", 2 * MINUTE);
    world.hold([llm(&first, "small", MINUTE, (40, 2), Some(0.5)), failed(first, MINUTE, "boom")]).await;
    world.hold([request("beta", MINUTE)]).await;
    let before = world.overview(RECENT).await;
    assert_eq!((before.totals.requests, before.totals.errors, before.active_traces), (2, 1, 1));
    let again = world.again().await;
    if world.engine != Engine::Memory {
        world.service.close().await;
    }
    assert_eq!(again.overview(RECENT).await, before);
}

pub(super) async fn several_processes_write_in_turns(world: World) {
    let other = world.again().await;
    for turn in 0..20 {
        let writer = if turn % 2 == 0 { &world } else { &other };
        writer.hold([ok(request("alpha", 2 * MINUTE), 2 * MINUTE - SECOND)]).await;
        for reader in [&world, &other] {
            assert_eq!(reader.overview(RECENT).await.totals.successes, turn + 1);
        }
    }
}

pub(super) async fn several_processes_write_at_once(world: World) {
    let processes = join_all((0..4).map(|_| world.again())).await;
    let writers = processes.iter().enumerate().map(|(number, process)| async move {
        let agent = format!("agent-{}", number % 2);
        for _ in 0..25 {
            let first = request(&agent, 2 * MINUTE);
            let call = llm(&first, "small", MINUTE, (10, 1), Some(0.001));
            process.hold([ok(first, 2 * MINUTE - SECOND), call]).await;
        }
    });
    join_all(writers).await;
    for process in &processes {
        let all = process.overview(RECENT).await;
        assert_eq!((all.totals.requests, all.totals.successes, all.tokens_per_hour), (100, 100, 1_100));
        assert_eq!((all.totals.spent.llm_calls, all.cost_usd), (100, Some(0.1)));
        let one = process.overview(Question { agent: "agent-0", ..RECENT }).await;
        assert_eq!((one.totals.requests, one.tokens_per_hour), (50, 550));
    }
}
