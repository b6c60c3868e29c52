//! The client of a Pushgateway.

use std::fmt;

use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};

use super::{Failure, PUT_TIMEOUT};
use crate::config;
use crate::exposition::Format;
use crate::model::text::on_one_line;
use crate::model::{Problem, first_cause};
use crate::telemetry::metrics::Push;

/// The group that a push replaces, as the published scripts named it.
const GROUP: &str = "metrics/job/agent_metrics";
/// How much of an answer is read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// How much of an answer is shown: enough for a few names that clash.
const MAX_SHOWN_CHARS: usize = 1_000;

/// A Pushgateway that can be pushed to.
pub struct Gateway {
    client: Client,
    /// A user and a password in it are sent as basic authentication, and appear in no error.
    address: config::Pushgateway,
}

impl Gateway {
    /// The gateway at `address`.
    ///
    /// # Errors
    /// A client can't be made: the system's certificates can't be read.
    pub fn new(address: &config::Pushgateway) -> Result<Self, Problem> {
        // No proxy and no redirect: what agents recorded goes to the address that was given, and nowhere else.
        let client = Client::builder()
            .timeout(PUT_TIMEOUT)
            .no_proxy()
            .redirect(Policy::none())
            .user_agent(concat!("watchglass/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(Problem::internal)?;
        Ok(Self { client, address: address.clone() })
    }

    /// Replaces the group by `state`, in the text format.
    ///
    /// # Errors
    /// It is not known to have the state.
    pub async fn put(&self, state: String) -> Result<(), Failure> {
        let request = self.client.put(self.url(GROUP)).body(state);
        let answer = request.header("content-type", Format::Text.content_type()).send().await;
        accepted(answer.map_err(unanswered)?).await
    }

    /// Asks whether it would take a push.
    ///
    /// # Errors
    /// It would not.
    pub async fn check(&self) -> Result<(), Failure> {
        accepted(self.client.get(self.url("-/ready")).send().await.map_err(unanswered)?).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.address.expose())
    }
}

async fn accepted(answer: Response) -> Result<(), Failure> {
    let status = answer.status();
    let text = read(answer).await?;
    // 202: it does not check what it is given.
    if status == StatusCode::OK || status == StatusCode::ACCEPTED {
        return Ok(());
    }
    let said = on_one_line(&text.trim().chars().take(MAX_SHOWN_CHARS).collect::<String>());
    Err(Failure { result: Push::Refused, reason: format!("it answers {status}: {said}") })
}

/// The answer's text, as far as it is read.
async fn read(mut answer: Response) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    while bytes.len() < MAX_ANSWER_BYTES
        && let Some(chunk) = answer.chunk().await.map_err(unanswered)?
    {
        bytes.extend_from_slice(&chunk);
    }
    bytes.truncate(MAX_ANSWER_BYTES);
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn unanswered(error: reqwest::Error) -> Failure {
    let result = if error.is_timeout() { Push::Timeout } else { Push::Unreachable };
    Failure { result, reason: first_cause(&error.without_url()) }
}

/// Its address without user and password.
impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.address, f)
    }
}
