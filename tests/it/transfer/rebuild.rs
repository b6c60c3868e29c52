//! `watchglass rollup rebuild`.

use super::held::{Held, assert_same, fill};
use crate::support::bench::File;
use crate::support::command::run;

#[tokio::test]
async fn numbers_that_were_lost_are_counted_again() {
    let file = File::new();
    fill(&file.store()).await;
    let held = Held::of(&file.store(), "default").await;
    assert!(held.rollups.len() > 10, "{}", held.rollups.len());
    file.execute("DELETE FROM rollups WHERE tier = 0; UPDATE rollups SET started = started + 1000; DELETE FROM rollup_latency");
    assert!(Held::of(&file.store(), "default").await.rollups != held.rollups);
    let told = run(&file.store(), &["rollup", "rebuild"]).ok();
    let projects = told["projects"].as_array().unwrap();
    let of_default = projects.iter().find(|project| project["project"] == "default").unwrap();
    assert!((3..=5).contains(&of_default["hours"].as_u64().unwrap()), "{told}");
    assert_eq!(of_default["more_before"], false);
    assert_same(&Held::of(&file.store(), "default").await, &held);
}

#[tokio::test]
async fn hours_that_are_not_wholly_held_stay_as_they_are() {
    let file = File::new();
    fill(&file.store()).await;
    // As if older records had gone: an hour has numbers and no records.
    file.execute(
        "INSERT INTO rollups SELECT project, tier, kind, start - 86400000000, agent, step_kind, name, model, started, ok,
             error, cancelled, duration_us, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens,
             other_tokens, reported_cost, computed_cost, unpriced_calls, llm_calls, tool_calls, tool_errors
         FROM rollups WHERE tier = 1 AND kind = 0",
    );
    let before = Held::of(&file.store(), "default").await;
    let told = run(&file.store(), &["rollup", "rebuild", "--project", "default", "--since", "30d"]).ok();
    assert_eq!(
        (&told["projects"][0]["hours"], &told["projects"][0]["more_before"]),
        (&0.into(), &true.into()),
        "{told}"
    );
    assert_same(&Held::of(&file.store(), "default").await, &before);
    let wrong = run(&file.store(), &["rollup", "rebuild", "--since", "soon"]);
    assert_eq!(wrong.status, 1, "{wrong:?}");
    assert!(wrong.stderr.contains("`since` can't be `soon`"), "{wrong:?}");
}
