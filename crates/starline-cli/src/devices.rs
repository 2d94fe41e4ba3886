//! The devices of a run: those of a device file, or this machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, thread};

use starline::device::{BlobStore, Secrets};
use starline::orchestrator::{Device, Refusal};
use starline::scheduler::Fleet;
use starline::transport_process::{ProcessDevice, ProcessOptions};
use starline::types::{DeviceId, DeviceProfile, GraphSpec, TaskId, Value};
use starline::workflow::DeviceFile;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::issue::{Content, Issue};
use crate::launch::{DeviceText, absolute};
use crate::output::Output;
use crate::paint::printable;
use crate::probe::{self, Trial};
use crate::source::Source;

/// Tasks that fit no device and are told what they lack: for each of them all devices are looked at.
const EXPLAINED: usize = 1_000;
/// Devices that a message lists at most.
const LISTED: usize = 20;
/// Id of the device that stands for this machine.
const LOCAL: &str = "local";

/// Devices as they are described, not connected yet.
#[derive(Debug)]
pub(crate) struct Devices {
    entries: Vec<Described>,
    /// The file they come from; none for this machine.
    file: Option<Source>,
}

#[derive(Debug)]
struct Described {
    profile: DeviceProfile,
    options: Value,
}

impl Described {
    /// A device that takes what its options allow. Options that make no sense are told when it is connected.
    fn new(mut profile: DeviceProfile, options: Value) -> Self {
        if profile.kind == "process"
            && let Ok(understood) = ProcessOptions::default().overlaid(&options)
        {
            profile.accepts = understood.accepts();
        }
        Self { profile, options }
    }
}

impl Devices {
    /// Reads a device file.
    ///
    /// # Errors
    /// The file cannot be read, or every problem in it.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        Self::of(Source::read(path)?)
    }

    /// The devices of a device file that was read.
    ///
    /// # Errors
    /// Every problem in it.
    pub(crate) fn of(source: Source) -> Result<Self, Failure> {
        let file = DeviceFile::parse(&source.bytes).map_err(|problems| {
            Failure::issues(&source.name, problems.into_iter().map(Issue::from).collect())
        })?;
        let entries = file.devices.into_iter();
        let entries = entries.map(|entry| Described::new(entry.profile, entry.options)).collect();
        Ok(Self { entries, file: Some(source) })
    }

    /// The device file as it was read, for another process to read again; none for this machine.
    pub(crate) fn text(&self) -> Option<DeviceText> {
        let source = self.file.as_ref()?;
        let text = String::from_utf8_lossy(&source.bytes).into_owned();
        Some(DeviceText { file: source.name.clone(), folder: absolute(&source.folder), text })
    }

    /// What is in a device file.
    ///
    /// # Errors
    /// Every problem in it.
    pub(crate) fn content(source: &Source) -> Result<Content, Failure> {
        let file = DeviceFile::parse(&source.bytes).map_err(|problems| {
            Failure::issues(&source.name, problems.into_iter().map(Issue::from).collect())
        })?;
        Ok(Content::Devices { total_devices: file.devices.len(), total_links: file.links.len() })
    }

    /// This machine as one device: as many slots as processors, and scripts allowed.
    ///
    /// # Errors
    /// Never in practice: the id is a word.
    pub(crate) fn this_machine() -> Result<Self, Failure> {
        let id = DeviceId::new(LOCAL)
            .map_err(|error| Failure::new(Exit::Invalid, "invalid_id", error.to_string()))?;
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let slots = u32::try_from(processors).unwrap_or(u32::MAX);
        let mut profile = DeviceProfile::new(id, "process").with_slots(slots).with_os(env::consts::OS);
        profile.resources.0.insert("cpu_cores".to_owned(), u64::from(slots));
        if let Some(bytes) = memory() {
            profile.resources.0.insert("memory".to_owned(), bytes);
        }
        let options = serde_json::json!({ "allow_sh": true });
        Ok(Self { entries: vec![Described::new(profile, options)], file: None })
    }

    /// Whether they come from a file.
    pub(crate) fn are_from_file(&self) -> bool {
        self.file.is_some()
    }

    /// Their ids, in order.
    pub(crate) fn ids(&self) -> Vec<DeviceId> {
        self.entries.iter().map(|entry| entry.profile.id.clone()).collect()
    }

    /// Their profiles, in order.
    pub(crate) fn profiles(&self) -> Vec<DeviceProfile> {
        self.entries.iter().map(|entry| entry.profile.clone()).collect()
    }

    /// Tasks that fit none of the devices, each with what the nearest one lacks, as long as they are not too many.
    pub(crate) fn unfit(&self, graph: &GraphSpec) -> Vec<(TaskId, Vec<String>)> {
        let mut fleet = Fleet::new();
        let devices: Vec<_> =
            self.entries.iter().map(|entry| fleet.register(entry.profile.clone())).collect();
        let mut unfit = Vec::new();
        for task in &graph.tasks {
            let class = fleet.class(task);
            if devices.is_empty() || !fleet.eligible(class).is_empty() {
                continue;
            }
            let explained = unfit.len() < EXPLAINED;
            let lacks = if explained { fleet.missing_everywhere(task) } else { Vec::new() };
            unfit.push((task.id.clone(), lacks));
        }
        unfit
    }

    /// What is to be said about tasks that prefer a device they cannot have: the wish is ignored.
    pub(crate) fn idle_wishes(&self, graph: &GraphSpec) -> Vec<String> {
        let mut fleet = Fleet::new();
        for entry in &self.entries {
            fleet.register(entry.profile.clone());
        }
        let mut wishes = Vec::new();
        for task in &graph.tasks {
            let Some(wish) = task.preference() else { continue };
            let Some(device) = fleet.find(wish) else {
                let known =
                    self.ids().iter().take(LISTED).map(DeviceId::as_str).collect::<Vec<_>>().join(", ");
                wishes.push(format!(
                    "task {} prefers {wish}, and no device has that id: known are {known}",
                    task.id
                ));
                continue;
            };
            let class = fleet.class(task);
            if !fleet.eligible(class).contains(&device) {
                let missing = fleet.missing(device, task).join(", ");
                wishes.push(format!(
                    "task {} prefers {wish}, which it does not fit: it lacks {missing}",
                    task.id
                ));
            }
        }
        wishes
    }

    /// Refuses a graph with tasks that fit no device.
    ///
    /// # Errors
    /// Some task fits none of the devices.
    pub(crate) fn admit(&self, graph: &GraphSpec) -> Result<(), Failure> {
        let unfit = self.unfit(graph);
        if unfit.is_empty() {
            return Ok(());
        }
        let failure = Failure::from(Refusal::NoEligibleDevice(unfit));
        Err(if self.are_from_file() { failure } else { failure.with_hint(DESCRIBE) })
    }

    /// Refuses devices that this version cannot reach.
    ///
    /// # Errors
    /// Some are of a kind that only a plan or a simulation can use; all of them are named.
    pub(crate) fn admit_kinds(&self) -> Result<(), Failure> {
        let foreign = self.entries.iter().filter(|entry| entry.profile.kind != "process");
        let named: Vec<String> =
            foreign.map(|entry| format!("{} ({})", entry.profile.id, entry.profile.kind)).collect();
        if named.is_empty() {
            return Ok(());
        }
        let more = named.len().saturating_sub(LISTED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let listed = named[..named.len().min(LISTED)].join(", ");
        let message = format!("this version runs nothing on devices of these kinds: {listed}{more}");
        let hint = "use devices of the kind process, or look at the run with `plan` or --simulate".to_owned();
        let file = self.file.as_ref().map_or("devices", |source| &source.name);
        Err(Failure::issues(file, vec![Issue::whole("unsupported_kind", message, Some(hint))]))
    }

    /// Makes them real. Folders of tasks are relative to `base_dir`, and attempts get theirs in `work_root`,
    /// unless a device says otherwise.
    ///
    /// # Errors
    /// A device is only simulated, or asks for what this version cannot give.
    pub(crate) fn connect(
        &self,
        base_dir: &Path,
        work_root: Option<PathBuf>,
        belongings: &Belongings,
    ) -> Result<Vec<Arc<ProcessDevice>>, Failure> {
        self.admit_kinds()?;
        let base_dir = std::path::absolute(base_dir).unwrap_or_else(|_| base_dir.to_owned());
        let mut defaults = ProcessOptions { base_dir: Some(base_dir), ..ProcessOptions::default() };
        if let Some(root) = work_root {
            defaults.work_root = root;
        }
        let given = |device: ProcessDevice| {
            let device = device.with_secrets(belongings.secrets.clone());
            let device = match &belongings.register {
                Some(folder) => device.with_register(folder),
                None => device,
            };
            match &belongings.blobs {
                Some(blobs) => device.with_blobs(Arc::clone(blobs)),
                None => device,
            }
        };
        self.entries.iter().map(|entry| self.connect_one(entry, &defaults).map(given).map(Arc::new)).collect()
    }

    /// Tries each of them out, in order: connects it and has it run a program that does nothing.
    pub(crate) fn check_each(
        &self,
        base_dir: &Path,
    ) -> impl Iterator<Item = (&DeviceProfile, Result<(), Failure>)> {
        let base_dir = std::path::absolute(base_dir).unwrap_or_else(|_| base_dir.to_owned());
        let defaults = ProcessOptions { base_dir: Some(base_dir), ..ProcessOptions::default() };
        self.entries.iter().map(move |entry| {
            let tried = self.connect_one(entry, &defaults).and_then(|device| {
                probe::try_out(Arc::new(device), Trial::Program)
                    .map_err(|message| Failure::new(Exit::Infrastructure, "device_unusable", message))
            });
            (&entry.profile, tried)
        })
    }

    fn connect_one(&self, entry: &Described, defaults: &ProcessOptions) -> Result<ProcessDevice, Failure> {
        let profile = &entry.profile;
        let from = self.file.as_ref();
        let (file, folder) =
            from.map_or_else(|| ("devices", Path::new(".")), |source| (source.name.as_str(), &source.folder));
        let refuse = |code: &str, message: String, hint: Option<String>| {
            Failure::issues(file, vec![Issue::whole(code, message, hint)])
        };
        if profile.kind != "process" {
            let message =
                format!("device {} is of the kind {}, which runs nothing", profile.id, profile.kind);
            let hint = "use devices of the kind process, or run with --simulate".to_owned();
            return Err(refuse("unsupported_kind", message, Some(hint)));
        }
        let mut options = defaults
            .overlaid(&entry.options)
            .map_err(|error| refuse("invalid_value", format!("device {}: {error}", profile.id), None))?;
        // What a device file says is relative to the device file.
        options.base_dir = options.base_dir.map(|base| folder.join(base));
        options.work_root = folder.join(options.work_root);
        Ok(ProcessDevice::new(profile.clone(), options))
    }
}

/// Ends what an earlier process has left running, of which the register is in this folder.
///
/// # Errors
/// The system is in the way, or the earlier process lives: then something may be running still.
pub(crate) async fn end_leftovers(register: &Path, output: &Output) -> Result<(), Failure> {
    let ended = ProcessDevice::end_leftovers(register).await.map_err(|error| {
        Failure::infrastructure("leftovers", "tasks of an earlier process may still be running", &error)
    })?;
    ended.warnings.iter().for_each(|warning| output.warning(&printable(warning)));
    if ended.processes > 0 && !output.is_quiet() {
        let word = if ended.processes == 1 { "process that was" } else { "processes that were" };
        output.notice(&format!("ended {} {word} left running", ended.processes));
    }
    Ok(())
}

/// What devices are given beside their tasks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Belongings {
    /// Values that tasks may ask for.
    pub(crate) secrets: Secrets,
    /// Where files come from and go to.
    pub(crate) blobs: Option<Arc<dyn BlobStore>>,
    /// Where it is written down what is running, for the next process if this one is killed.
    pub(crate) register: Option<PathBuf>,
}

/// What to do where this machine is not enough.
pub(crate) const DESCRIBE: &str = "describe your devices in a file, and name it with --devices";

/// Process devices as any devices.
pub(crate) fn as_devices(processes: &[Arc<ProcessDevice>]) -> Vec<Arc<dyn Device>> {
    processes.iter().map(|process| Arc::clone(process) as Arc<dyn Device>).collect()
}

/// Memory of this machine in bytes, where the system says so in a file.
fn memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use starline::types::{DeviceSelector, Payload, TaskSpec};

    #[test]
    fn this_machine_takes_tasks_without_wishes() {
        let devices = Devices::this_machine().expect("a device");
        let mut plain = TaskSpec::new(TaskId::new("plain").expect("id"), Payload::Noop);
        let graph = |task: TaskSpec| GraphSpec { tasks: vec![Arc::new(task)], ..GraphSpec::default() };
        assert!(devices.unfit(&graph(plain.clone())).is_empty());
        assert!(
            devices.connect(Path::new("."), None, &Belongings::default()).is_ok_and(|made| made.len() == 1)
        );

        let selector = DeviceSelector { needs: vec!["gpu".into()], ..DeviceSelector::default() };
        let wish = DeviceSelector { prefer: DeviceId::new("moon").ok(), ..DeviceSelector::default() };
        plain.device = Some(Arc::new(wish));
        let wishes = devices.idle_wishes(&graph(plain.clone()));
        assert_eq!(wishes, ["task plain prefers moon, and no device has that id: known are local"]);

        plain.device = Some(Arc::new(selector));
        let unfit = devices.unfit(&graph(plain.clone()));
        assert_eq!(unfit[0].0.as_str(), "plain");
        assert!(unfit[0].1[0].contains("gpu"), "{unfit:?}");
        assert!(matches!(
            devices.admit(&graph(plain)),
            Err(Failure::Other { exit: Exit::Refused, code: "no_eligible_device", hint: Some(_), .. })
        ));
    }
}
