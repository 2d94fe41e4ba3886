//! Makes the tree of a file from the events of the parser, within limits.

use serde_saphyr::granit_parser::{self, ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::json::{Json, Token};
use super::{Body, MAX_DEPTH, MAX_EXPANSION, MAX_TEXT_BYTES, MAX_VALUES, Node, Tree};
use crate::excerpt::quoted;
use crate::problem::{
    DUPLICATE_KEY, INVALID_VALUE, LIMIT_EXCEEDED, Mark, Report, SYNTAX_ERROR, Stop, UNSUPPORTED_FIELD,
};

/// Largest file, in bytes: 16 MiB.
pub(crate) const MAX_FILE_BYTES: usize = 16 << 20;
/// Longest key, in characters: the parser looks so far for the `:` behind it.
const MAX_KEY: usize = 64 << 10;

/// A file as text, if it is one and not too large.
pub(crate) fn text<'s>(bytes: &'s [u8], report: &mut Report) -> Result<&'s str, Stop> {
    if bytes.len() > MAX_FILE_BYTES {
        let message = format!("the file has {} bytes", bytes.len());
        report.add(Mark::START, LIMIT_EXCEEDED, message).hint(format!("at most {MAX_FILE_BYTES}"));
        return Err(Stop);
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let before = std::str::from_utf8(valid).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let message = format!("byte {} is not UTF-8", error.valid_up_to());
        report.add(mark(line, column), SYNTAX_ERROR, message).hint("save the file as UTF-8");
        Stop
    })
}

fn mark(line: usize, column: usize) -> Mark {
    let short = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Mark { line: short(line), column: short(column) }
}

fn start(span: &Span) -> Mark {
    mark(span.start.line(), span.start.col() + 1)
}

impl<'s> Tree<'s> {
    /// Reads the one document of a file.
    ///
    /// Stops at what is not YAML and at limits; duplicate keys, tags and merge keys are noted and left out.
    pub(crate) fn read(source: &'s str, report: &mut Report) -> Result<Self, Stop> {
        let options = granit_parser::options! {
            emit_comments: false,
            simple_key_max_lookahead: MAX_KEY,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        let mut builder = Builder::new(source, report);
        for event in Parser::new_from_str_with_options(source, options) {
            match event {
                Ok((event, span)) => builder.event(event, &span)?,
                Err(error) => return Err(builder.scan_error(&error)),
            }
        }
        builder.finish()
    }

    /// Reads the one value of a JSON file, as strictly as JSON is defined.
    ///
    /// Stops at what is not JSON and at limits; duplicate keys are noted and left out.
    pub(crate) fn read_json(source: &'s str, report: &mut Report) -> Result<Self, Stop> {
        let mut builder = Builder::new(source, report);
        let mut json = Json::new(source);
        loop {
            match json.token() {
                Ok(Some((Token::OpenMap, at))) => builder.open(true, 0, at)?,
                Ok(Some((Token::OpenList, at))) => builder.open(false, 0, at)?,
                Ok(Some((Token::Close, _))) => builder.close()?,
                Ok(Some((Token::Key(text) | Token::Text(text), at))) => {
                    builder.scalar(&text, false, 0, at, 0)?
                }
                Ok(Some((Token::Bare(text), at))) => builder.scalar(text, true, 0, at, 0)?,
                Ok(None) => return builder.finish(),
                Err(fault) => {
                    let message = format!("not JSON: {}", fault.message);
                    return Err(builder.stop(fault.at, SYNTAX_ERROR, message, fault.hint));
                }
            }
        }
    }
}

/// A collection that is not closed yet.
#[derive(Debug)]
struct Frame {
    node: u32,
    /// First of its children in `pending`.
    start: usize,
    anchor: usize,
    is_map: bool,
    weight: u64,
    height: usize,
}

/// A value that aliases may stand for, and what each of them costs.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    node: u32,
    weight: u64,
    height: usize,
}

struct Builder<'s, 'r> {
    tree: Tree<'s>,
    report: &'r mut Report,
    frames: Vec<Frame>,
    /// Children of open collections.
    pending: Vec<u32>,
    anchors: Vec<Option<Anchor>>,
    expansion: u64,
    documents: usize,
    order: Vec<u32>,
}

impl<'s, 'r> Builder<'s, 'r> {
    fn new(source: &'s str, report: &'r mut Report) -> Self {
        let tree = Tree {
            source,
            decoded: String::new(),
            raw: Vec::new(),
            nodes: Vec::new(),
            children: Vec::new(),
            merged: Vec::new(),
            root: 0,
        };
        Self {
            tree,
            report,
            frames: Vec::new(),
            pending: Vec::new(),
            anchors: Vec::new(),
            expansion: 0,
            documents: 0,
            order: Vec::new(),
        }
    }

    fn stop(&mut self, at: Mark, code: &str, message: impl AsRef<str>, hint: &str) -> Stop {
        let problem = self.report.add(at, code, message);
        if !hint.is_empty() {
            problem.hint(hint);
        }
        Stop
    }

    fn event(&mut self, event: Event<'s>, span: &Span) -> Result<(), Stop> {
        let at = start(span);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    let message = "a second document begins here, and a file holds one";
                    return Err(self.stop(at, SYNTAX_ERROR, message, "put it into a file of its own"));
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let forced = self.tag(tag.as_deref(), span);
                // An absent value has no characters; the parser writes it as `~`.
                let absent = span.byte_range().is_some_and(|range| range.is_empty());
                let text = if absent && style == ScalarStyle::Plain { "" } else { &*text };
                let plain = style == ScalarStyle::Plain && !forced;
                self.scalar(text, plain, anchor, at, span.byte_range().map_or(0, |range| range.start))
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.tag(tag.as_deref(), span);
                self.open(false, anchor, at)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.tag(tag.as_deref(), span);
                self.open(true, anchor, at)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(anchor, at),
            _ => Ok(()),
        }
    }

    /// Whether a tag makes a text of whatever is written. All tags but that one are refused.
    fn tag(&mut self, tag: Option<&Tag>, span: &Span) -> bool {
        let Some(tag) = tag else { return false };
        let is_text = tag.is_yaml_core_schema_tag("str");
        if !is_text {
            let message = format!("tag {} has no meaning here", quoted(&tag.original()));
            let at = span.tag_start().map_or_else(|| start(span), |at| mark(at.line(), at.col() + 1));
            self.report.add(at, INVALID_VALUE, message).hint("leave the tag out");
        }
        is_text
    }

    fn push(&mut self, node: Node) -> Result<u32, Stop> {
        if self.tree.nodes.len() >= MAX_VALUES {
            let hint = format!("at most {MAX_VALUES}");
            return Err(self.stop(node.mark, LIMIT_EXCEEDED, "the file has too many values", &hint));
        }
        let id = u32::try_from(self.tree.nodes.len()).unwrap_or(u32::MAX);
        self.tree.nodes.push(node);
        Ok(id)
    }

    fn scalar(&mut self, text: &str, plain: bool, anchor: usize, at: Mark, raw: usize) -> Result<(), Stop> {
        if text.len() > MAX_TEXT_BYTES {
            let message = format!("a text has {} bytes", text.len());
            return Err(self.stop(at, LIMIT_EXCEEDED, message, &format!("at most {MAX_TEXT_BYTES}")));
        }
        let source = self.tree.source;
        let within = (text.as_ptr() as usize).checked_sub(source.as_ptr() as usize);
        let borrowed = within.filter(|start| source.get(*start..start + text.len()) == Some(text));
        let (start, decoded) = match borrowed {
            Some(start) => (start, false),
            None => {
                self.tree.decoded.push_str(text);
                (self.tree.decoded.len() - text.len(), true)
            }
        };
        let place = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        let body = Body::Scalar { start: place(start), end: place(start + text.len()), plain, decoded };
        let node = self.push(Node { mark: at, body })?;
        if decoded {
            self.tree.raw.push((node, place(raw)));
        }
        self.place(Anchor { node, weight: 1 + text.len() as u64, height: 0 }, anchor);
        Ok(())
    }

    fn open(&mut self, is_map: bool, anchor: usize, at: Mark) -> Result<(), Stop> {
        self.check_depth(1, at)?;
        let node = self.push(Node { mark: at, body: Body::List { start: 0, end: 0 } })?;
        let start = self.pending.len();
        self.frames.push(Frame { node, start, anchor, is_map, weight: 1, height: 0 });
        Ok(())
    }

    fn check_depth(&mut self, height: usize, at: Mark) -> Result<(), Stop> {
        if self.frames.len() + height > MAX_DEPTH {
            let hint = format!("at most {MAX_DEPTH} lists and mappings within each other");
            return Err(self.stop(at, LIMIT_EXCEEDED, "the file is nested too deeply", &hint));
        }
        Ok(())
    }

    /// A value is complete: it becomes a child of the innermost open collection, or the root.
    fn place(&mut self, done: Anchor, anchor: usize) {
        if anchor > 0 {
            if self.anchors.len() <= anchor {
                self.anchors.resize(anchor + 1, None);
            }
            self.anchors[anchor] = Some(done);
        }
        match self.frames.last_mut() {
            Some(frame) => {
                frame.weight = frame.weight.saturating_add(done.weight);
                frame.height = frame.height.max(done.height);
                self.pending.push(done.node);
            }
            None => self.tree.root = done.node,
        }
    }

    fn alias(&mut self, anchor: usize, at: Mark) -> Result<(), Stop> {
        let Some(target) = self.anchors.get(anchor).copied().flatten() else {
            let hint = "an alias repeats a value that is complete";
            return Err(self.stop(at, SYNTAX_ERROR, "an alias stands inside its own value", hint));
        };
        self.check_depth(target.height, at)?;
        self.expansion = self.expansion.saturating_add(target.weight);
        if self.expansion > MAX_EXPANSION {
            let hint = format!("together at most {MAX_EXPANSION} bytes and values");
            return Err(self.stop(at, LIMIT_EXCEEDED, "the aliases of the file stand for too much", &hint));
        }
        self.place(target, 0);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Stop> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        if frame.is_map && self.check_keys(frame.start)? {
            self.tree.merged.push(frame.node);
        }
        let place = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        let start = place(self.tree.children.len());
        self.tree.children.extend(self.pending.drain(frame.start..));
        let end = place(self.tree.children.len());
        let body = if frame.is_map { Body::Map { start, end } } else { Body::List { start, end } };
        self.tree.nodes[frame.node as usize].body = body;
        self.place(Anchor { node: frame.node, weight: frame.weight, height: frame.height + 1 }, frame.anchor);
        Ok(())
    }

    /// Takes keys out that cannot stay: what is no text, what was there before, and merge keys. Returns whether there
    /// was one of these.
    fn check_keys(&mut self, from: usize) -> Result<bool, Stop> {
        let tree = &self.tree;
        let keys = self.pending[from..].chunks_exact(2).map(|pair| tree.nodes[pair[0] as usize]);
        if let Some(key) = keys.clone().find(|key| !matches!(key.body, Body::Scalar { .. })) {
            let line = self.tree.source.lines().nth(key.mark.line as usize - 1).unwrap_or_default();
            let before = (key.mark.column as usize).checked_sub(2).and_then(|at| line.chars().nth(at));
            if before == Some('{') && matches!(key.body, Body::Map { .. }) {
                let hint = "put the whole text in quotes: \"{{ inputs.x }}\"";
                let message = "a text cannot begin with `{{` unless it is in quotes";
                return Err(self.stop(key.mark, SYNTAX_ERROR, message, hint));
            }
            let hint = "put a text that begins with `{` or `[` in quotes";
            return Err(self.stop(key.mark, SYNTAX_ERROR, "a list or a mapping cannot be a key", hint));
        }
        let merges =
            |node: Node| tree.text(node) == "<<" && matches!(node.body, Body::Scalar { plain: true, .. });
        let merge = keys.clone().any(merges);
        let count = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        self.order.clear();
        self.order.extend(0..count);
        let key = |position: u32| tree.nodes[self.pending[from + 2 * position as usize] as usize];
        self.order.sort_unstable_by_key(|position| (tree.text(key(*position)), *position));
        let mut gone = Vec::new();
        let mut first: Option<Node> = None;
        for position in &self.order {
            let node = key(*position);
            match first {
                Some(before) if tree.text(before) == tree.text(node) => {
                    let message = format!("key {} is given twice", quoted(tree.text(node)));
                    let hint = format!("the first is in line {}", before.mark.line);
                    self.report.add(node.mark, DUPLICATE_KEY, message).hint(hint);
                    gone.push(*position);
                }
                _ => first = Some(node),
            }
            if merge && merges(node) {
                let message = "merge keys are not supported by this version";
                self.report
                    .add(node.mark, UNSUPPORTED_FIELD, message)
                    .hint("write the fields out, or alias a whole value");
                gone.push(*position);
            }
        }
        gone.sort_unstable();
        self.leave_out(from, &gone);
        Ok(merge)
    }

    /// Takes entries out of the mapping whose children begin at `from`.
    fn leave_out(&mut self, from: usize, gone: &[u32]) {
        if gone.is_empty() {
            return;
        }
        let mut kept = from;
        for (position, at) in (0..).zip((from..self.pending.len()).step_by(2)) {
            if gone.binary_search(&position).is_err() {
                self.pending.copy_within(at..at + 2, kept);
                kept += 2;
            }
        }
        self.pending.truncate(kept);
    }

    fn scan_error(&mut self, error: &ScanError) -> Stop {
        let at = mark(error.marker().line(), error.marker().col() + 1);
        let (code, hint) = match error.kind() {
            ErrorKind::RecursionLimitExceeded => {
                return self.check_depth(MAX_DEPTH + 1, at).err().unwrap_or(Stop);
            }
            ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabInPlainScalar
            | ErrorKind::TabAtBlockScalarStart => (SYNTAX_ERROR, "indent with spaces"),
            ErrorKind::MappingValueNotAllowed
            | ErrorKind::InvalidSimpleKey
            | ErrorKind::SimpleKeyExpected
            | ErrorKind::ExpectedBlockMappingKey
            | ErrorKind::ExpectedBlockSequenceEntry => {
                (SYNTAX_ERROR, "check the indentation, and put a text with `: ` in it in quotes")
            }
            ErrorKind::UnexpectedEof
            | ErrorKind::UnexpectedEofFlowSequence
            | ErrorKind::UnexpectedEofFlowMapping
            | ErrorKind::UnexpectedEofImplicitFlowMapping
            | ErrorKind::UnclosedFlowCollection { .. }
            | ErrorKind::UnclosedQuotedScalar => (SYNTAX_ERROR, "close it; the file may be cut off"),
            ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
                (SYNTAX_ERROR, "a comma may be missing before it, or the text before it has quotes inside")
            }
            ErrorKind::UnknownAnchor => (SYNTAX_ERROR, "an alias `*name` needs an anchor `&name` before it"),
            _ => (SYNTAX_ERROR, ""),
        };
        let message = format!("not YAML: {}", error.info());
        self.stop(at, code, message, hint)
    }

    fn finish(mut self) -> Result<Tree<'s>, Stop> {
        if self.tree.nodes.is_empty() {
            let hint = "a file begins with `version: 1`";
            return Err(self.stop(Mark::START, SYNTAX_ERROR, "the file is empty", hint));
        }
        self.tree.merged.sort_unstable();
        let (tree, at) = (&self.tree, Mark::START);
        let bytes =
            tree.source.len() + tree.decoded.len() + size_of_val(&tree.nodes[..]) + 8 * tree.children.len();
        if self.report.takes(at, bytes) { Ok(self.tree) } else { Err(Stop) }
    }
}
