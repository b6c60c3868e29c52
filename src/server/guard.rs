//! Who is answered, on every route.
//!
//! A web page can make a browser call a server on this machine, by its own name once it has pointed
//! that name at 127.0.0.1 (DNS rebinding). So a request must name a host that is ours, and if a
//! browser says which page made it, that must be ours too; MCP requires the check of `Origin`.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use url::{Host, Url};

use crate::model::Problem;
use crate::model::text::excerpt;

/// The hosts and origins that are answered.
#[derive(Debug, Clone)]
pub struct Guard(Arc<Allowed>);

#[derive(Debug)]
struct Allowed {
    hosts: Vec<String>,
    origins: Vec<String>,
}

impl Guard {
    /// Answers loopback and `listen`, on any port, and what the operator names besides.
    pub fn new(listen: SocketAddr, hosts: &[String], origins: &[String]) -> Self {
        let mut hosts: Vec<_> = hosts.iter().map(|host| name_of(host)).collect();
        hosts.push(listen.ip().to_string());
        let origins =
            origins.iter().map(|origin| origin.trim_end_matches('/').to_ascii_lowercase()).collect();
        Self(Arc::new(Allowed { hosts, origins }))
    }

    fn allows_host(&self, host: &str) -> bool {
        let name = name_of(host);
        is_loopback(&name) || self.0.hosts.contains(&name)
    }

    fn allows_origin(&self, origin: &str) -> bool {
        let Ok(url) = Url::parse(origin) else { return false };
        // The parser takes more than an origin; what it understood must be what was written.
        let written = origin.to_ascii_lowercase();
        if !matches!(url.scheme(), "http" | "https")
            || url.origin().ascii_serialization() != normal(&written, &url)
        {
            return false;
        }
        let is_loopback = match url.host() {
            Some(Host::Domain(name)) => is_loopback(name),
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        };
        is_loopback || self.0.origins.contains(&written)
    }

    fn refusal(&self, request: &Request) -> Option<Problem> {
        // In the absolute form the address goes before the header.
        let absolute = request.uri().authority().map(Authority::as_str);
        match single(request.headers(), header::HOST.as_str()) {
            Ok(Some(host))
                if self.allows_host(host) && absolute.is_none_or(|host| self.allows_host(host)) => {}
            Ok(Some(host)) => {
                let host = excerpt(absolute.unwrap_or(host));
                let problem = Problem::invalid("Host", format!("the host `{host}` is not allowed"));
                return Some(
                    problem.hint("start the server with `--allowed-host` and the name that clients use"),
                );
            }
            _ => return Some(Problem::invalid("Host", "there must be one `Host` header")),
        }
        match single(request.headers(), header::ORIGIN.as_str()) {
            Ok(None) => None,
            Ok(Some(origin)) if self.allows_origin(origin) => None,
            Ok(Some(origin)) => {
                let problem =
                    Problem::invalid("Origin", format!("the origin `{}` is not allowed", excerpt(origin)));
                Some(problem.hint("start the server with `--allowed-origin` and this origin if you trust it"))
            }
            Err(()) => Some(Problem::invalid("Origin", "there must be at most one `Origin` header")),
        }
    }
}

/// The layer: 403 for whoever is not answered.
pub(super) async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response<Body> {
    match guard.refusal(&request) {
        Some(problem) => crate::http::problem(StatusCode::FORBIDDEN, &problem),
        None => next.run(request).await,
    }
}

/// The header's only value; an error where it is given twice or is not text.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(|value| value.to_str().map_err(|_| ())).transpose();
    if values.next().is_some() { Err(()) } else { value }
}

/// A host without its port and brackets, in lower case.
fn name_of(host: &str) -> String {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !is_bare_ipv6(host) => name,
        _ => host,
    };
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    bare.to_ascii_lowercase()
}

fn is_bare_ipv6(host: &str) -> bool {
    host.parse::<std::net::Ipv6Addr>().is_ok()
}

fn is_loopback(name: &str) -> bool {
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// An origin that names its scheme's own port is the same without it.
fn normal<'a>(written: &'a str, url: &Url) -> &'a str {
    let default = if url.scheme() == "https" { ":443" } else { ":80" };
    written.strip_suffix(default).unwrap_or(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> Guard {
        let text = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        Guard::new(
            "10.1.2.3:8080".parse().unwrap(),
            &text(&["Obs:9000", "proxy.example"]),
            &text(&["https://App.example"]),
        )
    }

    #[test]
    fn hosts_are_compared_by_name_alone() {
        for host in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1",
            "127.0.0.1:8080",
            "[::1]",
            "[::1]:80",
            "10.1.2.3:7",
            "obs",
            "obs:1",
            "PROXY.example",
        ] {
            assert!(guard().allows_host(host), "{host}");
        }
        for host in [
            "localhost.evil",
            "localhost.evil:8080",
            "evil",
            "",
            "10.1.2.4",
            "localhost:evil",
            "localhost@evil",
            "[::2]",
        ] {
            assert!(!guard().allows_host(host), "{host}");
        }
    }

    #[test]
    fn origins_are_compared_whole() {
        for origin in ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:5", "https://app.example"]
        {
            assert!(guard().allows_origin(origin), "{origin}");
        }
        for origin in [
            "null",
            "",
            "https://evil",
            "http://localhost.evil",
            "http://app.example",
            "https://app.example:8443",
            "http://localhost@evil",
            "http://evil/http://localhost",
            "file://localhost",
            "http://localhost/path",
        ] {
            assert!(!guard().allows_origin(origin), "{origin}");
        }
    }
}
