//! Hostile images, containers and users.

mod links;
mod masks;
mod states;
mod view;
