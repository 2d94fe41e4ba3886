//! Texts that try to be more than text.

use std::collections::BTreeMap;
use std::sync::Arc;

use pulldown_cmark::{Event as Piece, Options, Parser, Tag};
use starline_report::{History, to_chrome_trace, to_html, to_markdown};
use starline_types::{
    Applied, ApprovalGate, DependencyKind, Edit, EditBatch, ErrorKind, Event, PauseCause, Revision,
    RunSettings, RunState, SkipReason, StateCounts, TaskDetails,
};

use crate::records::{Records, graph, id, of, task};
use crate::story::{progress, skip};

/// Everything that means something somewhere.
const EVIL: &str = "<script>alert(1)</script> | `x` ``` \u{1b}[31mred\u{1b}[0m \u{202e}gnp \"'><img src=x onerror=y> ](javascript:z) **b** # h\n| --- |\n~~~\n</pre></style>&lt;\u{0}\r\n- https://evil.example/ @all";

fn hostile() -> Records {
    let mut first = task("first");
    let details = TaskDetails {
        name: Some(EVIL.to_owned()),
        description: EVIL.to_owned(),
        approval: Some(ApprovalGate { prompt: EVIL.to_owned(), ..ApprovalGate::default() }),
        ..TaskDetails::default()
    };
    first.details = Some(Arc::new(details));
    let condition = DependencyKind::When(Arc::from("result == '<script>|`'"));
    let edges = [("first", "second", DependencyKind::Success), ("third", "fourth", condition)];
    let tasks = vec![first, task("second"), task("third"), task("fourth")];
    let inputs = BTreeMap::from([(EVIL.to_owned(), serde_json::json!(EVIL))]);
    let settings = RunSettings { inputs, secrets: vec![EVIL.to_owned()], ..RunSettings::default() };
    let mut run = Records::new(EVIL, graph(tasks, &edges), settings);
    run.at(0, Event::RunReady { strategy: EVIL.into(), assignments: Arc::from([]) });
    run.at(0, Event::RunStarted { total_tasks: 4, strategy: EVIL.into() });
    run.at(
        0,
        Event::ApprovalRequested {
            task: of("first"),
            spec_hash: EVIL.into(),
            prompt: Arc::from(EVIL),
            deadline: None,
        },
    );
    run.at(1, Event::ApprovalGranted { task: of("first"), spec_hash: EVIL.into(), by: EVIL.into() });
    run.assign(2, "first", 1, "north");
    run.assign(2, "third", 1, "north");
    progress(&mut run, 3, "first", EVIL);
    let strategy_fault = Event::StrategyFaulted { strategy: EVIL.into(), message: EVIL.to_owned() };
    run.at(3, strategy_fault);
    run.fail(4, "first", 1, (ErrorKind::Other(EVIL.into()), EVIL), "unused");
    skip(&mut run, 4, "second", "first->second", SkipReason::SourceFailed, Some(EVIL));
    run.at(5, Event::RunPaused { cause: PauseCause::Operator, deadline: None, reason: Some(EVIL.into()) });
    run.at(6, Event::RunResumed { by: EVIL.into() });
    let edits = vec![Edit::AddTask { task: Arc::new(task("fifth")), after: vec![] }];
    let batch = EditBatch { reason: Some(EVIL.to_owned()), edits, ..EditBatch::default() };
    run.at(7, Event::EditCommitted(Arc::new(Applied { revision: Revision(1), batch, ..Applied::default() })));
    run.complete(8, "third", 1, "north");
    skip(&mut run, 8, "fourth", "third->fourth", SkipReason::ConditionError, Some(EVIL));
    run.assign(8, "fifth", 1, "north");
    run.complete(9, "fifth", 1, "north");
    let counts = StateCounts { completed: 2, failed: 1, skipped: 2, ..StateCounts::default() };
    run.end(9, RunState::PartiallyFailed, counts);
    if let Some(Event::RunCompleted(end)) = run.all.last_mut().map(|record| &mut record.event) {
        end.reason = Some(EVIL.into());
    }
    run
}

#[test]
fn a_page_has_the_elements_of_its_own_alone() {
    let history = History::read(&hostile().all).expect("it fits");
    let page = to_html(&history);
    assert!(!page.contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
    assert!(!page.contains('\u{202e}') && !page.contains("<script") && !page.contains("<img"));
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..roxmltree::ParsingOptions::default() };
    let document = roxmltree::Document::parse_with_options(&page, options).expect("well-formed");
    for element in document.descendants().filter(roxmltree::Node::is_element) {
        let name = element.tag_name().name();
        assert!(
            !["script", "img", "iframe", "object", "base", "form", "foreignObject"].contains(&name),
            "{name}"
        );
        for attribute in element.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            assert!(!name.starts_with("on") && name != "src", "{name}");
            assert!(!["href", "style"].contains(&name) || !value.contains("script"), "{value}");
            assert!(name != "href" || value.starts_with('#'), "{value}");
        }
    }
    let text = document.descendants().filter(roxmltree::Node::is_text).filter_map(|node| node.text());
    assert!(text.filter(|text| text.contains("<script>alert(1)</script>")).count() > 8);
    let policy = document.descendants().filter_map(|node| node.attribute("content")).next();
    assert!(
        policy.expect("a policy").starts_with("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    );
}

#[test]
fn markdown_has_no_markup_of_others() {
    let history = History::read(&hostile().all).expect("it fits");
    let text = to_markdown(&history);
    assert!(!text.contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
    let mut tables: Vec<usize> = Vec::new();
    let mut cells = 0;
    for piece in Parser::new_ext(&text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match piece {
            Piece::Html(html) | Piece::InlineHtml(html) => panic!("{html:?} is HTML"),
            Piece::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                panic!("{dest_url} is linked")
            }
            Piece::Start(Tag::Table(columns)) => tables.push(columns.len()),
            Piece::Start(Tag::TableHead | Tag::TableRow) => cells = 0,
            Piece::Start(Tag::TableCell) => cells += 1,
            Piece::End(pulldown_cmark::TagEnd::TableHead | pulldown_cmark::TagEnd::TableRow) => {
                assert_eq!(Some(&cells), tables.last());
            }
            Piece::Start(Tag::Heading { level, .. }) => assert!(level as usize <= 3),
            _ => {}
        }
    }
    // Rows that are split by a bar would have more cells than their table, which parsers drop.
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        assert!(line.ends_with(" |"), "{line}");
    }
    let bars = |line: &str| line.matches('|').count();
    for pair in text.lines().collect::<Vec<_>>().windows(2) {
        if let [a, b] = pair
            && a.starts_with("| ")
            && b.starts_with("| ")
        {
            assert_eq!(bars(a), bars(b), "{b}");
        }
    }
    assert!(tables.len() > 5);
}

#[test]
fn a_trace_is_json_whatever_is_in_it() {
    let history = History::read(&hostile().all).expect("it fits");
    let text = to_chrome_trace(&history);
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
    let trace: serde_json::Value = serde_json::from_str(&text).expect("json");
    assert_eq!(trace["otherData"]["state"], "partially_failed");
    assert_eq!(history.task(&id("first")).expect("a task").attempts.len(), 1);
}
