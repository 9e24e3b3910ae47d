//! References that are written by hand, without the crates.

mod commands;
mod descriptors;
mod maps;
mod root;

pub use commands::{fork_and_exec, std_command};
pub use descriptors::bare_dup3;
pub use maps::{
    LARGE_EXTENTS, SMALL_MAP, large_map, parse_into_array, parse_sort_format, small_maps,
};
pub use root::RootDirectories;
