//! Turns a parsed command line into a builder of `ns-process`.

use ns_process::{Builder, Container};
use rustix::fs::Mode;
use rustix::process::umask;

use crate::cli::{Chroot, Execute, Inject, Join, RefusedMaps, Start};
use crate::failure::Failure;

impl Execute {
    pub(crate) fn builder(&self) -> Result<Container, Failure> {
        let mut container = Container::new(self.start.argv.program());
        self.namespaces.apply(&mut container);
        self.maps.apply(&mut container, self.ids)?;
        self.mounts.apply(&mut container)?;
        self.kept.apply(&mut container)?;
        if let Some(root) = &self.rootdir {
            container.rootdir(root);
        }
        finish(&mut container, &self.start)?;
        Ok(container)
    }
}

impl Chroot {
    pub(crate) fn builder(&self) -> Result<ns_process::Chroot, Failure> {
        let mut chroot = ns_process::Chroot::new(&self.root, self.start.argv.program());
        self.namespaces.apply(&mut chroot);
        self.maps.apply(&mut chroot, self.ids)?;
        self.mounts.apply(&mut chroot)?;
        self.kept.apply(&mut chroot)?;
        finish(&mut chroot, &self.start)?;
        Ok(chroot)
    }
}

impl Inject {
    pub(crate) fn builder(&self) -> Result<ns_process::Inject, Failure> {
        check_inject(&self.maps, &self.start)?;
        let mut inject = ns_process::Inject::new(self.target.as_str(), self.start.argv.program());
        self.namespaces.apply(&mut inject);
        self.ids.apply(&mut inject);
        if self.of_process.match_privileges {
            inject.match_privileges();
        }
        if self.of_process.join_cgroup {
            inject.join_cgroup();
        }
        if self.of_process.follow_root {
            inject.follow_root();
        }
        if let Some(root) = &self.rootdir {
            inject.rootdir(root);
        }
        finish(&mut inject, &self.start)?;
        Ok(inject)
    }
}

impl Join {
    pub(crate) fn builder(&self) -> Result<Container, Failure> {
        check_inject(&self.maps, &self.start)?;
        let mut container = Container::new(self.start.argv.program());
        self.namespaces.apply(&mut container);
        self.ids.apply(&mut container);
        if let Some(root) = &self.rootdir {
            container.rootdir(root);
        }
        finish(&mut container, &self.start)?;
        Ok(container)
    }
}

/// Refuses the options of new namespaces.
fn check_inject(maps: &RefusedMaps, start: &Start) -> Result<(), Failure> {
    let (option, reason) = match (maps.given(), start.needs_new()) {
        (Some(option), _) => (
            option,
            "the joined user namespace has its own maps; --uid and --gid set the IDs in it",
        ),
        (None, Some(option)) => (option, "it joins namespaces and creates none; use execute"),
        (None, None) => return Ok(()),
    };
    Err(Failure::Refused(format!("inject does not accept {option}: {reason}")))
}

/// Applies the settings that the three verbs have in common.
fn finish<Kind>(builder: &mut Builder<Kind>, start: &Start) -> Result<(), Failure> {
    let control = &start.control;
    builder.args(start.argv.args());
    start.program.apply(builder);
    start.environment.apply(builder)?;
    start.descriptors.apply(builder)?;
    start.parameters.apply(builder);
    start.limits.apply(builder)?;
    start.scheduling.apply(builder);
    start.privileges.apply(builder)?;
    if control.new_session {
        builder.new_session(true);
    }
    builder.name(control.name.as_deref().unwrap_or("space"));
    if control.daemonize {
        builder.daemonize();
        // The library clears the mask of a daemon.
        if builder.get_umask().is_none() {
            builder.umask(own_umask());
        }
        return Ok(());
    }
    // A shell expects of a job that ignored signals stay ignored, as with nohup(1), and that the job is over when
    // `space` exits.
    builder.inherit_ignored().die_with_parent();
    Ok(())
}

/// Returns the file mode mask of this process, which has one thread.
fn own_umask() -> u32 {
    let mask = umask(Mode::empty());
    umask(mask);
    mask.as_raw_mode()
}
