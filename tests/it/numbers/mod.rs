//! The numbers, each counted by hand beside it.

mod edges;
mod lists;
mod overview;
mod property;
mod series;
mod served;
mod shared;
mod timeseries;
mod world;

use std::pin::Pin;

use world::{Engine, World};

/// Each case for each engine.
macro_rules! numbers {
    ($($engine:ident = $kind:ident),+; $cases:tt) => {
        $(numbers!(@engine $engine $kind $cases);)+
    };
    (@engine $engine:ident $kind:ident { $($theme:ident: $($case:ident),+;)+ }) => {
        mod $engine {
            $(mod $theme {
                $(#[tokio::test]
                async fn $case() {
                    use crate::numbers::{Engine, run, $theme};
                    run(Engine::$kind, |world| Box::pin($theme::$case(world))).await;
                })+
            })+
        }
    };
}

numbers!(memory = Memory, sqlite = Sqlite, redis = Redis, cluster = Cluster; {
    overview: each_number_is_the_one_counted_by_hand, nothing_is_null_or_zero,
        running_requests_count_and_have_no_outcome, what_is_abandoned_is_not_active,
        recorded_tokens_and_costs_count, a_request_is_of_the_agent_it_ends_with,
        a_window_can_be_compared_with_the_one_before, dead_letters_are_told_or_null;
    edges: a_window_begins_and_ends_at_the_microsecond, a_part_of_a_minute_is_a_window,
        an_orphan_is_a_request_after_a_minute, a_long_window_outlives_the_records,
        a_busy_edge_is_a_whole_minute_and_says_so;
    timeseries: gaps_are_zero_or_null, groups_are_ranked_and_the_rest_added_up, steps_have_lines_of_their_own;
    lists: agents_have_their_numbers, tools_tell_their_last_error, models_tell_what_they_cost,
        failures_that_are_alike_are_one, pages_join;
    series: metrics_are_listed_with_what_they_stand_at, metrics_are_shown_over_time;
    shared: numbers_survive_a_restart, several_processes_write_in_turns, several_processes_write_at_once;
    property: any_window_is_the_sum_of_its_records;
});

/// Runs a case, or leaves it out where the engine's server is not installed.
async fn run(engine: Engine, case: impl FnOnce(World) -> Pin<Box<dyn Future<Output = ()>>>) {
    if let Some(world) = World::new(engine).await {
        case(world).await;
    }
}
