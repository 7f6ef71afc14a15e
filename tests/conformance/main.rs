//! Handover against suites that others made. Each runs where its files are, and says so where it does not.

mod fhirpath;
mod validator;
