//! What is refused at the door of a process is kept in its state folder.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::program::{Folder, json};

const WRONG: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// The status of a request with a token.
fn status(address: &str, token: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connected");
    let request = format!(
        "GET /v1/runs HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer.split(' ').nth(1).expect("a status").to_owned()
}

#[test]
fn a_wrong_token_is_one_line_and_a_flood_is_counted() {
    let folder = Folder::new();
    let path = folder.path().join(".starline/audit.jsonl");
    let lines = || -> Vec<Value> { fs::read_to_string(&path).expect("a file").lines().map(json).collect() };
    let mut server = folder.start(&["serve", "--json"]);
    let told = server.next().expect("it listens");
    let address = told["address"].as_str().expect("an address").to_owned();
    assert_eq!(folder.run(&["ls"]).code, Some(0));
    assert!(!path.exists(), "whoever has the token leaves nothing here");
    assert_eq!(status(&address, WRONG), "401");
    let first = lines();
    assert_eq!(first.len(), 1);
    assert_eq!(
        (first[0]["refused"].as_str(), first[0]["suppressed"].as_u64()),
        (Some("unknown_token"), Some(0))
    );
    assert_eq!(first[0]["address"], "127.0.0.1");
    assert!(first[0]["at"].as_u64().is_some_and(|at| at > 1_500_000_000_000), "{first:?}");
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    for _ in 0..499 {
        assert!(["401", "429"].contains(&status(&address, WRONG).as_str()));
    }
    server.signal("TERM");
    assert_eq!(server.code(), Some(0));
    let all = lines();
    assert!(all.len() < 200, "{} lines", all.len());
    let counted: u64 = all.iter().map(|line| 1 + line["suppressed"].as_u64().expect("a number")).sum();
    assert_eq!(counted, 500);
    assert!(!fs::read_to_string(&path).expect("a file").contains(&WRONG[..16]), "never the token");
}
