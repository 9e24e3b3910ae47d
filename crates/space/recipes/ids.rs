//! Users and groups.

use super::{Job, Section, job};

pub(crate) const SECTION: Section = Section { title: "Users and groups", jobs: &JOBS };

const JOBS: [Job; 4] = [
    job(
        "Be root in a user namespace",
        "space execute --user --id id -u",
        "unshare --user --map-root-user id -u",
        "0",
    ),
    job(
        "Keep the own IDs in a user namespace",
        "space execute --user --map-same id -u",
        "unshare --user --map-current-user id -u",
        "$(id -u)",
    ),
    job(
        "Have other IDs in a user namespace",
        "space execute --user --uid 1000 --gid 1000 sh -c 'id -u; id -g'",
        "bwrap --unshare-user --uid 1000 --gid 1000 --dev-bind / / sh -c 'id -u; id -g'",
        "1000 1000",
    ),
    job(
        "Map the delegated IDs too, as a rootless container does",
        "space execute --user --map-auto awk '{ print $1, $2 }' /proc/self/uid_map",
        "unshare --user --map-root-user --map-auto awk '{ print $1, $2 }' /proc/self/uid_map",
        "0 $(id -u)
         1 100000",
    ),
];
