//! Writes the manual pages and the shell completions of `space` into a directory.

use std::fs;
use std::io;
use std::path::Path;

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

#[path = "../recipes/mod.rs"]
mod recipes;

const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Fish, Shell::Zsh];

fn main() -> io::Result<()> {
    let directory = std::env::args_os().nth(1).ok_or(io::ErrorKind::InvalidInput)?;
    write(Path::new(&directory))
}

fn write(directory: &Path) -> io::Result<()> {
    let (manual, completions) = (directory.join("man"), directory.join("completions"));
    fs::create_dir_all(&manual)?;
    fs::create_dir_all(&completions)?;
    for page in pages() {
        Man::new(page).generate_to(&manual)?;
    }
    fs::write(manual.join("space-recipes.7"), recipes::page())?;
    for shell in SHELLS {
        clap_complete::generate_to(shell, &mut space::command(), "space", &completions)?;
    }
    Ok(())
}

/// Returns the command and its verbs, `help` included, each for a page of its own.
fn pages() -> Vec<Command> {
    let mut command = space::command();
    command.build();
    let verbs = command.get_subcommands().cloned();
    // The built `help` has a verb for each verb, which would need a page as well.
    let verbs = verbs.map(|verb| if verb.get_name() == "help" { help() } else { verb });
    let verbs: Vec<_> = verbs.collect();
    [vec![command], verbs].concat()
}

/// Returns the verb `help` as its own help shows it.
fn help() -> Command {
    let mut command = space::command();
    // Builds the verb without its verbs.
    let _ = command.render_help();
    let help = command.find_subcommand("help").cloned().unwrap_or_default();
    help.display_name("space-help").bin_name("space help")
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    use super::*;

    /// Returns the options that the help of a verb shows.
    fn names(verb: &Command) -> Vec<String> {
        let options = verb.get_arguments().filter(|arg| !arg.is_hide_set());
        let names = options.flat_map(|arg: &Arg| {
            let long = arg.get_long().map(|name| format!("--{name}"));
            long.into_iter().chain(arg.get_short().map(|letter| format!("-{letter}")))
        });
        names.collect()
    }

    fn written() -> std::path::PathBuf {
        let name = format!("space-pages-{}-{:?}", std::process::id(), std::thread::current().id());
        let directory = std::env::temp_dir().join(name);
        write(&directory).expect("write");
        directory
    }

    #[test]
    fn every_verb_has_a_page_with_its_options() {
        let directory = written();
        let read = |file: String| fs::read_to_string(directory.join("man").join(file)).expect(".1");
        let own = read("space.1".to_owned());
        for page in &pages()[1..] {
            let verb = page.get_name();
            let text = read(format!("space-{verb}.1")).replace("\\-", "-");
            for option in names(page) {
                assert!(text.contains(&option), "{option} of {verb}");
            }
            assert!(text.contains(&format!("space {verb}")), "{text}");
            assert!(own.replace("\\-", "-").contains(&format!("space-{verb}(1)")), "{verb}");
            assert_eq!(text.contains(r"[\fICOMMAND\fR]"), verb == "help", "{text}");
        }
        let mut files = fs::read_dir(directory.join("man")).expect("list");
        let is_known = |name: &str| {
            name == "space-recipes.7"
                || name == "space.1"
                || pages()[1..].iter().any(|page| name == format!("space-{}.1", page.get_name()))
        };
        assert!(files.all(|file| is_known(&file.expect("an entry").file_name().to_string_lossy())));
        fs::remove_dir_all(directory).expect("remove");
    }

    #[test]
    fn every_option_is_completed_by_each_shell() {
        let directory = written();
        for shell in SHELLS {
            let file = clap_complete::Generator::file_name(&shell, "space");
            let text = fs::read_to_string(directory.join("completions").join(file)).expect("read");
            for page in &pages()[1..] {
                let verb = page.get_name();
                assert!(text.contains(verb), "{verb} in {shell}");
                for option in names(page) {
                    // fish has the names without dashes.
                    let form = match (shell, option.strip_prefix("--"), option.strip_prefix('-')) {
                        (Shell::Fish, Some(name), _) => format!("-l {name}"),
                        (Shell::Fish, None, Some(letter)) => format!("-s {letter}"),
                        _ => option.clone(),
                    };
                    assert!(text.contains(&form), "{form} of {verb} in {shell}");
                }
            }
        }
        fs::remove_dir_all(directory).expect("remove");
    }
}
