//! Every target on random input, without a fuzzer: a few hundred cases each, and many more where
//! proofs are asked for.

use fuzz::{TARGETS, named};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::test_runner::{Config, TestRunner};

/// Runs a target on bytes; a failing case is shrunk.
fn run(name: &str, cases: u32, input: &impl Strategy<Value = Vec<u8>>) {
    let cases = if std::env::var_os("NS_PROVE").is_some() { 50 * cases } else { cases };
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let target = named(name).expect("a target");
    let outcome = TestRunner::new(config).run(input, |bytes| {
        (target.run)(&bytes);
        Ok(())
    });
    outcome.expect("every case");
    println!("shown: {name}: {cases} random inputs");
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..400)
}

fn text(pattern: &'static str) -> impl Strategy<Value = Vec<u8>> {
    pattern.prop_map(String::into_bytes)
}

/// Names and what looks like them.
const NAMES: &str = "((CLONE_)?(NEW)?[a-z]{2,6}|0x[0-9a-f]{1,9}|mnt|NET|newuts|fs|settid|0x80)\
                     ([|, ]{1,2}([a-z_]{2,8}|mnt|NET|CLONE_NEWPID|settid)){0,4}";

/// Lines of maps and what looks like them.
const LINES: &str = "[ \t\x0b\x0c]?([0-9]{1,11}[ :\t]{1,2}){0,3}[0-9]{1,4}\
                     ([,\n][ \t]?([0-9]{1,11}[ :\t]{1,2}){0,3}[0-9]{1,4}){0,4}[\n,x\u{e4}-]?";

#[test]
fn sys_namespace_text() {
    run("sys_namespace_text", 1000, &text(NAMES));
    run("sys_namespace_text", 200, &bytes());
}

#[test]
fn sys_clone_args() {
    ns_testbed::run_as!([Root, Nested], { run("sys_clone_args", 300, &bytes()) });
}

#[test]
fn idmap_parse() {
    run("idmap_parse", 1000, &text(LINES));
    run("idmap_parse", 200, &bytes());
}

#[test]
fn idmap_validate() {
    run("idmap_validate", 500, &bytes());
}

#[test]
fn idmap_kernel() {
    ns_testbed::run_as!([Root, Nested], { run("idmap_kernel", 300, &bytes()) });
}

#[test]
fn idmap_subid() {
    run("idmap_subid", 500, &bytes());
}

#[test]
fn idmap_compose() {
    run("idmap_compose", 500, &bytes());
}

#[test]
fn fs_fd_plan() {
    run("fs_fd_plan", 500, &bytes());
}

#[test]
fn fs_fd_real() {
    ns_testbed::run_as!([Root, User], { run("fs_fd_real", 100, &bytes()) });
}

#[test]
fn fs_root_path() {
    ns_testbed::run_as!([Root, Nested], { run("fs_root_path", 100, &bytes()) });
}

#[test]
fn process_builder() {
    run("process_builder", 300, &bytes());
}

#[test]
fn process_start() {
    ns_testbed::run_as!([Root, Nested], { run("process_start", 60, &bytes()) });
}

#[test]
fn process_report() {
    ns_testbed::run_as!([Root, Nested], { run("process_report", 60, &bytes()) });
}

#[test]
fn space_cli() {
    run("space_cli", 500, &bytes());
}

/// A target that is added later has its test here.
#[test]
fn none_is_forgotten() {
    let source = include_str!("bodies.rs");
    for target in TARGETS {
        assert!(source.contains(&format!("fn {}()", target.name)), "{} has no test", target.name);
    }
}
