//! Every parameter of every endpoint, given what it does not take: each is refused by its name, or answered soundly.

use serde_json::Value;

use super::{Operation, World};

/// Values that some parameter does not take, as they are written in an address.
const STRANGE: [&str; 19] = [
    "-1",
    "0",
    "1000000000",
    "99999999999999999999999999",
    "1.5",
    "1e400",
    "NaN",
    "abc",
    "",
    "10y",
    "%00",
    "%22a%22%20OR%20%28",
    "*",
    "NEAR%2F2",
    "a%22%2A",
    "%27%3B%20DROP%20TABLE%20spans%3B--",
    "%F0%9F%8E%89%E2%80%AE",
    "..%2F..%2Fetc%2Fpasswd",
    "%7B%22a%22%3A1%7D",
];

/// What no parameter of this name takes.
const REFUSED: [(&str, &str); 19] = [
    ("limit", "-1"),
    ("limit", "0"),
    ("limit", "abc"),
    ("limit", "1.5"),
    ("cursor", "abc"),
    ("cursor", "*"),
    ("window", "0"),
    ("window", "-5m"),
    ("window", "10y"),
    ("window", "abc"),
    ("sort", "abc"),
    ("since", "abc"),
    ("until", "abc"),
    ("status", "abc"),
    ("min_duration_ms", "abc"),
    ("min_duration_ms", "-1"),
    ("include", "abc"),
    ("step", "0"),
    ("min_level", "abc"),
];

/// Those that are asked without a body: what a body must be is told elsewhere.
async fn asked(world: &World) -> Vec<Operation> {
    world.operations().await.into_iter().filter(|operation| operation.body.is_none()).collect()
}

#[tokio::test]
async fn what_a_parameter_does_not_take_is_refused_by_its_name() {
    let world = World::start().await;
    let long = "x".repeat(7_000);
    for operation in asked(&world).await {
        for parameter in &operation.parameters {
            for value in STRANGE.into_iter().chain([long.as_str(), "%ff", "%zz", "%"]) {
                if parameter.in_path && ["", "%zz", "%"].contains(&value) {
                    continue;
                }
                let address = operation.address(&[(&parameter.name, value)]);
                let answer = world.ask(&operation.method, &address).await;
                let context = format!("{} {address:.200}", operation.method);
                answer.assert_sound(&context);
                let named = parameter.in_path && answer.status == 404;
                assert!([200, 400].contains(&answer.status) || named, "{context}: {answer:?}");
                // Nothing is as if it were not given, and then something else may be missing.
                if answer.status == 400 && !value.is_empty() {
                    answer.assert_refused(&parameter.name, &context);
                }
                let unreadable = ["%ff", "%zz", "%"].contains(&value);
                assert!(!unreadable || answer.status == 400, "{context}: {answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn some_values_are_taken_nowhere() {
    let world = World::start().await;
    for operation in asked(&world).await {
        for (name, value) in REFUSED.into_iter().filter(|(name, _)| operation.has(name)) {
            let address = operation.address(&[(name, value)]);
            world.ask(&operation.method, &address).await.assert_refused(name, &address);
        }
        if operation.has("limit") {
            let answer = world.get(&operation.address(&[("limit", "1000000000")])).await;
            assert_eq!(answer.status, 200, "{}: {}", operation.path, answer.body);
        }
        if operation.has("since") && operation.has("until") {
            let backward =
                operation.address(&[("since", "2026-01-02T00:00:00Z"), ("until", "2026-01-01T00:00:00Z")]);
            let answer = world.ask(&operation.method, &backward).await;
            answer.assert_sound(&backward);
            let field = answer.body["field"].as_str().unwrap_or_default();
            assert!(answer.status == 400 && ["since", "until"].contains(&field), "{backward}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_query_is_read_whole_or_refused() {
    let world = World::start().await;
    for operation in world.operations().await {
        let typo =
            operation.parameters.iter().find(|parameter| !parameter.in_path && parameter.name.len() > 4);
        if let Some(parameter) = typo {
            let wrong = format!("{}x", parameter.name);
            let address = operation.address(&[(&wrong, "1")]);
            let answer = world.ask(&operation.method, &address).await;
            answer.assert_refused(&wrong, &address);
            let hint = answer.body["hint"].as_str().unwrap_or_default();
            assert!(hint.contains(&parameter.name), "{address}: {hint}");
            let twice = operation.address(&[(&parameter.name, "1"), (&parameter.name, "1")]);
            world.ask(&operation.method, &twice).await.assert_refused(&parameter.name, &twice);
        }
        let unknown = operation.address(&[("there_is_no_such", "1")]);
        world.ask(&operation.method, &unknown).await.assert_refused("there_is_no_such", &unknown);
        let long = operation.address(&[("q", &"x".repeat(10_000))]);
        let answer = world.ask(&operation.method, &long).await;
        answer.assert_sound(&long);
        assert_eq!((answer.status, answer.body["field"].as_str()), (414, Some("query")));
        // Past what the head of a request may take, nothing of it is read.
        let longer = operation.address(&[("q", &"x".repeat(1_000_000))]);
        let refused = world.request(&operation.method, &longer).send().await;
        let status = refused.map_or(431, |response| response.status().as_u16());
        assert_eq!(status, 431, "{}", operation.path);
    }
}

/// The cursor of the page after the first of this question.
async fn cursor(world: &World, operation: &Operation) -> Option<String> {
    let answer = world.get(&operation.address(&[("limit", "1")])).await;
    assert_eq!(answer.status, 200, "{} {}", operation.path, answer.body);
    if let Value::String(next) = &answer.body["next"] {
        return Some(next.clone());
    }
    let link = answer.headers.get("link")?.to_str().unwrap().to_owned();
    let (_, rest) = link.split_once("cursor=")?;
    Some(rest.split(['&', '>']).next().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_cursor_goes_on_with_its_own_question_alone() {
    let world = World::start().await;
    let paged: Vec<Operation> =
        asked(&world).await.into_iter().filter(|operation| operation.has("cursor")).collect();
    for operation in &paged {
        let Some(next) = cursor(&world, operation).await else {
            panic!("{} has no second page of one item each", operation.path);
        };
        let again = world.get(&operation.address(&[("limit", "1"), ("cursor", &next)])).await;
        assert_eq!(again.status, 200, "{}: {}", operation.path, again.body);
        for other in paged.iter().filter(|other| other.path != operation.path) {
            let foreign = other.address(&[("cursor", &next)]);
            let published = [&operation.path, &other.path].map(|path| path.replace("/v1", ""));
            if published[0] != published[1] {
                world.get(&foreign).await.assert_refused("cursor", &foreign);
            }
        }
        for filter in ["agent", "agent_name", "q"].into_iter().filter(|name| operation.has(name)) {
            let changed = operation.address(&[("cursor", &next), (filter, "other")]);
            world.get(&changed).await.assert_refused("cursor", &changed);
        }
        let cut = operation.address(&[("cursor", next.get(..next.len() - 2).unwrap())]);
        world.get(&cut).await.assert_refused("cursor", &cut);
    }
}
