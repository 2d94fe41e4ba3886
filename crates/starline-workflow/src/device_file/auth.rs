//! The sections `auth` and `network`.

use super::kind::Kind;
use super::settings::{AuthSettings, NetworkSettings};
use crate::fields::{Field, Fields, What};
use crate::problem::{INVALID_VALUE, MISSING_FIELD, Report};

pub(super) fn read(
    section: &Field<'_>,
    device: &str,
    kind: Option<Kind>,
    report: &mut Report,
) -> AuthSettings {
    let mut auth = AuthSettings::default();
    let what = What::named("auth of device", device);
    let Some(mut fields) = Fields::of(section, what, "auth: { token_env: VARIABLE }", report) else {
        return auth;
    };
    let token = fields.take("token_env");
    let (cert, key) = (fields.take("cert_file"), fields.take("key_env"));
    let (ca, name) = (fields.take("ca_file"), fields.take("server_name"));
    let identity = fields.take("identity_file_env");
    fields.close(report);
    for field in [token, cert, key, ca, name].into_iter().flatten().filter(|_| kind == Some(Kind::Ssh)) {
        let hint = "SSH uses `identity_file_env`, known hosts and its own settings";
        misplaced(&field, "the kinds aip and mcp", hint, report);
    }
    if let Some(field) = identity.filter(|_| matches!(kind, Some(Kind::Aip | Kind::Mcp))) {
        misplaced(&field, "the kind ssh", "use `token_env`, or `cert_file` with `key_env`", report);
    }
    match (token, cert, key) {
        (Some(_), Some(other), _) | (Some(_), None, Some(other)) => {
            let message = format!("{what} has both `token_env` and `{}`", other.name);
            let hint = "choose one: a token, or `cert_file` with `key_env`";
            report.add(other.at, INVALID_VALUE, message).hint(hint);
        }
        (None, Some(lone), None) => {
            missing(&lone, "key_env: VARIABLE", "the variable that holds the private key", report);
        }
        (None, None, Some(lone)) => {
            missing(&lone, "cert_file: PATH", "the certificate of the key", report);
        }
        _ => {}
    }
    auth.token_env = token.and_then(|field| variable(&field, report));
    auth.cert_file = cert.and_then(|field| named(&field, "the path of a file", report));
    auth.key_env = key.and_then(|field| variable(&field, report));
    auth.ca_file = ca.and_then(|field| named(&field, "the path of a file", report));
    auth.server_name = name.and_then(|field| named(&field, "the name in a certificate", report));
    auth.identity_file_env = identity.and_then(|field| variable(&field, report));
    auth
}

fn misplaced(field: &Field<'_>, owner: &str, hint: &str, report: &mut Report) {
    let message = format!("`{}` of {} goes with {owner} only", field.name, field.what);
    report.add(field.at, INVALID_VALUE, message).hint(hint);
}

fn missing(lone: &Field<'_>, other: &str, meaning: &str, report: &mut Report) {
    let name = other.split(':').next().unwrap_or_default();
    let message = format!("{} has `{}` and no `{name}`", lone.what, lone.name);
    report.add(lone.at, MISSING_FIELD, message).hint(format!("write `{other}`, {meaning}"));
}

/// The name of an environment variable. What stands in its place may be a secret, so no message repeats it.
fn variable(field: &Field<'_>, report: &mut Report) -> Option<String> {
    let text = field.text(report)?;
    if is_variable(text) {
        return Some(text.to_owned());
    }
    let message = format!("`{}` of {} is not the name of an environment variable", field.name, field.what);
    let hint = "write a name such as HOST_A_TOKEN; its value is read when the device is connected";
    report.add(field.value.mark(), INVALID_VALUE, message).hint(hint);
    None
}

pub(super) fn is_variable(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && text.starts_with(|c: char| !c.is_ascii_digit())
}

fn named(field: &Field<'_>, expected: &str, report: &mut Report) -> Option<String> {
    let text = field.string(report)?;
    if text.is_empty() {
        let message = format!("`{}` of {} is empty, expected {expected}", field.name, field.what);
        report.add(field.value.mark(), INVALID_VALUE, message).hint("leave it out if there is none");
        return None;
    }
    Some(text)
}

pub(super) fn network(section: &Field<'_>, device: &str, report: &mut Report) -> NetworkSettings {
    let mut network = NetworkSettings::default();
    let what = What::named("network of device", device);
    let Some(mut fields) = Fields::of(section, what, "network: { allow_loopback: true }", report) else {
        return network;
    };
    let mut flag = |name| fields.take(name).and_then(|field| field.boolean(report)).unwrap_or_default();
    network.allow_loopback = flag("allow_loopback");
    network.block_private = flag("block_private");
    network.allow_plaintext = flag("allow_plaintext");
    fields.close(report);
    network
}
