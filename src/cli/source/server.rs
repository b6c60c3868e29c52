//! A running server, asked over its API.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;
use url::form_urlencoded::byte_serialize;

use crate::cli::Failure;
use crate::model::first_cause;
use crate::model::text::excerpt;

/// Longest wait for the next piece of an answer: more than the server's own deadline, and than the silence after which
/// it says that a stream is still there.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A server.
#[derive(Debug)]
pub(in crate::cli) struct Server {
    client: Client,
    address: Url,
    key: Option<SecretString>,
}

/// The address of a server, from the command line.
pub(super) fn address(text: &str) -> Result<Url, String> {
    let wanted = "it must be an address such as http://127.0.0.1:8080";
    let mut url = Url::parse(text).map_err(|_| wanted.to_owned())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wanted.to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it must be without a user and a password; a key is taken from WATCHGLASS_KEY".to_owned());
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

/// An id as a part of a path.
pub(super) fn in_path(id: &str) -> String {
    // A space is a plus in queries alone.
    byte_serialize(id.as_bytes()).collect::<String>().replace('+', "%20")
}

impl Server {
    pub(super) fn new(address: Url, key: Option<SecretString>) -> Result<Self, Failure> {
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .no_proxy()
            // The key goes to the address that was given, and nowhere else.
            .redirect(Policy::none())
            .user_agent(concat!("watchglass/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Failure::new(format!("the client can't be made: {error}")))?;
        Ok(Self { client, address, key })
    }

    /// What is answered at `path` to the fields of `question` and to `more`.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        question: &impl Serialize,
        more: impl IntoIterator<Item = (&'static str, Option<String>)>,
    ) -> Result<T, Failure> {
        let question = serde_json::to_value(question).unwrap_or_default();
        let mut asked: Vec<(String, String)> = Vec::new();
        for (name, value) in question.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null())
        {
            asked.push((name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
        }
        asked.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        let answer = self.send(self.request(path, &asked)).await?;
        let bytes = answer.bytes().await.map_err(|error| self.unreachable(&error))?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Failure::new(format!("`{}` answered what can't be read: {error}", self.address)))
    }

    /// A stream of what happens, as the server sends it.
    pub(super) async fn stream(&self, asked: &[(String, String)]) -> Result<Response, Failure> {
        self.send(self.request("/api/v1/live", asked).header("accept", "text/event-stream")).await
    }

    fn request(&self, path: &str, asked: &[(String, String)]) -> RequestBuilder {
        let mut url = self.address.clone();
        url.set_path(&format!("{}{path}", self.address.path().trim_end_matches('/')));
        if !asked.is_empty() {
            url.query_pairs_mut().extend_pairs(asked);
        }
        let request = self.client.get(url);
        match &self.key {
            Some(key) => request.bearer_auth(key.expose_secret()),
            None => request,
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let answer = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let text = answer.text().await.map_err(|error| self.unreachable(&error))?;
        match serde_json::from_str::<Value>(&text) {
            Ok(problem) if problem["message"].is_string() || problem["detail"].is_string() => {
                Err(Failure::Refused(Box::new(problem)))
            }
            _ => Err(Failure::Other {
                message: format!("`{}` answered {status}: {}", self.address, excerpt(text.trim())),
                hint: Some("is this the address of a watchglass?".to_owned()),
            }),
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        Failure::Unreachable(format!("`{}` does not answer: {}", self.address, first_cause(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_of_a_server_and_holds_no_secret() {
        for (text, kept) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("https://wg.example/", "https://wg.example/"),
            ("https://wg.example/behind/a/proxy/?x=1#y", "https://wg.example/behind/a/proxy"),
        ] {
            assert_eq!(address(text).unwrap().as_str(), kept);
        }
        for text in ["", "127.0.0.1:8080", "ftp://h", "http://", "/tmp", "http://user:s3cret@h"] {
            let error = address(text).unwrap_err();
            assert!(error.starts_with("it must be") && !error.contains("s3cret"), "{text}: {error}");
        }
    }

    #[test]
    fn requests_go_below_the_address() {
        rustls::crypto::ring::default_provider().install_default().ok();
        let server = Server::new(address("http://h/below/").unwrap(), None);
        let Ok(server) = server else { panic!("no client") };
        let asked = [("q".to_owned(), "a&b".to_owned())];
        let request =
            server.request(&format!("/api/v1/traces/{}", in_path("a/../b c")), &asked).build().unwrap();
        assert_eq!(request.url().as_str(), "http://h/below/api/v1/traces/a%2F..%2Fb%20c?q=a%26b");
    }
}
