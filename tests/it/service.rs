//! The service as a whole: the real binary, a real broker, a real database.

mod kill;
