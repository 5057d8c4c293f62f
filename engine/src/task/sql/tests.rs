//! The adapter on temporary databases.
