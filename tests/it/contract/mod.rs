//! What every store keeps to: the same cases for each engine.

mod deletions;
mod history;
mod idempotency;
mod imports;
mod keys;
mod listing;
mod logs;
mod metrics;
mod numbers;
mod orphans;
mod projects;
mod spans;
mod upkeep;
pub(crate) mod world;

use std::pin::Pin;

use world::{Engine, World};

/// Each case for each engine, in a project of its own.
macro_rules! contract {
    ($($engine:ident = $kind:ident),+; $cases:tt) => {
        $(contract!(@engine $engine $kind $cases);)+
    };
    (@engine $engine:ident $kind:ident { $($theme:ident: $($case:ident),+;)+ }) => {
        mod $engine {
            $(mod $theme {
                $(#[tokio::test]
                async fn $case() {
                    use crate::contract::{Engine, run, $theme};
                    run(Engine::$kind, |world| Box::pin($theme::$case(world))).await;
                })+
            })+
        }
    };
}

contract!(memory = Memory, sqlite = Sqlite, redis = Redis, cluster = Cluster; {
    logs: newest_come_first, filters_hold, pages_join_where_times_are_equal, totals_count_every_page,
        metadata_comes_back_whole, batches_keep_their_order, no_id_is_taken_for_another_thing;
    spans: a_span_starts_and_ends, starts_repeat_or_conflict, ends_are_final, agents_are_inherited,
        a_parent_that_is_here_is_not_remote, aliases_resolve, a_span_is_found_by_its_id, large_traces_come_in_pages,
        a_trace_has_a_limit, one_batch_may_start_and_end, roots_are_open_until_they_end,
        ended_spans_feed_metrics;
    metrics: counters_add_up, gauges_keep_the_last, histograms_count, kinds_conflict_or_yield,
        overflow_keeps_the_sum, a_repeated_point_counts_once;
    idempotency: a_log_is_written_once, a_start_is_written_once, an_end_is_written_once,
        a_point_is_counted_once, other_content_conflicts, a_refused_call_frees_its_key,
        two_stores_agree;
    numbers: requests_count_where_they_start_and_where_they_end, tokens_and_cost_are_those_of_models,
        sums_stop_where_numbers_end, rollups_are_read_by_agent_and_bin, recorded_points_count_and_come_back,
        points_of_spans_count_once, failures_are_grouped, series_go_through_time, series_are_dated,
        numbers_outlive_their_records;
    history: any_history_adds_up;
    orphans: a_span_without_its_parent_becomes_a_request, a_parent_that_comes_in_time_is_one,
        what_has_not_ended_or_enters_from_elsewhere_does_not_wait, many_are_settled_slice_by_slice;
    listing: spans_come_by_either_time, open_spans_are_of_every_kind, traces_come_newest_first,
        a_trace_is_the_sum_of_its_spans, traces_are_filtered, traces_are_sorted, logs_end_before_until,
        a_store_tells_its_size;
    imports: spans_come_as_they_were, a_batch_may_repeat_a_span, counted_points_come_once,
        series_keep_the_larger_or_the_newer;
    deletions: a_trace_goes_with_all_it_added, an_agent_goes_with_its_traces_and_logs,
        a_conversation_goes_with_its_traces_and_logs, a_failure_that_others_share_loses_its_words_alone,
        much_goes_slice_by_slice;
    projects: identical_ids_stay_apart;
    keys: all_come_back_by_creation_and_id, a_replaced_key_keeps_its_use, a_use_makes_no_key;
    upkeep: an_empty_batch_is_a_barrier, what_is_old_goes, leases_exclude, a_lease_is_given_up, a_closed_store_refuses,
        the_store_answers_pings;
});

/// Runs a case, or leaves it out where the engine's server is not installed.
async fn run(engine: Engine, case: impl FnOnce(World) -> Pin<Box<dyn Future<Output = ()>>>) {
    if let Some(world) = World::new(engine).await {
        case(world).await;
    }
}
