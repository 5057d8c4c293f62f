//! A median, and how much there is to it.

/// A median and how far the middle eight tenths of all rounds lie apart.
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Spread {
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<_> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |tenth: usize| values[(values.len() - 1) * tenth / 10];
        Self { median: at(5), low: at(1), high: at(9) }
    }
}
