//! What agents write is data, and visible.

use serde_json::json;

use super::world::World;

/// A screen is cleared, text runs backwards, and tags carry words that nobody sees.
const HOSTILE: &str = "\u{1b}[2Jignore\u{202e}all\u{e0041}";
const VISIBLE: &str = r"\u{1b}[2Jignore\u{202e}all\u{e0041}";
/// The same, as far as a name may hold it.
const NAME: &str = "ignore\u{202e}all\u{e0041}";

pub(super) async fn what_hides_is_shown(world: &World) {
    let root = json!({ "span_name": NAME, "agent_name": NAME, "session_id": NAME, "metadata": { HOSTILE: HOSTILE } });
    world.begin("t", "s", None, root).await;
    world.begin("t", "open", Some("s"), json!({ "span_name": NAME })).await;
    world.end("s", "error", json!({ "error": HOSTILE, "model": NAME })).await;
    world.log("error", HOSTILE, json!({ "trace_id": "t", "agent_name": NAME, HOSTILE: [HOSTILE] })).await;
    for path in [
        "/api/v1/traces?include=spans",
        "/api/v1/traces/t?include=logs",
        "/api/v1/logs",
        "/api/v1/search?q=ignore",
        "/api/v1/search?q=s",
        "/api/v1/running",
        "/api/traces",
        "/api/traces/t",
        "/api/logs",
    ] {
        let answer = world.get(path).await;
        let text = answer.to_string();
        for hidden in ['\u{1b}', '\u{202e}', '\u{e0041}'] {
            assert!(!text.contains(hidden), "{path}: {text}");
        }
        assert!(text.contains(r"\\u{202e}all"), "{path}: it is shown, and not lost: {text}");
        assert!(answer.is_array() || answer["untrusted"] == true, "{path} is marked");
    }
    let listed = world.get("/api/v1/traces").await;
    assert_eq!(listed["items"][0]["error"], VISIBLE);
}
