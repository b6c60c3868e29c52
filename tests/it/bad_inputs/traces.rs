//! Traces too long to nest, and too large to hold (B-25, B-26).

use std::collections::HashSet;
use std::sync::Arc;

use futures::StreamExt;
use serde_json::{Value, json};
use watchglass::clock::SystemClock;

use crate::support::inside::Inside;

const MOST: usize = 10_000;

/// Starts the spans `0..count` of trace `t`; the parent of each is as `parent` says.
async fn start_all(inside: &Inside, count: usize, parent: impl Fn(usize) -> Option<usize>) {
    let starts = (0..count).map(|span| {
        let parent = parent(span).map(|parent| parent.to_string());
        let call = json!({ "span_name": "s", "trace_id": "t", "span_id": span.to_string(), "parent_span_id": parent });
        async { inside.call("start_span", call).await.map(drop) }
    });
    let mut started = futures::stream::iter(starts).buffered(512);
    while let Some(result) = started.next().await {
        result.unwrap();
    }
}

/// Every page of trace `t`.
async fn pages(inside: &Inside) -> Vec<Value> {
    let mut pages = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let page = inside.call("get_trace", json!({ "trace_id": "t", "cursor": cursor })).await.unwrap();
        cursor = page.get("next").cloned().unwrap_or_default();
        pages.push(page);
        if cursor.is_null() {
            return pages;
        }
    }
}

fn nodes(tree: &Value) -> u64 {
    let mut count = 0;
    let mut open: Vec<&Value> = tree["roots"].as_array().unwrap().iter().collect();
    while let Some(node) = open.pop() {
        count += 1 + node.get("hidden_descendants").and_then(Value::as_u64).unwrap_or_default();
        open.extend(node["children"].as_array().unwrap());
    }
    count
}

#[tokio::test]
async fn b_26_a_chain_is_read_in_pages_and_ends_at_the_limit() {
    let inside = Inside::new(Arc::new(SystemClock)).await;
    start_all(&inside, MOST, |span| span.checked_sub(1)).await;
    let more = json!({ "span_name": "s", "trace_id": "t", "span_id": "one-more" });
    let refused = inside.call("start_span", more.clone()).await.unwrap_err();
    assert_eq!((refused.code.as_str(), refused.limit), ("TRACE_TOO_LARGE", Some(10_000)));
    assert_eq!(refused.field.as_deref(), Some("trace_id"));

    let pages = pages(&inside).await;
    let mut seen = HashSet::new();
    for page in &pages {
        assert_eq!(page["total"], MOST);
        assert_eq!(page["tree"]["partial"], true);
        assert_eq!(nodes(&page["tree"]), page["returned"].as_u64().unwrap());
        assert!(page.to_string().len() <= 2 * 1024 * 1024);
        seen.extend(page["spans"].as_array().unwrap().iter().map(|span| span["span_id"].to_string()));
    }
    assert_eq!(seen.len(), MOST, "each span is on one page");
    let other = json!({ "span_name": "s", "trace_id": "other", "span_id": "one-more" });
    inside.call("start_span", other).await.unwrap();
}

#[tokio::test]
async fn b_25_a_circle_of_a_thousand_is_cut_once() {
    let inside = Inside::new(Arc::new(SystemClock)).await;
    let circle = 700;
    start_all(&inside, circle, |span| Some((span + 1) % circle)).await;
    let pages = pages(&inside).await;
    assert_eq!(pages.len(), 1);
    let roots = pages[0]["tree"]["roots"].as_array().unwrap();
    assert_eq!((roots.len(), &roots[0]["span_id"], &roots[0]["cycle"]), (1, &json!("0"), &json!(true)));
    assert_eq!(nodes(&pages[0]["tree"]), circle as u64);
}

#[tokio::test]
async fn b_25_a_circle_over_many_pages_ends() {
    let inside = Inside::new(Arc::new(SystemClock)).await;
    start_all(&inside, MOST, |span| Some((span + 1) % MOST)).await;
    let spans: u64 = pages(&inside).await.iter().map(|page| nodes(&page["tree"])).sum();
    assert_eq!(spans, MOST as u64);
}
