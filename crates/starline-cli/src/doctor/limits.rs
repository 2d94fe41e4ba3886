//! What the system allows and believes.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::process::Command;

use super::Check;
use super::programs::{first_line, said};

/// Open files that are enough for anything usual: an attempt takes about six.
const ENOUGH_FILES: u64 = 4096;
/// 1 January 2025 in epoch seconds: this program is younger.
const EARLIEST: u64 = 1_735_689_600;
/// 1 January 2100 in epoch seconds.
const LATEST: u64 = 4_102_444_800;

/// How many files may be open at the same time.
pub(super) async fn open_files() -> Check {
    const NAME: &str = "open files";
    let asked = shell("ulimit -Sn; ulimit -Hn").await;
    let mut lines = asked.iter().flat_map(|text| text.lines()).map(str::trim);
    let (soft, hard) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let found = format!("{soft} may be open at the same time, and {hard} if it is asked for");
    match soft.parse::<u64>() {
        Err(_) if soft == "unlimited" => Check::ok(NAME, "no limit"),
        Ok(limit) if limit >= ENOUGH_FILES => Check::ok(NAME, found),
        Ok(limit) => {
            let attempts = limit / 8;
            let fix = format!("ulimit -n {ENOUGH_FILES}, for more than {attempts} attempts at a time");
            Check::limited(NAME, found, fix)
        }
        Err(_) => Check::limited(NAME, "the limit cannot be told", "look with `ulimit -n`"),
    }
}

/// Whether the clock is plausible, and where it believes to be.
pub(super) async fn clock() -> Check {
    const NAME: &str = "clock";
    #[expect(clippy::disallowed_methods, reason = "the clock itself is looked at")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let zone = shell("date '+%Y-%m-%d %H:%M %Z %z'").await.unwrap_or_default();
    let zone = zone.trim();
    if !(EARLIEST..LATEST).contains(&now) {
        let found = format!("it says {zone}, which cannot be");
        return Check::limited(NAME, found, "set the clock; times in files and ids are wrong until then");
    }
    if zone.is_empty() {
        return Check::limited(NAME, "the time zone cannot be told", "set TZ, such as TZ=UTC");
    }
    Check::ok(NAME, zone)
}

async fn shell(script: &str) -> Option<String> {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    let output = said(command).await.ok().filter(|output| !first_line(&output.stdout).is_empty())?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}
