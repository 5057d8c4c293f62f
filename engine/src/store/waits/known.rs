//! What one request has come upon already: most matches of a batch are of wanted messages that others of it fulfilled, and
//! change nothing any more.

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
};

use jiff::{Timestamp, civil::Date};

use super::Wait;
use crate::{
    domain::{
        recording::Sighting,
        sensor::SensorId,
        wait::WaitId,
        wanted::{RenderingId, WantedId},
        window::Window,
    },
    store::error::StoreError,
};

#[derive(Default)]
pub(in crate::store) struct Known {
    /// Of each sensor the window of which the wait is open, or that has none.
    open: HashMap<SensorId, Window>,
    waits: HashMap<SensorId, Waits>,
    credited: HashSet<(WaitId, WantedId, RenderingId, Date)>,
}

/// The waits that matches which arrived from an instant on may do something for.
struct Waits {
    from: Timestamp,
    all: Rc<[Wait]>,
}

impl Known {
    /// Whether this request has seen to the wait of a sensor's window that holds an instant.
    pub(super) fn is_open(&self, sensor: SensorId, at: Timestamp) -> bool {
        self.open.get(&sensor).is_some_and(|window| window.contains(at))
    }

    pub(super) fn is_open_now(&mut self, sensor: SensorId, window: Window) {
        self.open.insert(sensor, window);
    }

    /// The waits of a sensor that a match may do something for, perhaps with some that it may not.
    pub(super) fn waits(
        &mut self,
        sensor: SensorId,
        arrival: Timestamp,
        read: impl FnOnce() -> Result<Vec<Wait>, StoreError>,
    ) -> Result<Rc<[Wait]>, StoreError> {
        if let Some(known) = self.waits.get(&sensor).filter(|known| known.from <= arrival) {
            return Ok(Rc::clone(&known.all));
        }
        let all: Rc<[Wait]> = read()?.into();
        self.waits.insert(sensor, Waits { from: arrival, all: Rc::clone(&all) });
        Ok(all)
    }

    /// The waits of a sensor have to be read again.
    pub(super) fn changed(&mut self, sensor: SensorId) {
        self.waits.remove(&sensor);
    }

    /// Whether a match like this one has done for a wait what it can do.
    pub(super) fn is_credited(&self, wait: &Wait, sighting: &Sighting) -> bool {
        self.credited.contains(&credit(wait, sighting))
    }

    pub(super) fn is_credited_now(&mut self, wait: &Wait, sighting: &Sighting) {
        self.credited.insert(credit(wait, sighting));
    }
}

fn credit(wait: &Wait, sighting: &Sighting) -> (WaitId, WantedId, RenderingId, Date) {
    (wait.id, sighting.wanted, sighting.rendering, sighting.business_date)
}
