//! Conditions and templates.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use starline_graph::{
    Condition, TemplateContext, check_templates, interpolations, references, rename_references,
    render_payload,
};
use starline_types::{
    AttemptFile, ErrorKind, Exec, Millis, Outcome, OutcomeStatus, Payload, Prompt, Shell, TaskError, TaskId,
    TaskSpec, Value,
};

use crate::fuzz::meter::call;
use crate::fuzz::splitter::{self, Piece};

/// Most interpolations that are told apart.
const MARKS: usize = 500;
/// Stands between a template and the values that are filled in.
const BREAK: &str = "\n%%\n";

pub(super) fn conditions() -> Vec<String> {
    let texts = [
        "outputs.n > 3",
        "status == 'completed' and outputs.missing | default(90) > 80",
        "outcome.error.kind in ['timeout', 'device_lost'] or not outputs.ok",
        "outputs.list | length == 3 and outputs.list[0:2] | sum == 3",
        "outputs.rows | selectattr('size', 'gt', 4) | list | length == 1",
        "outputs.name | upper ~ 1 == 'MAIN1' and outputs['name'] is startingwith 'm'",
        "(true if outputs.ok else false) and 2 ** 3 // 2 == 4 and -7 % 3 == 2",
        "outputs.deep == {'a': {'b': 1}} and inputs.limit != [1, 2.5, none]",
        "outputs.rows | map(attribute='size') | max == 5 is boolean",
        "result.lines * 2 - 4 == 20 and error is none and x is undefined",
    ];
    texts.map(str::to_owned).to_vec()
}

fn outcomes() -> [Outcome; 2] {
    let outputs = json!({
        "n": 85, "ratio": 0.5, "name": "main", "ok": true, "list": [1, 2, 3], "empty": [], "nothing": null, "v": "it's $(x)",
        "rows": [{"size": 3}, {"size": 5}], "deep": {"a": {"b": 1}}, "big": u64::MAX, "text": "a b\nc",
    });
    let outputs = outputs.as_object().cloned().unwrap_or_default();
    let completed = Outcome {
        status: OutcomeStatus::Completed,
        result: json!({"lines": 12}),
        outputs: outputs.into_iter().collect(),
        error: None,
        attempts: 2,
        duration_ms: Millis(1500),
        device: None,
    };
    let mut failed = completed.clone();
    (failed.status, failed.result) = (OutcomeStatus::Failed, Value::Null);
    failed.outputs.clear();
    failed.error = Some(TaskError::new(ErrorKind::ExitStatus, "exit 3"));
    [completed, failed]
}

pub(super) fn condition(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Ok(condition) = call("Condition::compile", || Condition::compile(Arc::from(&*text))) else {
        return false;
    };
    let inputs =
        BTreeMap::from([("limit".to_owned(), json!(80)), ("x".to_owned(), json!(["a", {"b": 1.5}]))]);
    let asked = Condition::compile(Arc::from(format!("({text}) is boolean")));
    for outcome in outcomes() {
        let found = call("Condition::judge", || condition.judge(&outcome, &inputs));
        assert_eq!(found, condition.judge(&outcome, &inputs), "judged twice");
        if let Err(error) = &found {
            assert!(text.contains("__") || !error.to_string().contains("__"), "inner words: {error}");
        }
        // A longer text may be beyond a limit; the question is answered where it can be.
        if let (Ok(_), Ok(asked)) = (&found, &asked) {
            assert_ne!(asked.judge(&outcome, &inputs), Ok(false), "accepted and no boolean");
        }
    }
    true
}

pub(super) fn templates() -> Vec<String> {
    let texts = [
        "echo {{ inputs.x }} 'it''s' \"fine\"; x={{ inputs.v }}\n%%\na b\n%%\n$(id)",
        "grep -c {{ inputs.x }} <in >{{inputs.v}} 2>&1 | wc # note\n%%\n3\n%%\n-rf",
        "for i in {{ tasks.a.outputs.n }} {{ tasks['scan:b'].result.lines }}; do echo \"$(cat {{ inputs.x }})\"; done\n%%\n'\n%%\n\"",
        "{{ inputs.x }}>{{ inputs.x }}{{ inputs.v }}\n%%\n2\n%%\n1",
        "{{ inputs.list }} {{ inputs.x | default('q') | upper }} {{ inputs.obj.k }}\n%%\n\\\n%%\n`id`",
        "{{ \"{{\" }} {{ inputs.x ~ inputs.v }}\\\n{{ inputs.v | replace('a', \"'\") }}",
        "cat <<EOF\nx\nEOF\necho {{ inputs.x }} $((1 + 2)) ${x:-y}",
        "{{ inputs.x }}\n%%\n{{ inputs.v }}\n%%\n{% raw %}",
        "if [ {{ inputs.x }} = y ]; then echo {{ inputs.x | tojson }}; fi\n%%\nif\n%%\ntime",
    ];
    texts.map(str::to_owned).to_vec()
}

/// Everything that a template sees.
struct World {
    run: BTreeMap<String, Value>,
    files: BTreeMap<String, AttemptFile>,
    outcomes: [Outcome; 2],
}

impl World {
    fn new(x: &str, v: &str) -> Self {
        let run = [
            ("x", Value::from(x)),
            ("v", Value::from(v)),
            ("n", json!(7)),
            ("list", json!([1, x, null])),
            ("obj", json!({"k": v, "b": true})),
        ];
        let run = run.map(|(name, value)| (name.to_owned(), value)).into();
        let mut outcomes = outcomes();
        outcomes[0].outputs.insert("x".to_owned(), Value::from(x));
        Self { run, files: BTreeMap::new(), outcomes }
    }

    fn render(&self, payload: &Payload) -> Result<Payload, String> {
        let task = BTreeMap::new();
        let outcome = |name: &str| match name {
            "a" | "scan:b" => Some(self.outcomes[0].clone()),
            "b" => Some(self.outcomes[1].clone()),
            _ => None,
        };
        let context = TemplateContext { run: &self.run, task: &task, files: &self.files, outcome: &outcome };
        call("render_payload", || render_payload(payload, &context)).map_err(|error| error.to_string())
    }

    /// What an interpolation stands for as a plain text.
    fn value(&self, interpolation: &str) -> Option<String> {
        let argv = vec![interpolation.to_owned()];
        match self.render(&Payload::Exec(Arc::new(Exec { argv, ..Exec::default() }))) {
            Ok(Payload::Exec(exec)) => exec.argv.first().cloned(),
            _ => None,
        }
    }
}

pub(super) fn template(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.splitn(3, BREAK);
    let template = parts.next().unwrap_or_default();
    let (x, v) = (parts.next().unwrap_or("it's $(id) `x`\n\"y\""), parts.next().unwrap_or("\\'"));
    let world = World::new(x, v);
    let some = |text: &str| Some(text.to_owned());
    let exec = Exec {
        argv: vec!["echo".to_owned(), template.to_owned()],
        env: [("A".to_owned(), template.to_owned())].into(),
        cwd: some(template),
        stdin: some(template),
        ..Exec::default()
    };
    let arguments = json!({"a": template, "b": [template, {"c": 1}]});
    let script = Payload::Sh(Arc::new(Shell { script: template.to_owned(), ..Shell::default() }));
    let payloads = [
        Payload::Exec(Arc::new(exec)),
        Payload::Prompt(Arc::new(Prompt { text: template.to_owned() })),
        Payload::Call { name: "f".into(), arguments: Arc::new(arguments) },
        script.clone(),
    ];
    let mut rendered = false;
    for payload in payloads {
        let mut spec = TaskSpec::new(TaskId::new("t").expect("an id"), payload);
        let checked = call("check_templates", || check_templates(&spec));
        let named = call("references", || references(&spec));
        assert!(
            named.is_sorted() && !named.windows(2).any(|pair| pair[0] == pair[1]),
            "names twice: {named:?}"
        );
        let found = world.render(&spec.run);
        if found.is_ok() {
            assert!(checked.is_ok(), "rendered and not checked: {checked:?}");
            rendered = true;
        }
        if checked.is_ok() {
            renames(&mut spec, &named);
        }
    }
    if let Ok(Payload::Sh(shell)) = world.render(&script) {
        words_are_words(template, &shell.script, &world);
    }
    rendered
}

fn renames(spec: &mut TaskSpec, named: &[String]) {
    let renamed = call("rename_references", || rename_references(spec, &|name| Some(format!("{name}.2"))));
    if named.iter().any(|name| TaskId::new(format!("{name}.2")).is_err()) {
        assert!(renamed.is_err(), "renamed to what is no id");
        return;
    }
    let renamed = renamed.expect("what passes the check can be renamed");
    let mut expected: Vec<String> = named.iter().map(|name| format!("{name}.2")).collect();
    expected.sort_unstable();
    assert_eq!(references(&renamed), expected, "other names after renaming");
}

/// Every interpolation of a script is one word, or part of one, and nothing else: the script has the pieces that it has
/// with plain marks in place of the values.
fn words_are_words(template: &str, rendered: &str, world: &World) {
    let mark = |at: usize| char::from_u32(0xE000 + u32::try_from(at).unwrap_or(0)).unwrap_or('\u{E000}');
    if template.chars().any(|c| ('\u{E000}'..='\u{F8FF}').contains(&c)) {
        return;
    }
    let (mut marked, mut end, mut values) = (String::new(), 0, Vec::new());
    for found in interpolations(template) {
        // It ends where what begins there can first be read.
        let ends = template[found.at..].match_indices("}}").map(|(at, _)| found.at + at + 2);
        let close = ends.into_iter().find(|close| interpolations(&template[found.at..*close]).len() == 1);
        let Some(close) = close else { panic!("an interpolation without an end") };
        let Some(value) = world.value(&template[found.at..close]) else { return };
        marked.push_str(&template[end..found.at]);
        marked.push(mark(values.len()));
        values.push(value);
        end = close;
    }
    marked.push_str(&template[end..]);
    if values.len() > MARKS {
        return;
    }
    let Some(expected) = splitter::pieces(&marked) else { return };
    let fill = |word: String| -> String {
        word.chars()
            .map(|c| {
                values
                    .iter()
                    .enumerate()
                    .find(|(at, _)| mark(*at) == c)
                    .map_or_else(|| c.to_string(), |(_, value)| value.clone())
            })
            .collect()
    };
    let expected: Vec<Piece> = expected
        .into_iter()
        .map(|piece| if let Piece::Word(word) = piece { Piece::Word(fill(word)) } else { piece })
        .collect();
    let found = splitter::pieces(rendered);
    assert!(
        found.as_ref() == Some(&expected),
        "a value is no word: {rendered:?} has {found:?}, not {expected:?}"
    );
}
