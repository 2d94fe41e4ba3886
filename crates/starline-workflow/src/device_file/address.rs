//! Addresses of devices: checked here for what can be seen without a network.

use std::net::Ipv6Addr;

use super::kind::Kind;
use crate::excerpt::quoted;
use crate::fields::Field;
use crate::problem::{INVALID_VALUE, Report};

/// Longest address, in bytes.
const MAX_BYTES: usize = 2048;
/// Parameters that would carry a secret in an address.
const SECRETS: [&str; 5] = ["token", "access_token", "api_key", "key", "password"];

/// What is wrong with an address, and what to write instead.
#[derive(Debug)]
struct Fault {
    what: String,
    hint: String,
}

fn fault<T>(what: impl Into<String>, hint: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { what: what.into(), hint: hint.into() })
}

/// Schemes of a kind, the one to recommend first; none for kinds without an address.
fn schemes(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Aip => &["wss", "ws"],
        Kind::Ssh => &["ssh"],
        Kind::Mcp => &["https", "http"],
        Kind::Process | Kind::Simulated => &[],
    }
}

/// The address of a device of a kind. Without a kind, or for one without addresses, it is any text.
pub(super) fn read(field: &Field<'_>, kind: Option<Kind>, report: &mut Report) -> Option<String> {
    let text = field.text(report)?;
    let checked = kind.filter(|kind| !schemes(*kind).is_empty()).map_or(Ok(()), |kind| check(text, kind));
    if let Err(Fault { what, hint }) = checked {
        let message = format!("`{}` of {} {what}", field.name, field.what);
        report.add(field.value.mark(), INVALID_VALUE, message).hint(hint);
        return None;
    }
    Some(text.to_owned())
}

fn check(text: &str, kind: Kind) -> Result<(), Fault> {
    let schemes = schemes(kind);
    let form = match kind {
        Kind::Ssh => "ssh://USER@HOST:PORT".to_owned(),
        _ => format!("{}://HOST:PORT/PATH", schemes[0]),
    };
    if text.len() > MAX_BYTES {
        return fault(format!("has {} bytes", text.len()), format!("at most {MAX_BYTES}"));
    }
    if let Some(odd) = text.chars().find(|c| !c.is_ascii_graphic()) {
        return fault(format!("has {odd:?} in it"), format!("write it as `{form}`, without spaces"));
    }
    let Some((_, rest)) = text.split_once("://").filter(|(scheme, _)| schemes.contains(scheme)) else {
        let starts: Vec<String> = schemes.iter().map(|scheme| format!("{scheme}://")).collect();
        let what = format!("is {}, which does not begin with {}", quoted(text), starts.join(" or "));
        return fault(what, format!("write `{form}`"));
    };
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = match authority.rsplit_once('@') {
        None => authority,
        Some((user, host)) if kind == Kind::Ssh => {
            check_user(user)?;
            host
        }
        Some(_) => {
            let hint =
                "leave out what stands before `@`, and name a token in `auth: { token_env: VARIABLE }`";
            return fault("has a user in it", hint);
        }
    };
    check_host(host, &form)?;
    check_tail(tail, kind)
}

fn check_user(user: &str) -> Result<(), Fault> {
    if user.contains(':') {
        return fault("has a password in it", "leave it out: SSH uses the keys of `~/.ssh`, or of `auth`");
    }
    let plain = user.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if user.is_empty() || user.starts_with('-') || !plain {
        let hint = "a user is made of A-Z a-z 0-9 . _ - and does not begin with -";
        return fault(format!("has the user {}", quoted(user)), hint);
    }
    Ok(())
}

fn check_host(text: &str, form: &str) -> Result<(), Fault> {
    let (host, port) = match text.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((host, port)) => {
            if host.parse::<Ipv6Addr>().is_err() {
                return fault(
                    format!("has the host {}", quoted(host)),
                    "between brackets stands an IPv6 address",
                );
            }
            (host, port)
        }
        None => {
            let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            let plain = host.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
            if host.is_empty() {
                return fault("has no host", format!("write `{form}`"));
            }
            if host.starts_with('-') || !plain {
                let hint = "a host is made of A-Z a-z 0-9 . _ - and does not begin with -";
                return fault(format!("has the host {}", quoted(host)), hint);
            }
            (host, port)
        }
    };
    let digits = port.strip_prefix(':').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    let number = digits.and_then(|digits| digits.parse::<u16>().ok());
    if port.is_empty() || number.is_some_and(|number| number > 0) {
        return Ok(());
    }
    let shown = quoted(port.trim_start_matches(':'));
    fault(format!("has the port {shown} behind the host {host}"), "a port is a number from 1 to 65535")
}

fn check_tail(tail: &str, kind: Kind) -> Result<(), Fault> {
    if kind == Kind::Ssh && !matches!(tail, "" | "/") {
        let hint = "leave it out; a task says with `cwd` where it runs";
        return fault(format!("has {} behind the host", quoted(tail)), hint);
    }
    if tail.contains('#') {
        return fault("has a `#` in it, which is never sent", "leave out what begins there");
    }
    let parameters = tail.split_once('?').map_or("", |(_, parameters)| parameters).split('&');
    let mut names = parameters.map(|parameter| parameter.split_once('=').map_or(parameter, |(name, _)| name));
    match names.find(|name| SECRETS.iter().any(|secret| secret.eq_ignore_ascii_case(name))) {
        Some(name) => {
            let hint = "secrets do not stand in files: name a variable in `auth: { token_env: VARIABLE }`";
            fault(format!("has a `{name}` in it"), hint)
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_for_what_can_be_seen() {
        let (aip, ssh, mcp) = (Kind::Aip, Kind::Ssh, Kind::Mcp);
        for (kind, address) in [
            (aip, "wss://host-a:5000/ws"),
            (aip, "ws://127.0.0.1"),
            (aip, "wss://[::1]:1/ws?x=1"),
            (aip, "ws://h?role=device"),
            (ssh, "ssh://root@10.0.0.1"),
            (ssh, "ssh://host_b:22/"),
            (ssh, "ssh://me.too@[fe80::1]:2222"),
            (mcp, "https://tools.example/mcp"),
            (mcp, "http://localhost:3000/mcp"),
        ] {
            assert!(check(address, kind).is_ok(), "{address}: {:?}", check(address, kind));
        }
        for (kind, address) in [
            (aip, ""),
            (aip, "host-a:5000"),
            (aip, "http://host-a"),
            (aip, "WSS://host-a"),
            (aip, "wss:///ws"),
            (aip, "wss://a b/"),
            (aip, "wss://é/"),
            (aip, "wss://h:0/"),
            (aip, "wss://h:65536/"),
            (aip, "wss://h:/"),
            (aip, "wss://h:+1/"),
            (aip, "wss://h:1:2/"),
            (aip, "wss://[::1/"),
            (aip, "wss://[x]/"),
            (aip, "wss://[::1]5/"),
            (aip, "wss://me@h/"),
            (aip, "wss://h/#x"),
            (aip, "wss://h/?a=b&Token=x"),
            (ssh, "ssh://-oProxyCommand=x"),
            (ssh, "ssh://-x@h"),
            (ssh, "ssh://me:pw@h"),
            (ssh, "ssh://@h"),
            (ssh, "ssh://h/tmp"),
            (ssh, "ssh://h;ls"),
            (mcp, "ws://h"),
        ] {
            assert!(check(address, kind).is_err(), "{address}");
        }
    }
}
