//! The converter against a registry that remembers what it was given.
