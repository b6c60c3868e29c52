//! Texts that are statements, patterns or scripts elsewhere are texts here, on both engines (B-18, B-43).

use serde_json::{Value, json};

use crate::support::bench::File;
use crate::support::mcp::{Client, Era};
use crate::support::redis::Server as Redis;
use crate::support::server::Server;

/// Each with a word that nothing else here has.
const TEXTS: [&str; 14] = [
    r#"one" OR 1=1 --"#,
    "two'; DROP TABLE logs; --",
    "three* NEAR/2 four",
    "five AND NOT six OR (seven",
    r#"eight "unbalanced"#,
    "nine:column ^start",
    "(a+)+$ ten",
    "eleven % _ \\ [a-z] ?",
    "twelve\r\n*3\r\n$3\r\nDEL\r\n",
    "thirteen ]] redis.call('FLUSHALL') --[[",
    "fourteen {tag} {07}",
    "fifteen \u{0}nul",
    "sixteen %s %n $1 ?1 :name @name",
    "seventeen wg:p:other:span:x",
];

async fn total(client: &Client, question: Value) -> Value {
    let asked = question.to_string();
    let outcome = client.call("query_logs", question).await;
    assert!(!outcome.is_error, "{asked}: {}", outcome.raw);
    outcome.structured["total"].clone()
}

/// The answers to every question, which both engines must give alike.
async fn answers(store: &str) -> Vec<Value> {
    let server = Server::start_on(store);
    let client = Client::http(&server, Era::Stateless).await.unwrap();
    for text in TEXTS {
        let metadata = json!({ "agent_name": text.replace(char::is_control, " "), text: text });
        let log = json!({ "event_type": "literal", "message": text, "metadata": metadata });
        client.call("log_event", log).await.ok();
    }
    for event_type in ["a:b", "a/b", "a.b", "ab", "constructor"] {
        client.call("log_event", json!({ "event_type": event_type, "message": "m" })).await.ok();
    }
    let mut answers = Vec::new();
    for text in TEXTS {
        let found = client.call("query_logs", json!({ "text": text.replace('\0', "\u{fffd}") })).await.ok();
        assert_eq!(
            (&found["total"], found["logs"].as_array().map(Vec::len)),
            (&json!(1), Some(1)),
            "{store} {text}"
        );
        let agent = text.replace(char::is_control, " ");
        assert_eq!(total(&client, json!({ "agent_name": agent })).await, 1, "{store} {text}");
        answers.push(found["logs"][0]["message"].clone());
    }
    for odd in
        ["\"", "''", "*", "%", "_", "?", "NEAR/", "--", "((((", "\\", "a* OR b*", "{07}", "$", "(a+)+$"]
    {
        answers.push(json!([odd, total(&client, json!({ "text": odd })).await]));
    }
    for pattern in ["*", "a*", "a.*", "a:*", "a/*", "a:b", "a.b", "lit*"] {
        answers.push(json!([pattern, total(&client, json!({ "event_type": pattern })).await]));
    }
    assert_eq!(
        total(&client, json!({ "event_type": "*" })).await,
        TEXTS.len() + 5,
        "{store}: nothing was dropped"
    );
    answers
}

#[tokio::test]
async fn b_18_and_b_43_a_text_is_found_as_it_is() {
    let on_sqlite = answers(&File::new().store()).await;
    let Some(redis) = Redis::start(&[]) else { return };
    assert_eq!(answers(&redis.url()).await, on_sqlite);
}
