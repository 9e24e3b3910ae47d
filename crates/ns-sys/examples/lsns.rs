//! List the namespaces of all processes that the caller may trace, as lsns(8) does.

use std::collections::BTreeMap;
use std::fs::{self, File};

use ns_sys::{Namespace, NamespaceFd};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut namespaces = BTreeMap::new();
    for process in fs::read_dir("/proc")?.flatten() {
        if process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()).is_none() {
            continue;
        }
        for kind in Namespace::ALL {
            // A process may have exited or belong to another user, and a kernel may lack the kind.
            let Ok(file) = File::open(process.path().join(format!("ns/{kind}"))) else { continue };
            let namespace = NamespaceFd::new(file)?;
            let id = namespace.id()?;
            namespaces.entry((kind.to_string(), id.ino)).or_insert((0, namespace)).0 += 1;
        }
    }
    println!("kind          inode  processes  owner");
    for ((kind, inode), (processes, namespace)) in namespaces {
        // A user namespace has an owner itself, and any other has that of its user namespace.
        let user = if kind == "user" { Ok(namespace) } else { namespace.user_namespace() };
        // The owner is hidden if the user namespace is outside the caller's.
        let owner = user.and_then(|user| user.owner_uid());
        let owner = owner.map_or_else(|_| "?".to_owned(), |uid| uid.to_string());
        println!("{kind:<8}{inode:>11}{processes:>11}{owner:>7}");
    }
    Ok(())
}
