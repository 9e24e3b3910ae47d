//! Plans and writes a map in one call.

use std::os::fd::AsFd;

use crate::{Gid, Helper, IdMap, InstallError, Setgroups, Uid, WritePlan, Writer};

impl IdMap<Uid> {
    /// Writes the map as [planned](crate::UidMap::plan) for `writer`. Returns the plan.
    ///
    /// `proc_dir` is the open `/proc/PID` of the process. Blocks until the helper terminates, if the plan
    /// is [`WritePlan::Helper`].
    ///
    /// # Errors
    /// The reason why `writer` cannot write the map, or the error of the one write.
    ///
    /// # Examples
    /// ```no_run
    /// use ns_idmap::{Helper, UidMap, WritePlan, Writer};
    ///
    /// let proc_dir = std::fs::File::open("/proc/4242")?;
    /// let map: UidMap = "0 1000 1,1 100000 65536".parse()?;
    /// match map.install(&proc_dir, &Writer::current()?, &Helper::default())? {
    ///     WritePlan::Helper => println!("written by newuidmap"),
    ///     _ => println!("written directly"),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn install(
        &self,
        proc_dir: impl AsFd,
        writer: &Writer,
        helper: &Helper<Uid>,
    ) -> Result<WritePlan, InstallError> {
        let plan = self.plan(writer);
        match &plan {
            WritePlan::Direct => self.write(proc_dir)?,
            WritePlan::Helper => self.write_by(proc_dir, helper)?,
            WritePlan::Impossible(reason) => return Err(reason.clone().into()),
        }
        Ok(plan)
    }
}

impl IdMap<Gid> {
    /// As [`UidMap::install`](crate::UidMap::install), and writes `deny` to `setgroups` before the map
    /// if `setgroups` requires it.
    ///
    /// # Errors
    /// The reason why `writer` cannot write the map, or the error of the one write.
    pub fn install(
        &self,
        proc_dir: impl AsFd,
        writer: &Writer,
        helper: &Helper<Gid>,
        setgroups: Setgroups,
    ) -> Result<WritePlan, InstallError> {
        let plan = self.plan(writer, setgroups);
        match &plan {
            WritePlan::Direct => self.write(proc_dir, setgroups)?,
            WritePlan::Helper => {
                if setgroups == Setgroups::Deny {
                    Setgroups::deny(&proc_dir)?;
                }
                self.write_by(&proc_dir, helper)?;
            }
            WritePlan::Impossible(reason) => return Err(reason.clone().into()),
        }
        Ok(plan)
    }
}
