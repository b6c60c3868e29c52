//! Traces and logs over the API, on both engines: what is listed, shown, found, written and deleted.

mod deletes;
mod large;
mod listed_logs;
mod lists;
mod published;
mod report;
mod running;
mod search;
mod untrusted;
mod world;
mod writes;

use world::{Engine, World};

/// Each case on each engine.
macro_rules! cases {
    ($($engine:ident = $kind:ident),+; $cases:tt) => {
        $(cases!(@engine $engine $kind $cases);)+
    };
    (@engine $engine:ident $kind:ident { $($theme:ident: $($case:ident),+;)+ }) => {
        mod $engine {
            $(mod $theme {
                $(#[tokio::test]
                async fn $case() {
                    use crate::api_traces::{Engine, World, $theme};
                    if let Some(world) = World::start(Engine::$kind) {
                        $theme::$case(&world).await;
                    }
                })+
            })+
        }
    };
}

cases!(on_sqlite = Sqlite, on_redis = Redis; {
    lists: a_trace_is_listed_with_its_numbers, filters_hold, every_order_holds_over_pages,
        pages_join_while_traces_arrive, a_cursor_is_good_for_its_question_alone, spans_come_along,
        what_is_no_question_is_refused;
    report: a_trace_is_shown_as_a_whole, views_leave_out_what_is_not_wanted, ids_resolve_and_unknown_ones_are_refused,
        logs_of_the_trace_go_on_at_their_own_address;
    large: ten_thousand_spans_come_in_pages;
    listed_logs: filters_hold, pages_join_while_logs_arrive, the_histogram_counts_every_page,
        a_part_that_is_counted_says_so;
    search: words_are_found_in_every_kind, ids_are_found_directly, pages_go_on_until_all_is_seen,
        strange_words_are_words;
    running: what_is_in_progress_is_told_with_its_current_step;
    untrusted: what_hides_is_shown;
    published: the_dashboard_reads_traces, the_dashboard_reads_a_trace, the_dashboard_reads_logs,
        links_lead_through_all_pages;
    writes: a_batch_is_answered_record_by_record_in_order, a_retry_writes_nothing_twice,
        a_traceparent_is_the_calls_context;
    deletes: a_trace_goes_with_its_logs_and_its_numbers, all_of_an_agent_goes, all_of_a_conversation_goes,
        just_one_thing_says_what_to_delete;
});
