//! Holds nothing: the package is its bench, benches/engines.rs.
