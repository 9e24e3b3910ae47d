//! Plans without system calls: errors and descriptions.

mod descriptors;
mod root;
