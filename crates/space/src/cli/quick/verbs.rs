//! The options of each verb as the quick parser reads them.

use std::ffi::{OsStr, OsString};

use super::{Quick, QuickVerb, Words, flag, once};
use crate::cli::{Chroot, Execute, Inject, Start};

impl Quick for Start {
    fn option(&mut self, name: &str, words: &mut Words<'_>) -> Option<()> {
        // A group that does not know the option leaves the words as they are.
        None.or_else(|| self.program.option(name, words))
            .or_else(|| self.environment.option(name, words))
            .or_else(|| self.descriptors.option(name, words))
            .or_else(|| self.parameters.option(name, words))
            .or_else(|| self.limits.option(name, words))
            .or_else(|| self.scheduling.option(name, words))
            .or_else(|| self.privileges.option(name, words))
            .or_else(|| self.control.option(name, words))
    }
}

impl Start {
    fn has_conflict(&self) -> bool {
        self.program.has_conflict()
            || self.control.has_conflict()
            || self.privileges.has_conflict()
            || self.scheduling.has_conflict()
    }
}

impl Quick for Execute {
    fn option(&mut self, name: &str, words: &mut Words<'_>) -> Option<()> {
        if name == "rootdir" {
            return once(&mut self.rootdir, words.path());
        }
        None.or_else(|| self.namespaces.option(name, words))
            .or_else(|| self.kept.option(name, words))
            .or_else(|| self.maps.option(name, words))
            .or_else(|| self.ids.option(name, words))
            .or_else(|| self.mounts.option(name, words))
            .or_else(|| self.start.option(name, words))
    }
}

impl QuickVerb for Execute {
    fn operand(&mut self, _: &OsStr) -> bool {
        false
    }

    fn program(&mut self, words: &[OsString]) {
        self.start.argv.set(words);
    }

    fn has_conflict(&self) -> bool {
        self.maps.has_conflict() || self.start.has_conflict()
    }
}

impl Quick for Chroot {
    fn option(&mut self, name: &str, words: &mut Words<'_>) -> Option<()> {
        None.or_else(|| self.namespaces.option(name, words))
            .or_else(|| self.kept.option(name, words))
            .or_else(|| self.maps.option(name, words))
            .or_else(|| self.ids.option(name, words))
            .or_else(|| self.mounts.option(name, words))
            .or_else(|| self.start.option(name, words))
    }
}

impl QuickVerb for Chroot {
    fn operand(&mut self, word: &OsStr) -> bool {
        let is_root = self.root.as_os_str().is_empty();
        if is_root {
            self.root = word.into();
        }
        is_root
    }

    fn program(&mut self, words: &[OsString]) {
        self.start.argv.set(words);
    }

    fn has_conflict(&self) -> bool {
        let no_root = self.root.as_os_str().is_empty();
        no_root || self.maps.has_conflict() || self.start.has_conflict()
    }
}

impl Quick for Inject {
    fn option(&mut self, name: &str, words: &mut Words<'_>) -> Option<()> {
        match name {
            "match-privileges" => flag(&mut self.of_process.match_privileges),
            "join-cgroup" => flag(&mut self.of_process.join_cgroup),
            "follow-root" => flag(&mut self.of_process.follow_root),
            "rootdir" => once(&mut self.rootdir, words.path()),
            _ => None
                .or_else(|| self.namespaces.option(name, words))
                .or_else(|| self.ids.option(name, words))
                .or_else(|| self.start.option(name, words)),
        }
    }
}

impl QuickVerb for Inject {
    fn operand(&mut self, word: &OsStr) -> bool {
        let is_target = self.target.is_empty();
        if is_target {
            self.target.push_str(word.to_str().unwrap_or_default());
        }
        is_target
    }

    fn program(&mut self, words: &[OsString]) {
        self.start.argv.set(words);
    }

    /// Also whether there is no process ID, so that the word may be the program.
    fn has_conflict(&self) -> bool {
        let is_pid = !self.target.is_empty() && self.target.bytes().all(|it| it.is_ascii_digit());
        let roots = self.of_process.follow_root && self.rootdir.is_some();
        !is_pid || roots || self.start.has_conflict()
    }
}
