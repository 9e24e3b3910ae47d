//! The rules as version 1 knows them: a default, and a set of exceptions without order.

use anyhow::{Result, bail};

use super::rules::{Access, Pattern, Rule, Rules};

/// A default for all devices, and the exceptions from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exceptions {
    pub(crate) allow: bool,
    /// Sorted, each pattern once.
    pub(crate) list: Vec<(Pattern, Access)>,
}

impl Rules {
    /// The exceptions with the same meaning.
    ///
    /// Fails if a rule takes devices out of an exception for more devices: version 1 cannot express it, and would
    /// ignore the rule.
    pub(crate) fn exceptions(&self) -> Result<Exceptions> {
        let mut exceptions = Exceptions { allow: self.allow, list: Vec::new() };
        for rule in &self.rules {
            if rule.allow == self.allow {
                exceptions.take_out(rule)?;
            } else {
                exceptions.add(rule.pattern, rule.access);
            }
        }
        if !self.allow {
            exceptions.join();
        }
        exceptions.list.sort_unstable();
        Ok(exceptions)
    }
}

impl Exceptions {
    pub(crate) fn add(&mut self, pattern: Pattern, access: Access) {
        match self.list.iter_mut().find(|(other, _)| *other == pattern) {
            Some((_, present)) => *present = *present | access,
            None => self.list.push((pattern, access)),
        }
    }

    fn take_out(&mut self, rule: &Rule) -> Result<()> {
        for (pattern, access) in &mut self.list {
            let is_common = pattern.overlap(&rule.pattern).is_some();
            if !is_common || access.and(rule.access).is_empty() {
                continue;
            }
            if !rule.pattern.contains(pattern) {
                let (verb, other) =
                    if rule.allow { ("allow", "refuses") } else { ("refuse", "allows") };
                bail!(
                    "cgroups of version 1 cannot {verb} {} {} while an earlier rule {other} {pattern}; list the \
                     devices one by one",
                    rule.pattern,
                    rule.access
                );
            }
            *access = access.without(rule.access);
        }
        self.list.retain(|(_, access)| !access.is_empty());
        Ok(())
    }

    /// Adds an exception where one allows to read and another one to write: the kernel looks for one that allows both.
    fn join(&mut self) {
        while let Some(pattern) = self.split_pattern() {
            self.add(pattern, Access::OPEN);
        }
    }

    fn split_pattern(&self) -> Option<Pattern> {
        let splits = |(a, b): (&(Pattern, Access), &(Pattern, Access))| {
            let pattern = a.0.overlap(&b.0).filter(|_| (a.1 | b.1).has(Access::OPEN))?;
            let is_whole = |(other, access): &(Pattern, Access)| {
                other.contains(&pattern) && access.has(Access::OPEN)
            };
            (!self.list.iter().any(is_whole)).then_some(pattern)
        };
        let mut pairs = self.list.iter().flat_map(|a| self.list.iter().map(move |b| (a, b)));
        pairs.find_map(splits)
    }
}
