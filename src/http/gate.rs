//! Whose key a request bears, and whether its route may be called with it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use ipnet::IpNet;
use url::form_urlencoded;

use super::{Rule, problem, refusal};
use crate::model::{Code, Grant, Problem, Scope};
use crate::service::Access;

/// Names under which keys are put into addresses, where every log on the way would keep them.
const KEY_PARAMETERS: [&str; 7] =
    ["access_token", "api_key", "apikey", "auth", "authorization", "key", "token"];

/// Where a request came from; the listener puts it into the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The other end of the connection.
    pub address: IpAddr,
    /// Whether nobody on the way can read along.
    pub encrypted: bool,
}

/// What stands before every route that has a rule; it is in the extensions of every request.
#[derive(Clone)]
pub struct Gate {
    access: Arc<Access>,
    trusted_proxies: Arc<[IpNet]>,
    plain_keys: bool,
}

impl Gate {
    /// A gate that asks `access`. `plain_keys`: whether a key may come from anywhere without TLS.
    pub fn new(access: Arc<Access>, trusted_proxies: &[IpNet], plain_keys: bool) -> Self {
        Self { access, trusted_proxies: trusted_proxies.into(), plain_keys }
    }

    /// Returns once the grant is not good any more: its key is revoked or has expired.
    pub async fn until_revoked(&self, grant: &Grant) {
        self.access.until_revoked(grant).await;
    }

    async fn admit(&self, peer: Option<Peer>, headers: &HeaderMap) -> Result<Grant, Problem> {
        // Without a listener that says where it came from, a request is a stranger's.
        let stranger = Peer { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), encrypted: false };
        let peer = peer.unwrap_or(stranger);
        let presented = bearer(headers)?;
        if presented.is_some() && !self.is_private(peer) {
            return Err(Problem::new(Code::Unauthenticated, "a key must not travel without TLS").hint(
                "call over HTTPS, or start the server with `--trusted-proxy` and the proxy's address",
            ));
        }
        self.access.admit(presented, self.client(peer, headers)).await
    }

    fn is_private(&self, peer: Peer) -> bool {
        self.plain_keys || peer.encrypted || peer.address.is_loopback() || self.trusts(peer.address)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(&address))
    }

    /// Who called: behind trusted proxies, the last address that none of them is. Where what a proxy wrote is no
    /// address, it was the proxy that called: all that stands before may be made up.
    fn client(&self, peer: Peer, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.address;
        let forwarded = headers.get_all("x-forwarded-for").iter().rev();
        for hop in forwarded.flat_map(|value| value.to_str().unwrap_or_default().rsplit(',')) {
            match address(hop.trim()) {
                Some(address) if self.trusts(client) => client = address,
                _ => break,
            }
        }
        client
    }
}

/// An address as proxies write it: some with the port, and one of IPv6 then in brackets.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']')).unwrap_or(hop);
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    Some(bare.parse().ok().or_else(with_port)?.to_canonical())
}

/// The layer of every route: refuses, or leaves the [`Grant`] in the request's extensions.
pub(super) async fn check(State(rule): State<Rule>, mut request: Request, next: Next) -> Response<Body> {
    if let Some(name) = key_in_query(&request) {
        let message = format!("`{name}` in the address looks like a key");
        let refused = Problem::invalid(name, message).hint("send keys as `Authorization: Bearer KEY` alone");
        return problem(StatusCode::BAD_REQUEST, &refused);
    }
    let Some(gate) = request.extensions().get::<Gate>().cloned() else {
        return match rule {
            Rule::Open => next.run(request).await,
            _ => refuse(&Problem::internal("a route stands before no gate")),
        };
    };
    if rule == Rule::Open {
        // It is answered in any case; whoever shows a key may be told more.
        let presented = bearer(request.headers()).ok().flatten();
        if let Some(grant) = gate.access.recognise(presented) {
            request.extensions_mut().insert(grant);
        }
        return next.run(request).await;
    }
    let peer = request.extensions().get().copied();
    let admitted = gate.admit(peer, request.headers()).await.and_then(|grant| match rule {
        Rule::Needs(scope) => grant.require(scope).map(|()| grant),
        _ => Ok(grant),
    });
    match admitted {
        Ok(grant) => {
            request.extensions_mut().insert(grant);
            next.run(request).await
        }
        Err(problem) => match rule {
            Rule::Needs(scope) if problem.code == Code::InsufficientScope => lacks(scope, &problem),
            _ => refuse(&problem),
        },
    }
}

/// 403 for a key without `scope`, as RFC 6750 has it.
pub(crate) fn lacks(scope: Scope, refused: &Problem) -> Response<Body> {
    let challenge = format!(r#"Bearer error="insufficient_scope", scope="{scope}""#);
    let mut response = refusal(refused);
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

fn refuse(refused: &Problem) -> Response<Body> {
    let mut response = refusal(refused);
    if refused.code == Code::Unauthenticated {
        // No `resource_metadata`: it would make clients look for an authorization server.
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// The key in the `Authorization` header, if there is one.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::invalid("Authorization", "there must be at most one `Authorization` header"));
    }
    let key = value.to_str().ok().and_then(|text| text.trim().split_once(' '));
    match key {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(key.trim())),
        // Another scheme is as good as a wrong key.
        _ => Ok(Some("")),
    }
}

fn key_in_query(request: &Request) -> Option<String> {
    let query = request.uri().query()?;
    let looks_like_key = |name: &str, value: &str| {
        value.starts_with("wg_") || KEY_PARAMETERS.iter().any(|known| name.eq_ignore_ascii_case(known))
    };
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, value)| looks_like_key(name, value))
        .map(|(name, _)| crate::model::text::excerpt(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::testing;

    #[tokio::test]
    async fn a_caller_is_who_the_last_trusted_proxy_says_it_is() {
        let proxies = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
        let gate = Gate::new(testing::access().await, &proxies, false);
        let client = |peer: &str, forwarded: &[&'static str]| {
            let headers = forwarded.iter().map(|value| {
                (header::HeaderName::from_static("x-forwarded-for"), HeaderValue::from_static(value))
            });
            let peer = Peer { address: peer.parse().unwrap(), encrypted: false };
            gate.client(peer, &headers.collect()).to_string()
        };
        for (peer, forwarded, expected) in [
            ("10.0.0.1", &[] as &[_], "10.0.0.1"),
            ("10.0.0.1", &["192.0.2.7"], "192.0.2.7"),
            ("10.0.0.1", &["198.51.100.1, 192.0.2.7 , 10.0.0.2"], "192.0.2.7"),
            ("10.0.0.1", &["198.51.100.1", "192.0.2.7,10.0.0.2"], "192.0.2.7"),
            ("10.0.0.1", &["198.51.100.1, 192.0.2.7:4711"], "192.0.2.7"),
            ("fd00::1", &["198.51.100.1, [2001:db8::7]:4711"], "2001:db8::7"),
            ("10.0.0.1", &["2001:db8::7"], "2001:db8::7"),
            ("10.0.0.1", &["198.51.100.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1, unknown, 10.0.0.2"], "10.0.0.2"),
            ("192.0.2.9", &["198.51.100.1"], "192.0.2.9"),
        ] {
            assert_eq!(client(peer, forwarded), expected, "{peer} {forwarded:?}");
        }
    }
}
