//! The table of external crates in the decisions against the dependencies there are.

use std::collections::{BTreeMap, BTreeSet};

use crate::metadata::Metadata;

/// A crate of somebody else that a member names in its manifest.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct External {
    pub(crate) licence: String,
    pub(crate) used_by: BTreeSet<String>,
}

/// Direct dependencies of all members that are no members themselves, by name.
pub(crate) fn externals(metadata: &Metadata) -> BTreeMap<String, External> {
    let members = metadata.members();
    let mut externals = BTreeMap::new();
    for member in &members {
        for dependency in &member.dependencies {
            let Some(package) = metadata.packages.iter().find(|package| package.name == dependency.name)
            else {
                continue; // Needed on another platform only.
            };
            if members.iter().any(|member| member.name == package.name) {
                continue;
            }
            let external = externals.entry(package.name.clone()).or_insert_with(|| External {
                licence: package.license.clone().unwrap_or_default(),
                used_by: BTreeSet::new(),
            });
            external.used_by.insert(member.name.clone());
        }
    }
    externals
}

/// One line for each difference between the table in `page` and what is there.
pub(crate) fn faults(page: &str, text: &str, externals: &BTreeMap<String, External>) -> Vec<String> {
    let rows = rows(text);
    let mut faults = Vec::new();
    for (name, External { licence, used_by }) in externals {
        let users: Vec<_> = used_by.iter().map(String::as_str).collect();
        match rows.get(name.as_str()) {
            None => faults.push(format!(
                "{page}: no row for `{name}`, used by {}: add `| {name} | {licence} | why |`",
                users.join(", ")
            )),
            Some(row) if row.licence != licence => faults.push(format!(
                "{page}:{}: the licence of `{name}` is {licence}, the table says {}",
                row.line, row.licence
            )),
            Some(row) if row.reason.is_empty() => {
                faults.push(format!("{page}:{}: no reason for `{name}`", row.line));
            }
            Some(_) => {}
        }
    }
    for (name, row) in rows {
        if !externals.contains_key(name) {
            faults.push(format!("{page}:{}: `{name}` is no direct dependency of any member", row.line));
        }
    }
    faults
}

struct Row<'a> {
    line: usize,
    licence: &'a str,
    reason: &'a str,
}

/// Rows `| name | licence | reason |`; names may be set as code.
fn rows(text: &str) -> BTreeMap<&str, Row<'_>> {
    let mut rows = BTreeMap::new();
    for (ix, line) in text.lines().enumerate() {
        let cells: Vec<_> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
        if let [name, licence, reason] = cells[..]
            && line.starts_with('|')
            && !name.starts_with("--")
            && name != "Crate"
        {
            rows.insert(name.trim_matches('`'), Row { line: ix + 1, licence, reason });
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let external =
            External { licence: "MIT".to_owned(), used_by: BTreeSet::from(["starline-x".to_owned()]) };
        faults("page.md", text, &BTreeMap::from([("serde".to_owned(), external)]))
    }

    const HEAD: &str = "| Crate | Licence | Why |\n|---|---|---|\n";

    #[test]
    fn a_true_table_passes() {
        assert_eq!(found(&format!("{HEAD}| `serde` | MIT | reads and writes |\n")), [""; 0]);
    }

    #[test]
    fn missing_wrong_and_stale_rows_are_faults() {
        assert_eq!(
            found(HEAD),
            ["page.md: no row for `serde`, used by starline-x: add `| serde | MIT | why |`"]
        );
        assert!(found(&format!("{HEAD}| serde | BSD | why |\n"))[0].contains("the table says BSD"));
        assert!(found(&format!("{HEAD}| serde | MIT | |\n"))[0].contains("no reason"));
        let stale = found(&format!("{HEAD}| serde | MIT | why |\n| gone | MIT | why |\n"));
        assert_eq!(stale, ["page.md:4: `gone` is no direct dependency of any member"]);
    }
}
