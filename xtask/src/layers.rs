//! Which crate may know which: the arrows of the workspace against its declared layers.
//!
//! [`faults`] judges a [`Model`] and nothing else.

use std::path::Path;

use crate::metadata::{Depth, Metadata};
use crate::model::{HARNESS, Member, Model, Rules, Sideways};

pub(crate) const HELP: &str = "\
The root manifest declares the layers from bottom to top, the sideways arrows and the families; each
crate declares its layer and, if it has one, its family ([package.metadata.starline]). Then:

  1. A normal or build dependency goes to a lower layer, or sideways if the arrow is listed.
  2. A family replaces rule 1: its members depend on what its list names, and on nothing else of ours.
  3. Crates of the layer `harness` appear as dev-dependencies only, and never use the binary.
  4. Nobody depends on the facade but the binary, `tests` and `benches`.
  5. Every member but `xtask`, `tests` and `benches` has a layer.
  6. tokio is absent from the resolved normal dependencies of every crate below `tokio-from`.

One line for each fault. To allow a new sideways arrow, list it with its reason in the root manifest.";

const FACADE: &str = "facade";
const BINARY: &str = "binary";

/// Faults of the workspace of `manifest`, or of this one.
pub(crate) fn check(manifest: Option<&Path>) -> anyhow::Result<Vec<String>> {
    // Declared arrows are judged even where cargo cannot resolve them: a wrong one may close a cycle.
    let declared = faults(&Model::new(&Metadata::load(manifest, Depth::Declared)?)?);
    match Metadata::load(manifest, Depth::Resolved) {
        Ok(metadata) => Ok(faults(&Model::new(&metadata)?)),
        Err(error) if declared.is_empty() => Err(error),
        Err(_) => Ok(declared),
    }
}

/// One line for each arrow or declaration that breaks a rule.
pub(crate) fn faults(model: &Model) -> Vec<String> {
    let mut faults = rule_faults(model);
    for member in &model.members {
        faults.extend(declaration_faults(model, member));
        for arrow in member.arrows.iter().filter(|arrow| arrow.to != member.name) {
            if let Some(to) = model.member(&arrow.to)
                && let Some(why) = refusal(&model.rules, member, to, arrow.dev)
            {
                faults.push(format!("{} depends on {}: {why}", member.place(), to.place()));
            }
        }
        if let (Some(layer), Some(way)) = (&member.layer, &member.tokio)
            && model.rules.is_pure(layer)
        {
            let (way, from) = (way.join(" -> "), &model.rules.tokio_from);
            faults.push(format!("{} needs tokio, which is refused below {from}: {way}", member.place()));
        }
    }
    faults
}

/// Faults in the rules themselves.
fn rule_faults(model: &Model) -> Vec<String> {
    let rules = &model.rules;
    let mut faults = Vec::new();
    if rules.rank(&rules.tokio_from).is_none() {
        faults.push(format!("`tokio-from` names `{}`, which is none of the layers", rules.tokio_from));
    }
    for Sideways { from, to, why } in &rules.sideways {
        for name in [from, to] {
            if model.member(name).is_none() {
                faults.push(format!("the sideways arrow {from} -> {to} names {name}, which is no member"));
            }
        }
        if why.trim().is_empty() {
            faults.push(format!("the sideways arrow {from} -> {to} gives no reason"));
        }
    }
    for (family, list) in &rules.families {
        for name in list.iter().filter(|name| model.member(name).is_none()) {
            faults.push(format!("the family {family} names {name}, which is no member"));
        }
    }
    faults
}

/// Faults in what a member says of itself.
fn declaration_faults(model: &Model, member: &Member) -> Vec<String> {
    let rules = &model.rules;
    let mut faults = Vec::new();
    match &member.layer {
        None if !member.is_tool() => faults.push(format!(
            "{} has no layer: say `layer = \"…\"` in [package.metadata.starline], one of {} or {HARNESS}",
            member.name,
            rules.layers.join(", "),
        )),
        Some(layer) if rules.rank(layer).is_none() && layer != HARNESS => faults.push(format!(
            "{} names the layer `{layer}`; there are {} and {HARNESS}",
            member.name,
            rules.layers.join(", "),
        )),
        _ => {}
    }
    if let Some(family) = &member.family
        && !rules.families.contains_key(family)
    {
        let known: Vec<_> = rules.families.keys().map(String::as_str).collect();
        faults.push(format!("{} names the family `{family}`; there are {}", member.name, known.join(", ")));
    }
    faults
}

/// Why `from` may not depend on `to`, if it may not.
fn refusal(rules: &Rules, from: &Member, to: &Member, dev: bool) -> Option<String> {
    if to.is(FACADE) {
        let may = from.is(BINARY) || from.folder == "tests" || from.folder == "benches";
        return (!may).then(|| "only the binary, `tests` and `benches` may use the facade".to_owned());
    }
    if from.is_tool() {
        return None;
    }
    if to.is(BINARY) {
        return Some("nobody depends on the binary".to_owned());
    }
    if to.is_tool() {
        return Some("tools of the workspace are no part of the product".to_owned());
    }
    if dev || from.is(HARNESS) {
        return None; // A harness may look at any layer, and tests may as well.
    }
    if to.is(HARNESS) {
        return Some("a harness may be a dev-dependency only".to_owned());
    }
    if let Some(list) = from.family.as_ref().and_then(|family| rules.families.get(family)) {
        let allowed = list.contains(&to.name);
        return (!allowed).then(|| format!("the family allows only {}", list.join(", ")));
    }
    let (own, other) = (rules.rank(from.layer.as_deref()?)?, rules.rank(to.layer.as_deref()?)?);
    let listed = rules.sideways.iter().any(|arrow| arrow.from == from.name && arrow.to == to.name);
    if other > own {
        Some("a higher layer is out of reach".to_owned())
    } else if other == own && !listed {
        Some("it is the same layer, and the root manifest lists no such sideways arrow".to_owned())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::Arrow;

    fn member(name: &str, folder: &str, layer: &str, family: &str, uses: &[&str]) -> Member {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let arrows = uses.iter().map(|to| match to.strip_prefix("dev:") {
            Some(to) => Arrow { to: to.to_owned(), dev: true },
            None => Arrow { to: (*to).to_owned(), dev: false },
        });
        Member {
            name: name.to_owned(),
            folder: folder.to_owned(),
            layer: some(layer),
            family: some(family),
            arrows: arrows.collect(),
            tokio: None,
        }
    }

    /// A small workspace without a fault.
    fn model() -> Model {
        let arrow = Sideways {
            from: "edit".into(),
            to: "graph".into(),
            why: "edits are defined over the graph".into(),
        };
        let layers = ["vocabulary", "contract", "model", "logic", "shell", FACADE, BINARY];
        Model {
            rules: Rules {
                layers: layers.map(str::to_owned).to_vec(),
                tokio_from: "shell".into(),
                sideways: vec![arrow],
                families: BTreeMap::from([("strategy".to_owned(), vec!["assign".to_owned()])]),
            },
            members: vec![
                member("types", "crates/types", "vocabulary", "", &[]),
                member("assign", "crates/assign", "contract", "", &["types", "dev:assign"]),
                member("graph", "crates/graph", "model", "", &["types"]),
                member("edit", "crates/edit", "model", "", &["types", "graph"]),
                member(
                    "scheduler",
                    "crates/scheduler",
                    "logic",
                    "",
                    &["edit", "graph", "dev:laws", "dev:sim"],
                ),
                member("sticky", "crates/sticky", "logic", "strategy", &["assign", "dev:laws"]),
                member("sim", "crates/sim", "shell", "", &["scheduler", "types"]),
                member("laws", "crates/laws", HARNESS, "", &["sim", "sticky"]),
                member("facade", "crates/facade", FACADE, "", &["sim", "sticky"]),
                member("cli", "crates/cli", BINARY, "", &["facade"]),
                member("xtask", "xtask", "", "", &[]),
                member("starline-tests", "tests", "", "", &["facade", "cli", "laws"]),
            ],
        }
    }

    /// The only fault after `change`.
    fn fault(change: impl FnOnce(&mut Model)) -> String {
        let mut model = model();
        change(&mut model);
        let faults = faults(&model);
        assert_eq!(faults.len(), 1, "{faults:#?}");
        faults.into_iter().next().unwrap_or_default()
    }

    /// The only fault after one more arrow.
    fn fault_of(from: &str, to: &str, dev: bool) -> String {
        fault(|model| {
            let member = model.members.iter_mut().find(|member| member.name == from).expect("a member");
            member.arrows.push(Arrow { to: to.to_owned(), dev });
        })
    }

    #[test]
    fn allowed_arrows_pass() {
        assert_eq!(faults(&model()), [""; 0]);
    }

    #[test]
    fn a_higher_layer_is_refused() {
        let fault = fault_of("graph", "scheduler", false);
        assert!(fault.starts_with("graph (model) depends on scheduler (logic): a higher layer"), "{fault}");
    }

    #[test]
    fn the_same_layer_needs_a_listed_arrow_in_this_direction() {
        let fault = fault_of("graph", "edit", false);
        assert!(fault.contains("graph (model) depends on edit (model): it is the same layer"), "{fault}");
    }

    #[test]
    fn a_family_is_stricter_than_its_layer() {
        let fault = fault_of("sticky", "types", false);
        assert!(fault.contains("sticky (logic, family strategy) depends on types"), "{fault}");
        assert!(fault.contains("the family allows only assign"), "{fault}");
    }

    #[test]
    fn a_harness_is_for_tests_and_never_uses_the_binary() {
        assert!(fault_of("sim", "laws", false).contains("dev-dependency only"));
        assert!(fault_of("laws", "cli", false).contains("nobody depends on the binary"));
        assert!(fault_of("graph", "cli", true).contains("nobody depends on the binary"));
    }

    #[test]
    fn the_facade_is_for_the_binary_and_the_tests() {
        for (from, dev) in [("sim", true), ("laws", false), ("xtask", false)] {
            let fault = fault_of(from, "facade", dev);
            assert!(fault.contains("only the binary, `tests` and `benches`"), "{fault}");
        }
    }

    #[test]
    fn a_crate_needs_a_known_layer_and_family() {
        let fault_with = |layer: Option<&str>, family: Option<&str>| {
            fault(|model| {
                model.members[2].layer = layer.map(str::to_owned);
                model.members[2].family = family.map(str::to_owned);
            })
        };
        assert!(fault_with(None, None).starts_with("graph has no layer"));
        assert!(fault_with(Some("attic"), None).contains("names the layer `attic`; there are vocabulary"));
        assert!(
            fault_with(Some("model"), Some("clan")).contains("names the family `clan`; there are strategy")
        );
    }

    #[test]
    fn tokio_is_refused_below_the_shell_with_the_way_to_it() {
        let way = |model: &mut Model, ix: usize| {
            model.members[ix].tokio = Some(["x", "futures", "tokio"].map(str::to_owned).to_vec());
        };
        let fault = fault(|model| way(model, 4));
        assert!(
            fault.contains("scheduler (logic) needs tokio") && fault.contains("futures -> tokio"),
            "{fault}"
        );
        let mut allowed = model();
        way(&mut allowed, 6);
        assert_eq!(faults(&allowed), [""; 0]);
    }

    #[test]
    fn rules_name_what_exists() {
        let stale = fault(|model| model.rules.sideways[0].why.clear());
        assert!(stale.contains("gives no reason"), "{stale}");
        let stale = fault(|model| model.rules.tokio_from = "roof".into());
        assert!(stale.contains("`roof`"), "{stale}");
        let stale = fault(|model| {
            model.rules.families.insert("bus".into(), vec!["event".into()]);
        });
        assert!(stale.contains("the family bus names event"), "{stale}");
    }

    #[test]
    fn the_workspace_itself_has_no_fault() {
        assert_eq!(check(None).expect("cargo answers"), [""; 0]);
    }
}
