//! Small definitions of our own, and what they are reduced to.
