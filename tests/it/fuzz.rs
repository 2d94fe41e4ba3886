//! Hostile input: whatever comes from outside is refused or taken, and never a panic.
//!
//! `STARLINE_FUZZ_INPUTS` sets the number of inputs for each target; `cargo xtask fuzz` runs many.

use std::sync::Arc;

use starline_edit::{Limits, Surroundings, TaskGraph, check_within};
use starline_scheduler::{Fleet, Input, Scheduler, Step};
use starline_sim::Strategist;
use starline_types::{Edit, EditBatch, Envelope, GraphSpec, RunId, RunSettings, Timestamp};
use starline_workflow::{DeviceFile, LoadOptions, Workflow, import_wfformat, render};

use crate::scene::{built, graph};

/// Inputs for each target unless the environment says otherwise.
const INPUTS: u64 = 20_000;

/// Words that mean something to some reader.
const WORDS: [&str; 32] = [
    "\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "true",
    "-1",
    "0",
    "1e999",
    "18446744073709551616",
    "\\u0000",
    "{{ tasks.a.outputs.n }}",
    "{% for x in y %}",
    "when",
    "a->b",
    "after",
    "depends_on",
    "run",
    "sh",
    "exec",
    "tasks",
    "\n",
    "  ",
    "- ",
    "&x",
    "*x",
    "<<",
    "'",
    "\u{feff}",
];

/// Random bytes and mutations of valid texts.
struct Hostile {
    state: u64,
    bases: Vec<Vec<u8>>,
}

impl Hostile {
    fn new(seed: u64, bases: impl IntoIterator<Item = String>) -> Self {
        Self { state: seed, bases: bases.into_iter().map(String::into_bytes).collect() }
    }

    fn below(&mut self, n: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % (n.max(1) as u64)) as usize
    }

    /// The next input.
    fn draw(&mut self) -> Vec<u8> {
        if self.below(20) == 0 {
            return (0..self.below(200)).map(|_| self.below(256) as u8).collect();
        }
        let base = self.below(self.bases.len());
        let mut bytes = self.bases[base].clone();
        for _ in 0..=self.below(6) {
            self.mutate(&mut bytes);
        }
        bytes
    }

    fn range(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let from = self.below(bytes.len() + 1);
        let to = (from + self.below(24)).min(bytes.len());
        from..to
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len() + 1);
        match self.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            1 => {
                let range = self.range(bytes);
                bytes.drain(range);
            }
            2 => {
                let range = self.range(bytes);
                let copy = bytes[range].to_vec();
                bytes.splice(at..at, copy);
            }
            3 => bytes.truncate(at),
            4 => {
                let other = self.below(self.bases.len());
                let base = &self.bases[other];
                let from = self.state as usize % (base.len() + 1);
                let piece = base[from..(from + 40).min(base.len())].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                let word = WORDS[self.below(WORDS.len())];
                bytes.splice(at..at, word.bytes());
            }
        }
    }
}

fn inputs() -> u64 {
    std::env::var("STARLINE_FUZZ_INPUTS").ok().and_then(|text| text.parse().ok()).unwrap_or(INPUTS)
}

/// A graph with everything in it.
fn rich() -> GraphSpec {
    let text = r#"{
        "name": "rich",
        "tasks": [
            {"id": "a", "run": {"sh": {"script": "echo {{ inputs.x }}"}}, "priority": 75,
             "outputs": {"n": {"from": "/n", "type": "integer"}}, "retry": {"max": 3, "base": 500, "jitter": "none"}},
            {"id": "b", "run": {"exec": {"argv": ["ls", "{{ tasks.a.outputs.n }}"]}},
             "device": {"on": "d1", "needs": ["x"], "resources": {"memory": 4}}, "queue_timeout": 1000},
            {"id": "c", "run": {"sleep": 5}, "estimate": {"duration": 7}, "details": {"description": "text", "tips": ["t"]}}
        ],
        "dependencies": [
            {"from": "a", "to": "b"},
            {"from": "a", "to": "c", "kind": {"when": "outputs.n > 3"}, "id": "x>y", "note": "why"},
            {"from": "b", "to": "c", "kind": "completion"}
        ],
        "metadata": {"k": [1, null]}
    }"#;
    serde_json::from_str(text).expect("a graph")
}

/// Journals of scenarios, one fact for each line.
fn journals() -> Vec<String> {
    let names =
        ["o4_fail_fast", "t1_retries_and_failure", "d3_lost_device_and_another_one", "o6_pause_and_resume"];
    let mut found = Vec::new();
    for name in names {
        let played = starline_tests::run_scenario(name);
        let lines =
            played.sim.journal(0).iter().map(|fact| serde_json::to_string(fact).expect("facts are JSON"));
        found.push(lines.collect::<Vec<_>>().join("\n"));
    }
    found
}

#[test]
fn fuzz_graph_spec() {
    let rich = serde_json::to_string(&rich()).expect("json");
    let plain = serde_json::to_string(&graph(&["a", "b"], &["a>b"])).expect("json");
    let mut hostile = Hostile::new(1, [rich, plain]);
    let mut taken = 0_u64;
    for _ in 0..inputs() {
        let Ok(spec) = serde_json::from_slice::<GraphSpec>(&hostile.draw()) else { continue };
        let edits = vec![Edit::Build { graph: Arc::new(spec), clear_existing: true }];
        let batch = EditBatch { edits, ..EditBatch::default() };
        let mut graph = TaskGraph::default();
        match check_within(&mut graph, &batch, &Surroundings::default()) {
            Ok(checked) => drop(checked.commit()),
            Err(rejection) => assert!(!rejection.faults.is_empty()),
        }
        assert_eq!(starline_graph::audit(&graph), vec![]);
        taken += 1;
    }
    assert!(taken > inputs() / 100, "{taken} graphs of {} could be read", inputs());
}

#[test]
fn fuzz_edit_batch() {
    let batches = [
        r#"{"edits": [{"op": "add_task", "task": {"id": "n"}, "after": [["a", "success"], ["b", "completion"]]}]}"#,
        r#"{"base": 1, "edits": [{"op": "add_dependency", "from": "c", "to": "a"}], "reason": "why"}"#,
        r#"{"edits": [{"op": "build", "graph": {"tasks": [{"id": "z"}]}, "clear_existing": false}], "request": "r-1"}"#,
        r#"{"edits": [{"op": "add_dependency", "from": "a", "to": "b", "kind": {"when": "status == 'failed'"}}]}"#,
    ];
    let mut hostile = Hostile::new(2, batches.map(str::to_owned));
    let (mut taken, mut committed) = (0_u64, 0_u64);
    for _ in 0..inputs() {
        let Ok(batch) = serde_json::from_slice::<EditBatch>(&hostile.draw()) else { continue };
        taken += 1;
        let mut graph = built(graph(&["a", "b", "c"], &["a>b", "b>c"]));
        let before = (graph.to_spec(), graph.revision());
        let around = Surroundings { devices: None, limits: Limits::default() };
        let accepted =
            check_within(&mut graph, &batch, &around).map(|checked| drop(checked.commit())).is_ok();
        committed += u64::from(accepted);
        assert!(
            accepted || (graph.to_spec(), graph.revision()) == before,
            "a refused batch changed the graph"
        );
        assert_eq!(starline_graph::audit(&graph), vec![]);
    }
    assert!(taken > inputs() / 100 && committed > 0, "{taken} read, {committed} committed");
}

#[test]
fn fuzz_envelope() {
    let mut hostile = Hostile::new(3, journals().iter().flat_map(|text| text.lines()).map(str::to_owned));
    let mut taken = 0_u64;
    for _ in 0..inputs() {
        if let Ok(envelope) = serde_json::from_slice::<Envelope>(&hostile.draw()) {
            let text = serde_json::to_string(&envelope).expect("what was read can be written");
            assert_eq!(serde_json::from_str::<Envelope>(&text).expect("and read again"), envelope);
            taken += 1;
        }
    }
    assert!(taken > inputs() / 100, "{taken} facts of {} could be read", inputs());
}

/// A journal in which lines are missing, doubled, exchanged or changed gives a state or a fault, and a state
/// that takes further inputs.
#[test]
fn fuzz_journal() {
    let journals = journals();
    let mut hostile = Hostile::new(4, journals.iter().flat_map(|text| text.lines()).map(str::to_owned));
    let mut recovered = 0_u64;
    for _ in 0..inputs() {
        let journal = &journals[hostile.below(journals.len())];
        let mut facts: Vec<Envelope> =
            journal.lines().map(|line| serde_json::from_str(line).expect("a fact")).collect();
        for _ in 0..=hostile.below(4) {
            let (at, other) = (hostile.below(facts.len()), hostile.below(facts.len()));
            match hostile.below(5) {
                0 if facts.len() > 1 => drop(facts.remove(at)),
                1 => facts.insert(at, facts[other].clone()),
                2 => facts.swap(at, other),
                3 => facts.truncate(at.max(1)),
                _ => {
                    if let Ok(changed) = serde_json::from_slice(&hostile.draw()) {
                        facts[at] = changed;
                    }
                }
            }
        }
        if hostile.below(10) > 0 {
            // Numbers and names as they should be, so that the content is what is hostile.
            let id = facts[0].run_id.clone();
            for (fact, seq) in facts.iter_mut().zip(1..) {
                (fact.seq, fact.run_id) = (starline_types::Seq(seq), id.clone());
            }
        }
        recovered += u64::from(survives(&facts));
    }
    assert!(recovered > inputs() / 10, "{recovered} journals of {} gave a state", inputs());
}

fn survives(facts: &[Envelope]) -> bool {
    let mut fleet = Fleet::new();
    let d1 = fleet.register(crate::scene::device("d1"));
    fleet.set_connected(d1, true);
    let run = facts.first().map_or_else(|| RunId::new("run").expect("id"), |fact| fact.run_id.clone());
    let made = Strategist::RoundRobin.make();
    let Ok(mut scheduler) = Scheduler::recover(run, made, &mut fleet, facts) else { return false };
    let now = facts.iter().map(|fact| fact.t).max().unwrap_or(Timestamp(0));
    let mut step = Step::default();
    for input in [Input::Tick, Input::Start, Input::Resume, Input::CancelRun { force: true }] {
        scheduler.step_into(now, input, &mut fleet, &mut step);
        scheduler.place(now, &mut fleet, 100, &mut step);
    }
    let _ = (scheduler.fingerprint(), scheduler.outcome(&fleet), scheduler.snapshot(now, &mut fleet));
    true
}

#[test]
fn fuzz_settings() {
    let text = serde_json::to_string(&RunSettings::default()).expect("json");
    let mut hostile = Hostile::new(5, [text]);
    for _ in 0..inputs() {
        let _ = serde_json::from_slice::<RunSettings>(&hostile.draw());
    }
}

#[test]
fn fuzz_workflow_file() {
    let yaml = "starline: 1\nname: demo\ninputs:\n  pattern: { type: string, default: x }\ntasks:\n  a:\n    sh: echo hi\n    outputs: { n: { from: stdout } }\n  b:\n    after: { a: success }\n    sh: \"echo {{ tasks.a.outputs.n }}\"\n    retry: { max: 2, base: 1s }\n";
    let json = serde_json::to_string(&rich()).expect("json");
    let mut hostile = Hostile::new(6, [yaml.to_owned(), json]);
    for _ in 0..inputs() {
        let bytes = hostile.draw();
        if let Err(problems) = Workflow::parse(&bytes, &LoadOptions::default()) {
            assert!(!problems.is_empty());
            for problem in &problems {
                assert!(!render(problem, "hostile.yaml").is_empty());
            }
        }
    }
}

#[test]
fn fuzz_device_file() {
    let yaml = "starline: 1\ndevices:\n  laptop:\n    kind: process\n    slots: 2\n    os: linux\n    capabilities: [sh, git]\n    resources: { memory: 8 GiB }\n";
    let mut hostile = Hostile::new(7, [yaml.to_owned()]);
    for _ in 0..inputs() {
        if let Err(problems) = DeviceFile::parse(&hostile.draw()) {
            assert!(!problems.is_empty());
        }
    }
}

#[test]
fn fuzz_wfformat() {
    let text = r#"{"name": "x", "schemaVersion": "1.5", "workflow": {"specification": {"tasks": [
        {"name": "a", "id": "a", "parents": [], "children": ["b"], "inputFiles": [], "outputFiles": ["f"]},
        {"name": "b", "id": "b", "parents": ["a"], "children": []}], "files": [{"id": "f", "sizeInBytes": 10}]},
        "execution": {"makespanInSeconds": 3, "executedAt": "2024-01-01T00:00:00Z", "tasks": [
        {"id": "a", "runtimeInSeconds": 1.5, "machines": ["m"]}, {"id": "b", "runtimeInSeconds": 2}],
        "machines": [{"nodeName": "m", "cpu": {"coreCount": 4}}]}}}"#;
    let mut hostile = Hostile::new(8, [text.to_owned()]);
    for _ in 0..inputs() {
        if let Err(problems) = import_wfformat(&hostile.draw()) {
            assert!(!problems.is_empty());
        }
    }
}
