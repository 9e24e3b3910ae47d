//! What filters can do, for `features`.

use oci_spec::runtime::{Arch, LinuxSeccompAction as Action, Seccomp};

use super::processor::Processor;

/// The actions, operators, processors and flags that a configuration can name.
pub(crate) fn features() -> Seccomp {
    let mut features = Seccomp::default();
    features
        .set_enabled(Some(true))
        .set_actions(Some(actions()))
        .set_operators(Some(names("SCMP_CMP_", &["EQ", "GE", "GT", "LE", "LT", "MASKED_EQ", "NE"])))
        .set_archs(Some(processors()))
        .set_known_flags(Some(names(FLAG, FLAGS)))
        .set_supported_flags(Some(names(FLAG, FLAGS)));
    features
}

const FLAG: &str = "SECCOMP_FILTER_FLAG_";
const FLAGS: &[&str] = &["LOG", "SPEC_ALLOW", "TSYNC", "WAIT_KILLABLE_RECV"];

fn actions() -> Vec<Action> {
    vec![
        Action::ScmpActAllow,
        Action::ScmpActErrno,
        Action::ScmpActKill,
        Action::ScmpActKillProcess,
        Action::ScmpActKillThread,
        Action::ScmpActLog,
        Action::ScmpActNotify,
        Action::ScmpActTrace,
        Action::ScmpActTrap,
    ]
}

fn processors() -> Vec<Arch> {
    Processor::ALL.map(Processor::name).into()
}

fn names(prefix: &str, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("{prefix}{name}")).collect()
}
