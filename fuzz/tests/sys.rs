//! The bodies of `ns-sys`'s targets on random input, without a fuzzer.

use proptest::prelude::*;

proptest! {
    #[test]
    fn namespace_text(text in "((CLONE_)?(NEW)?[a-z]{2,6}|0x[0-9a-f]{1,9})([|, ]{1,2}[a-z_]{2,8}){0,3}") {
        fuzz::sys::namespace_text(&text);
    }

    #[test]
    fn namespace_text_of_names(
        names in prop::collection::vec("(mnt|NET|newuts|CLONE_NEWPID|fs|settid|0x80)", 1..5)
    ) {
        fuzz::sys::namespace_text(&names.join(","));
    }
}
