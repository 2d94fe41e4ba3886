//! Scripts with interpolations in every place.

use super::*;

/// `@` stands for an interpolation.
fn inside(script: &str) -> Option<&'static str> {
    check(&script.replace('@', "\0")).err().map(|fault| fault.inside)
}

#[test]
fn words_may_stand_where_the_shell_reads_words() {
    for script in [
        "echo @",
        "@",
        "grep -cE @ logs/app.log || true",
        "x=@; y=a@b; --flag=@ @@",
        "echo 'it is' \"fine\" @",
        "echo \"$(cat @)\" @",
        "echo \"a $(echo \"b\" @) c\"",
        "(cd @ && ls) | sort",
        "if [ @ = b ]; then echo @; fi # done",
        "echo a#b @; echo \\' @; echo \\\" @",
        "echo $# @; echo $x @; echo ${x} @; echo \"${x:-y}\" @; echo ${#x} @; echo $((1+2)) @",
        "cat <<EOF\nplain ' text\nEOF\necho @",
        "cat <<-'EOF' | grep @\n\tit's\n\tEOF\necho @",
        "cat <<A <<B\n'\nA\n\"\nB\necho @",
        "case @ in a) echo @;; esac",
        "cat <<< @",
        "echo `date` @",
        "f() { echo @; }",
        "echo $'a' @",
        "echo 'unfinished",
        "echo a\\\n#b @; echo $(a)#b @; echo \"x\"#b @",
        "echo @ $($'",
        "cat @ <<",
        "echo $$ @; echo \"$$\" @; echo \"($$)\" @; echo $!@ $?@ \"$#\"@",
        "echo \"$$$(cat @)\" $(( $$ + ($(cat @) % 7) )) @",
        "for ((i = 0; i < 3; i++)); do echo @; done",
        "[ -e @ ] && ls [a-z]@ a[0]@",
        "if [[ -e a ]]; then echo @; fi",
        "diff <(sort @) <(sort @)",
        "echo ${x} ${#x} ${#} ${$} ${!x} ${x%.*} ${x/a/b} ${x:-\"$(cat @)\"} ${a[1]} @",
        "cat <<E\nit's $x ${y} $(date) `id` $$(\nE\necho @",
        "cat <<\\E && \\\n echo @\n$( '\nE\necho @",
    ] {
        assert_eq!(inside(script), None, "{script}");
    }
}

#[test]
fn words_are_refused_where_they_would_not_be_read_as_words() {
    for (script, place) in [
        ("echo '@'", SINGLE),
        ("echo 'a' 'b @ c'", SINGLE),
        ("echo \"@\"", DOUBLE),
        ("echo \"a \\\" @\"", DOUBLE),
        ("echo \"$(date)\" \"@\"", DOUBLE),
        ("echo \"$(echo \"@\")\"", DOUBLE),
        ("echo \"$(echo ')') @\"", DOUBLE),
        ("echo \"${x:-@}\"", "${...}"),
        ("echo ${x:-@}", "${...}"),
        ("echo $((1 + @))", "((...))"),
        ("(( x = @ ))", "((...))"),
        ("echo `echo @`", BACKTICKS),
        ("echo \"`echo @`\"", BACKTICKS),
        ("true # @", "a comment"),
        ("# it's @", "a comment"),
        ("cat <#@", "a comment"),
        ("echo a\\\n#'\n@ '", SINGLE),
        ("echo \\\n#@", "a comment"),
        ("echo $(a)#'\n@ '", SINGLE),
        ("\"$(ca\\\nse x in a) \" ; esac) @\"", "or behind a word in two lines inside $(...)"),
        ("((a) # '\n) ; echo ' ) @ '", SINGLE),
        // What shells read in different ways, or in another way than it looks.
        ("echo \"job $$(@)\"", DOUBLE),
        ("echo \"$a$$(@)\"", DOUBLE),
        ("echo \"$!(@) $?{@} $-`@`\"", DOUBLE),
        ("echo \"$5(@)\"", DOUBLE),
        ("echo \"$$$(echo \"@\")\"", DOUBLE),
        ("echo \"$$(\" ' @ )'", SINGLE),
        ("echo $(( $$( ' ) ) @ ' ))", BEHIND_ARITHMETIC),
        ("echo \"$\\\n(\"@\")\"", BEHIND_JOIN),
        ("cat <\\\n<E\n@\nE", BEHIND_JOIN),
        ("echo $((1) ) @ ))", BEHIND_ARITHMETIC),
        ("echo $((')) @ '))", BEHIND_ARITHMETIC),
        ("echo $((x=\")@((\" ) )", BEHIND_ARITHMETIC),
        ("((:) <<E\n'\nE\n) ; echo ' ) @ '", SINGLE),
        ("((1<<E))\n'\nE\necho ' @ '", BEHIND_ARITHMETIC),
        ("((1))#'\necho ' @ '", SINGLE),
        ("cat <(:)#'\n@ '", BEHIND_COMMENT),
        ("echo $[ @ ]", BEHIND_OLD_ARITHMETIC),
        ("x[@]=1", BRACKETS),
        ("x[1 + @]=1", BEHIND_BRACKET),
        ("a=([@]=x)", BEHIND_ARRAY),
        ("x=(($(echo @) + 1))", BEHIND_ARRAY),
        ("[[ @ -eq 1 ]]", CONDITIONAL),
        ("echo $([[ a =~ a) ]]; echo @)", BEHIND_CONDITIONAL),
        ("alias q=\"echo '\"\nq @ '", BEHIND_ALIAS),
        ("echo +(a|# '\n) @", BEHIND_PATTERN),
        ("echo ${x:-{}} @ }", BEHIND_BRACES),
        ("echo ${ echo '}'; } @", BEHIND_BRACES),
        ("echo \"${x:-\"}\"}@\"", BEHIND_BRACES),
        ("echo ${$(:)} @", BEHIND_BRACES),
        ("echo ${x:-<(:)} @", BEHIND_BRACES),
        ("echo $(: # it's\n) @ '", BEHIND_COMMENT),
        ("cat <<E\nfoo\\\nE\necho @\nE\n", BEHIND_BODY),
        ("cat <<E\n$( '\nE\necho @\n')\nE\n", BEHIND_BODY),
        ("cat <<E\n`\nE\necho @\n`\nE\n", BEHIND_BODY),
        ("cat <<$x\na\n$x\necho @", BEHIND_END),
        ("cat <<\\'\na\necho @", BEHIND_END),
        ("echo $(cat <<E\n'\nE\n) @", BEHIND_NESTED),
        ("cat <<E $(:\n:)\n'\nE\necho @", BEHIND_LINES),
        ("cat <<E 'a\n' @\nE", BEHIND_LINES),
        ("cat <<EOF\n@\nEOF", "a here-document"),
        ("cat <<'EOF'\n@\nEOF", "a here-document"),
        ("cat <<@\nx\n", "a here-document"),
        ("cat <<-\"E F\" \n\t@\n", "a here-document"),
        ("echo \\@", "an escape, behind a backslash"),
        ("echo $@", "an expansion, behind a dollar sign"),
        ("echo $'@'", SINGLE),
        ("echo \"$(case x in a) :;; esac) @\"", "or behind a `case` inside $(...)"),
        ("echo \"${x#'}'} @\"", "or behind a single quote inside \"${...}\""),
        ("echo $'it\\'s' @", SINGLE),
    ] {
        assert_eq!(inside(script), Some(place), "{script}");
    }
    assert_eq!(check("a\nb '\0'"), Err(Misplaced { line: 2, nth: 0, inside: SINGLE }));
    assert_eq!(check("\0 \0\n\"\0"), Err(Misplaced { line: 2, nth: 2, inside: DOUBLE }));
}
