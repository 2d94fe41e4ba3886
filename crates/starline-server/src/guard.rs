//! What every request has to pass: host, origin, token, form.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::answer::Refused;
use crate::app::App;
use crate::{Denial, DenialReason, Operation, Principal, Scope};

/// Where a request came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The first thing that sees a request, and the last that sees its answer.
pub(crate) async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let answered = match check(&app, &mut request) {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    };
    finish(&app, answered)
}

fn check(app: &App, request: &mut Request) -> Result<(), Refused> {
    check_host(app, request)?;
    check_origin(app, request)?;
    let open = request.method() == Method::GET && request.uri().path() == Operation::Health.path();
    if !open {
        let principal = authenticate(app, request)?;
        request.extensions_mut().insert(principal);
    }
    check_path(request).or_else(|refused| refuse_as(app, Denial::of(DenialReason::Path, request), refused))
}

/// A path is text once it is decoded.
fn check_path(request: &Request) -> Result<(), Refused> {
    let mut bytes = request.uri().path().bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    while let Some(byte) = bytes.next() {
        let mut rest = bytes.clone();
        let mut digit = || char::from(rest.next()?).to_digit(16);
        match (byte, digit().zip(digit())) {
            (b'%', Some((high, low))) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap_or_default());
                bytes = rest;
            }
            _ => decoded.push(byte),
        }
    }
    let is_text = std::str::from_utf8(&decoded).is_ok();
    is_text.then_some(()).ok_or_else(|| Refused::bad_request("invalid_path", "the path is not UTF-8"))
}

/// A page of somebody else may have had its name point here: only names that are ours are answered.
fn check_host(app: &App, request: &Request) -> Result<(), Refused> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let named = hosts.next().and_then(|host| host.to_str().ok());
    let one = named.filter(|_| hosts.next().is_none());
    let target = request.uri().authority().map(axum::http::uri::Authority::as_str);
    let ours = |host: &str| app.hosts.contains(&host.to_ascii_lowercase());
    if one.is_some_and(ours) && target.is_none_or(ours) {
        return Ok(());
    }
    let refused = Refused::new(StatusCode::FORBIDDEN, "host_not_allowed", "this host is not served here");
    refuse_as(app, Denial::of(DenialReason::Host, request), refused)
}

fn check_origin(app: &App, request: &Request) -> Result<(), Refused> {
    let ours = |origin: &HeaderValue| {
        let text = origin.to_str().unwrap_or_default().to_ascii_lowercase();
        let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        host.is_some_and(|host| app.hosts.iter().any(|known| known == host))
    };
    if request.headers().get_all(header::ORIGIN).iter().all(ours) {
        return Ok(());
    }
    let refused =
        Refused::new(StatusCode::FORBIDDEN, "origin_not_allowed", "requests of this origin are not served");
    refuse_as(app, Denial::of(DenialReason::Origin, request), refused)
}

fn refuse_as(app: &App, denial: Denial, refused: Refused) -> Result<(), Refused> {
    app.log.counters.refuse(denial.reason.as_str());
    let principal = denial.principal.as_deref().unwrap_or("nobody");
    tracing::warn!(target: "starline::audit", principal, refused = denial.reason.as_str(), "request refused");
    note(app, denial);
    Err(refused)
}

impl Denial {
    /// A request of whoever its token has been found to stand for.
    fn of(reason: DenialReason, request: &Request) -> Self {
        let principal = request.extensions().get::<Principal>().map(|who| who.name.clone());
        Self { principal, ..Self::new(reason, peer(request)) }
    }
}

fn note(app: &App, denial: Denial) {
    if let Some(audit) = &app.options.audit {
        audit.note(&denial);
    }
}

fn peer(request: &Request) -> Option<IpAddr> {
    request.extensions().get::<Peer>().map(|peer| peer.0.ip())
}

/// Who asks. The answer to somebody unknown is always the same.
fn authenticate(app: &App, request: &Request) -> Result<Principal, Refused> {
    let peer = peer(request);
    if let Some(left) = peer.and_then(|peer| app.throttle.wait(peer)) {
        app.log.counters.refuse("throttled");
        note(app, Denial::new(DenialReason::Throttled, peer));
        let message = "too many failed authentications from this address";
        let refused = Refused::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message);
        return Err(refused.retry_after(left.as_secs().saturating_add(1)));
    }
    let token = bearer(request.headers());
    let known = token.as_ref().ok().and_then(|token| {
        // Every principal is looked at, so that the time does not tell which one it was.
        let mut found = None;
        for principal in &app.principals {
            if principal.digest.matches(token) {
                found = Some(principal);
            }
        }
        found
    });
    if let Some(principal) = known {
        return Ok(principal.clone());
    }
    if let Some(peer) = peer {
        app.throttle.note(peer);
    }
    app.log.counters.refuse("authentication");
    let reason = token.err().unwrap_or(DenialReason::UnknownToken);
    note(app, Denial::new(reason, peer));
    if app.throttle.is_worth_telling() {
        tracing::warn!(target: "starline::audit", peer = ?peer, "authentication failed");
    }
    let message = "a bearer token is needed in the header Authorization";
    Err(Refused::new(StatusCode::UNAUTHORIZED, "unauthenticated", message))
}

/// The token that a request has, or what is wrong with its header.
fn bearer(headers: &HeaderMap) -> Result<&str, DenialReason> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(DenialReason::NoToken)?.to_str().ok();
    let value = value.filter(|_| values.next().is_none());
    let (scheme, token) = value.and_then(|value| value.split_once(' ')).ok_or(DenialReason::NotBearer)?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim()).ok_or(DenialReason::NotBearer)
}

/// A form of a page can send a POST elsewhere, but not as JSON.
fn check_form(request: &Request) -> Result<(), Refused> {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let kind =
        request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let message = "Content-Type must be application/json";
    Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message))
}

/// Lets a request of an operation through whose token allows the scope, and whose form is right.
pub(crate) async fn allow(app: App, scope: Scope, request: Request, next: Next) -> Response {
    let principal = request.extensions().get::<Principal>();
    let allowed = scope == Scope::Open || principal.is_some_and(|who| who.access.allows(scope));
    if allowed {
        let checked = check_form(&request)
            .or_else(|refused| refuse_as(&app, Denial::of(DenialReason::Form, &request), refused));
        return match checked {
            Ok(()) => next.run(request).await,
            Err(refused) => refused.into_response(),
        };
    }
    app.log.counters.refuse("scope");
    let name = principal.map_or("nobody", |who| who.name.as_str());
    tracing::warn!(target: "starline::audit", principal = name, scope = scope.as_str(), "scope refused");
    note(&app, Denial::of(DenialReason::Scope(scope), &request));
    let message = format!("this token does not have the scope {}", scope.as_str());
    Refused::new(StatusCode::FORBIDDEN, "not_permitted", message)
        .with("scope", scope.as_str())
        .into_response()
}

pub(crate) async fn unknown_path() -> Refused {
    Refused::not_found("unknown_path", "there is nothing here: see /v1/openapi.json")
}

pub(crate) async fn unknown_method() -> Refused {
    let message = "this path has other methods: see /v1/openapi.json";
    Refused::new(StatusCode::METHOD_NOT_ALLOWED, "unknown_method", message)
}

/// What every answer says, and what is counted of it.
fn finish(app: &App, mut response: Response) -> Response {
    app.log.counters.answer(response.status());
    let headers = response.headers_mut();
    let mut say = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    say(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    say(header::CACHE_CONTROL, "no-store");
    say(header::CONTENT_SECURITY_POLICY, "default-src 'self'");
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}
