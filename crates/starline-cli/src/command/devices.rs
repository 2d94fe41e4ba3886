//! `starline devices`

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use starline::types::{DeviceApproval, DeviceProfile};

use crate::devices::Devices;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::options::OutputOptions;
use crate::output::Output;
use crate::paint::Tone;
use crate::table::{Cell, Table};

pub(crate) const ABOUT: &str = "List devices, or try them out";

pub(crate) const HELP: &str = "\
Examples:
  starline devices ls --devices devices.yaml       # what each of them is and offers
  starline devices check --devices devices.yaml    # does each of them run a program?
";

const LS_ABOUT: &str = "List devices, and what they offer";

const LS_HELP: &str = "\
Without --devices there is one, this machine. A fenced device ends its attempts by itself when it is cut
off, so that they may safely be tried elsewhere.

Examples:
  starline devices ls
  starline devices ls --devices devices.yaml
  starline devices ls --devices devices.yaml --json
";

const CHECK_ABOUT: &str = "Connect to each device and have it run a program that does nothing";

const CHECK_HELP: &str = "\
Exit codes: 0 all of them work, 2 the device file is not valid, 4 at least one does not work.

Examples:
  starline devices check
  starline devices check --devices devices.yaml
  starline devices check --devices devices.yaml --json
";

/// Verbs and flags of `starline devices`.
#[derive(Clone, Debug, Args)]
#[command(about = ABOUT, after_help = HELP, arg_required_else_help = true)]
pub(crate) struct DevicesArgs {
    #[command(subcommand)]
    verb: DevicesVerb,
}

#[derive(Clone, Debug, Subcommand)]
enum DevicesVerb {
    #[command(about = LS_ABOUT, after_help = LS_HELP)]
    Ls(FleetArgs),
    #[command(about = CHECK_ABOUT, after_help = CHECK_HELP)]
    Check(FleetArgs),
}

/// Which devices.
#[derive(Clone, Debug, Args)]
struct FleetArgs {
    /// Device file; without it this machine is the one device
    #[arg(long, env = "STARLINE_DEVICES", hide_env_values = true, value_name = "FILE")]
    devices: Option<PathBuf>,

    #[command(flatten)]
    output: OutputOptions,
}

impl FleetArgs {
    fn devices(&self) -> Result<Devices, Failure> {
        self.devices.as_deref().map_or_else(Devices::this_machine, Devices::read)
    }
}

impl DevicesArgs {
    /// How it writes.
    pub(crate) fn output(&self) -> &OutputOptions {
        match &self.verb {
            DevicesVerb::Ls(args) | DevicesVerb::Check(args) => &args.output,
        }
    }

    /// Lists or checks.
    ///
    /// # Errors
    /// The device file cannot be read, or every problem in it.
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        match self.verb {
            DevicesVerb::Ls(args) => {
                list(&args.devices()?.profiles(), output);
                Ok(Exit::Done)
            }
            DevicesVerb::Check(args) => Ok(check(&args.devices()?, output)),
        }
    }
}

fn list(profiles: &[DeviceProfile], output: &Output) {
    if output.is_json() {
        let devices: Vec<Value> = profiles.iter().map(object).collect();
        output.object(&json!({ "devices": devices }));
        return;
    }
    let mut table = Table::with_head(&[
        "id",
        "kind",
        "os",
        "slots",
        "fenced",
        "approval",
        "capabilities",
        "resources",
        "attributes",
    ]);
    for profile in profiles {
        let amounts = |(name, amount): (&String, &u64)| format!("{name}={amount}");
        let facts = |(name, fact): (&String, &Value)| format!("{name}={}", plain(fact));
        table.row([
            Cell::text(profile.id.as_str()),
            Cell::text(&profile.kind),
            Cell::text(profile.os.as_deref().unwrap_or("-")),
            Cell::figure(profile.slots.to_string()),
            Cell::text(if profile.fenced { "yes" } else { "no" }),
            Cell::text(approval(profile.approval)),
            Cell::text(dashed(&profile.capabilities)),
            Cell::text(dashed(&profile.resources.0.iter().map(amounts).collect::<Vec<_>>())),
            Cell::text(dashed(&profile.attributes.iter().map(facts).collect::<Vec<_>>())),
        ]);
    }
    table.lines(output.result_colour()).for_each(|line| output.result(&line));
}

/// The profile with all its fields, those at their defaults as well.
fn object(profile: &DeviceProfile) -> Value {
    json!({
        "id": profile.id,
        "kind": profile.kind,
        "os": profile.os,
        "slots": profile.slots,
        "fenced": profile.fenced,
        "approval": profile.approval,
        "capabilities": profile.capabilities,
        "resources": profile.resources,
        "attributes": profile.attributes,
    })
}

fn approval(approval: DeviceApproval) -> &'static str {
    match approval {
        DeviceApproval::Auto => "auto",
        DeviceApproval::Ask => "ask",
        DeviceApproval::Deny => "deny",
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn dashed(words: &[String]) -> String {
    if words.is_empty() { "-".to_owned() } else { words.join(" ") }
}

fn check(devices: &Devices, output: &Output) -> Exit {
    let mut table = Table::default();
    let mut objects = Vec::new();
    let mut all_work = true;
    for (profile, tried) in devices.check_each(Path::new(".")) {
        all_work &= tried.is_ok();
        let (word, tone) = if tried.is_ok() { ("ok", Tone::Good) } else { ("failed", Tone::Bad) };
        let said = tried.as_ref().map_or_else(Failure::reason, |()| "runs programs".to_owned());
        let hint = tried.as_ref().err().and_then(Failure::hint);
        objects.push(json!({
            "id": profile.id, "kind": profile.kind, "status": word, "message": said, "hint": hint,
        }));
        let hint = hint.map(|hint| format!(": {hint}")).unwrap_or_default();
        table.row([
            Cell::text(word).in_tone(tone),
            Cell::text(profile.id.as_str()),
            Cell::text(&profile.kind),
            Cell::text(format!("{said}{hint}")),
        ]);
    }
    if output.is_json() {
        output.object(&json!({ "works": all_work, "devices": objects }));
    } else {
        table.lines(output.result_colour()).for_each(|line| output.result(&line));
    }
    if all_work { Exit::Done } else { Exit::Infrastructure }
}
