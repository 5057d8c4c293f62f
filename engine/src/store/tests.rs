//! The store as its users see it, on temporary files.
