//! The ID maps of a rootless container runtime: `cargo run --example rootless_maps`.
//!
//! Needs no privilege. The delegated IDs are those of a sample text; `SubIds::read` reads the real file.

use std::error::Error;

use ns_idmap::{Extent, Owner, Side, SubIds, UidMap, WritePlan, Writer};

fn main() -> Result<(), Box<dyn Error>> {
    let mut writer = Writer::current()?;
    let uid = writer.euid;

    // The delegated IDs of a user, by name or by ID.
    let owner = Owner::named(uid, ["alice"]);
    let ids = SubIds::parse("alice:100000:65536\nalice:300000:1000\nbob:7:9\n", &owner);
    println!("delegated: {:?}", ids.ranges().collect::<Vec<_>>());
    (writer.delegation.has_name, writer.delegation.sub_uids) = (Some(true), Some(ids.clone()));

    // The caller becomes root, and all delegated ranges follow.
    let rootless = UidMap::rootless(uid, &ids)?;
    print!("rootless, {} ids:\n{rootless}", rootless.count());

    // An ID is mapped, and what it is outside.
    println!(
        "inside 1 is {:?} outside, 70000 is {:?}",
        rootless.to_outside(1),
        rootless.to_outside(70_000)
    );

    // As podman --userns=keep-id: user 1000 inside is the caller.
    let others = rootless.without(Side::Outside, uid, 1)?.without(Side::Inside, 1000, 1)?;
    let kept = Extent { inside: 1000, outside: uid, length: 1 };
    print!("keep-id:\n{}", UidMap::new(others.iter().copied().chain([kept]))?);

    match rootless.plan(&writer) {
        WritePlan::Direct => println!("written directly"),
        WritePlan::Helper => println!("written by newuidmap"),
        WritePlan::Impossible(reason) => println!("not written: {reason}"),
    }
    Ok(())
}
