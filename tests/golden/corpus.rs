//! Other people's messages.
