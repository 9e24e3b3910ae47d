//! The options of a verb, which clap builds only if the verb is typed or a text needs them.

use clap::builder::{Resettable, StyledStr};
use clap::{ArgMatches, Args, Command, Error, FromArgMatches};

/// The options of one verb.
///
/// To build those of all verbs takes longer than the rest of the command.
#[derive(Debug)]
pub(crate) struct Deferred<Options>(pub(crate) Options);

impl<Options: Args> Args for Deferred<Options> {
    fn augment_args(verb: Command) -> Command {
        verb.defer(|verb| {
            // The doc comment of a struct with options would replace the texts of the verb.
            let texts = [verb.get_about(), verb.get_long_about(), verb.get_after_help()];
            let [about, long_about, after_help] = texts.map(own);
            let verb = Options::augment_args(verb);
            verb.about(about).long_about(long_about).after_help(after_help)
        })
    }

    fn augment_args_for_update(verb: Command) -> Command {
        Self::augment_args(verb)
    }
}

/// Returns a text in the form in which it is set.
pub(super) fn own(text: Option<&StyledStr>) -> Resettable<StyledStr> {
    text.cloned().into()
}

impl<Options: FromArgMatches> FromArgMatches for Deferred<Options> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        Options::from_arg_matches(matches).map(Self)
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, Error> {
        Options::from_arg_matches_mut(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }

    fn update_from_arg_matches_mut(&mut self, matches: &mut ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches_mut(matches)
    }
}
