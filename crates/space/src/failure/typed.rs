//! The options of a command line as they were typed.

use std::ffi::OsString;

use crate::print::one_line;

/// Options with one value, each with its other names.
pub(super) const VALUED: [&[&str]; 30] = [
    &["cgroup-dir"],
    &["cpu-list", "affinity"],
    &["domainname"],
    &["drop-cap", "cap-drop"],
    &["exec-label"],
    &["gid"],
    &["gid-map", "G"],
    &["groups"],
    &["host-proc"],
    &["hostname"],
    &["ionice"],
    &["keep-cap", "cap-add"],
    &["nice"],
    &["oom-score-adj"],
    &["personality"],
    &["propagation"],
    &["rlimit"],
    &["scheduler"],
    &["setenv"],
    &["setgroups"],
    &["stderr"],
    &["stdin"],
    &["stdout"],
    &["sysctl"],
    &["time-offset"],
    &["timeout"],
    &["uid"],
    &["uid-map", "M"],
    &["unset-env", "unsetenv"],
    &["workdir"],
];

/// The words of a command line before the program.
#[derive(Clone, Debug, Default)]
pub(super) struct Typed(Vec<String>);

impl Typed {
    pub(super) fn new(words: &[OsString]) -> Self {
        Self(words.iter().map(|word| word.to_string_lossy().into_owned()).collect())
    }

    /// Returns the first of these options that was typed, with its value. If a typed value begins like `object`, it is
    /// preferred to the last one.
    pub(super) fn first(&self, names: &[&str], object: Option<&str>) -> Option<String> {
        names.iter().find_map(|name| {
            let Some(value) = self.value(name, object) else {
                return (!takes_value(name) && self.has(name)).then(|| format!("--{name}"));
            };
            Some(format!("--{name} {}", word(value)))
        })
    }

    /// Whether the option was typed by its long name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|word| word.strip_prefix("--") == Some(name))
    }

    /// Returns the value of an option.
    pub(super) fn value(&self, name: &str, object: Option<&str>) -> Option<&str> {
        let names = VALUED.into_iter().find(|names| names[0] == name)?;
        let next = self.0.iter().skip(1).map(Some).chain([None]);
        let values: Vec<_> = self
            .0
            .iter()
            .zip(next)
            .filter_map(|(word, next)| names.iter().find_map(|name| value_of(name, word, next)))
            .collect();
        let named = object.and_then(|object| values.iter().rfind(|value| is_about(value, object)));
        named.or(values.last()).copied()
    }
}

pub(super) fn takes_value(name: &str) -> bool {
    VALUED.iter().any(|names| names[0] == name)
}

/// Returns the value if `word` is the option with this name.
fn value_of<'a>(name: &str, word: &'a str, next: Option<&'a String>) -> Option<&'a str> {
    if name.len() == 1 {
        let is_short = word.starts_with('-') && !word.starts_with("--") && word.ends_with(name);
        return next.filter(|_| is_short).map(String::as_str);
    }
    match word.strip_prefix("--")?.strip_prefix(name)? {
        "" => next.map(String::as_str),
        rest => rest.strip_prefix('='),
    }
}

/// Whether the object of an error is what a value `NAME=…` sets.
fn is_about(value: &str, object: &str) -> bool {
    // A sysctl has the name of its file in proc.
    let same_case = |text: &str| text.replace('.', "/").to_lowercase();
    let name = same_case(value.split('=').next().unwrap_or_default());
    let object = same_case(object);
    object.strip_prefix(&name).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// Returns a value as one word of a message.
fn word(value: &str) -> String {
    let value = one_line(value);
    if value.is_empty() || value.contains(' ') { format!("'{value}'") } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(words: &[&str]) -> Typed {
        Typed::new(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn an_option_is_found_with_its_value() {
        let words = ["space", "run", "--nice=5", "--affinity", "0,2", "-UM", "0 5 1", "--init"];
        let typed = typed(&words);
        let first = |names: &[&str]| typed.first(names, None);
        assert_eq!(first(&["nice"]).as_deref(), Some("--nice 5"));
        assert_eq!(first(&["cpu-list"]).as_deref(), Some("--cpu-list 0,2"));
        assert_eq!(first(&["uid-map"]).as_deref(), Some("--uid-map '0 5 1'"));
        assert_eq!(first(&["gid", "init"]).as_deref(), Some("--init"));
        assert_eq!(first(&["uid"]), None);
    }

    #[test]
    fn the_value_that_an_error_is_about_is_found() {
        let words = ["--rlimit", "nproc=3", "--rlimit", "core=0", "--sysctl", "net.a.b=1"];
        let typed = typed(&words);
        let value = |name, object| typed.value(name, Some(object));
        assert_eq!(value("rlimit", "NPROC"), Some("nproc=3"));
        assert_eq!(value("rlimit", "NP"), Some("core=0"));
        assert_eq!(value("sysctl", "net/a/b"), Some("net.a.b=1"));
    }
}
