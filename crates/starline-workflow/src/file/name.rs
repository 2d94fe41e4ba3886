//! Names that become variables and file names, and paths that stay below a folder.

/// Longest name, in bytes: with an extension it is still a file name.
const MAX_NAME: usize = 200;
/// What a name is made of.
pub(super) const NAME_RULE: &str = "use letters, digits and `_`, no digit first, at most 200 of them";

/// Whether a text can be a name.
pub(crate) fn is_name(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= MAX_NAME
        && text.bytes().all(inner)
        && text.bytes().next().is_some_and(|b| !b.is_ascii_digit())
}

/// What is wrong with the path of a file below a folder.
pub(crate) fn path_fault(path: &str) -> Option<&'static str> {
    let is_absolute = path.starts_with('/');
    if is_absolute {
        Some("is absolute")
    } else if path.contains('\0') {
        Some("has a NUL byte")
    } else if path.split('/').any(|part| part == "..") {
        Some("leads out of the folder with `..`")
    } else if path.contains("{{") {
        Some("has a template, and none is filled in here")
    } else if path.ends_with('/') || components(path).next().is_none() {
        Some("names no file")
    } else {
        None
    }
}

/// The parts of a path that lead anywhere: two paths with the same ones name the same file.
pub(super) fn components(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_their_folder() {
        for path in ["a", "a/b.csv", "./a", "..a/b..", "a//b", "é", "~/a", "a b"] {
            assert_eq!(path_fault(path), None, "{path}");
        }
        for path in
            ["", ".", "./", "a/", "/a", "//a", "..", "a/../b", "../a", "a/..", "a\0", "{{ inputs.x }}"]
        {
            assert!(path_fault(path).is_some(), "{path:?}");
        }
        assert!(components("./a//b").eq(["a", "b"]));
    }

    #[test]
    fn names_are_plain() {
        assert!(["a", "_", "A_1"].into_iter().all(is_name));
        assert!(!["", "1a", "a-b", "a.b", "é", "a b", "../a"].into_iter().any(is_name));
        assert!(!is_name(&"a".repeat(201)));
    }
}
