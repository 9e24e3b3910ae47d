//! The bodies of the fuzz targets, one module a layer; each names its oracle.
//!
//! The same bodies run as ordinary tests on stable.

pub mod sys;
