//! `watchglass health`: asks the server that runs with these settings, for images without another client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use clap::Args;

use super::call::fields;
use super::{Failure, on_one_thread, print};
use crate::config::Config;
use crate::model::first_cause;

/// Longest wait for the answer.
const TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Health {
    /// Ask whether records can be stored, and not only whether the process lives
    #[arg(long)]
    ready: bool,
}

/// Prints what the server says of itself, and fails where it is not well.
pub(super) fn run(config: &Config, arguments: Health) -> Result<(), Failure> {
    let path = if arguments.ready { "ready" } else { "health" };
    let answer = on_one_thread(ask(config, path))??;
    match serde_json::from_str(&answer) {
        Ok(object) if print::is_read_by_a_person() => print::data(fields(&object).trim_end()),
        _ => print::data(&answer),
    }
}

/// What the server that runs with these settings answers at `path`.
pub(super) async fn ask(config: &Config, path: &str) -> Result<String, Failure> {
    let scheme = if config.access.tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}/{path}", from_here(config.http.listen));
    let unreachable = |error: reqwest::Error| Failure::Other {
        message: format!("`{url}` does not answer: {}", first_cause(&error.without_url())),
        hint: Some("give the same `--listen` or WATCHGLASS_LISTEN as the server has".into()),
    };
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .no_proxy()
        // The certificate names the host that clients use, not this address; nothing secret is sent.
        .tls_danger_accept_invalid_certs(true)
        .build()
        .map_err(|error| Failure::new(format!("the client can't be made: {error}")))?;
    let response = client.get(&url).send().await.map_err(unreachable)?;
    let status = response.status();
    let answer = response.text().await.map_err(unreachable)?;
    if !status.is_success() {
        return Err(Failure::new(format!("`{url}` answered {status}: {answer}")));
    }
    Ok(answer)
}

/// The address under which this machine reaches what listens on `listen`.
fn from_here(listen: SocketAddr) -> SocketAddr {
    let loopback: IpAddr = match listen.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(loopback, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_listens_everywhere_is_asked_on_loopback() {
        for (listen, asked) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:8080", "[::1]:8080"),
            ("10.0.0.5:80", "10.0.0.5:80"),
            ("127.0.0.1:1", "127.0.0.1:1"),
        ] {
            assert_eq!(from_here(listen.parse().unwrap()).to_string(), asked);
        }
    }
}
