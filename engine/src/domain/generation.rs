//! Generations of matchers, as far as rooms that know no matcher must tell them apart.

/// One loaded build of a matcher with one configuration, unique in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GenerationId(pub u64);
