//! Roots, mounts and descriptors on the running kernel. A test is named after the hazard it covers.

mod attributes;
mod binds;
mod close_rest;
mod copy_up;
mod disks;
mod entries;
mod escape;
mod explanations;
mod fd_moves;
mod fds;
mod fixture;
mod host_unchanged;
mod mounts;
mod oci_options;
mod overlays;
mod own_namespace;
mod paths;
mod pre_exec;
mod races;
mod root;
mod root_mounts;
mod sources;
mod steps;
mod targets;
mod trees;
mod workdir;
