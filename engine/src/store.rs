//! What happened, kept in SQLite: sensors, matches, waits, marks and the offsets they follow from.
//!
//! All SQL on our own database is here and nowhere above. One thread owns the writing connection and commits in groups
//! (`writer`); readers look beside it ([`Reader`]). Knows no Kafka, no Wasm and no outside system. Start at
//! [`Store::record`] and follow it into `record`, then `waits`.

mod backup;
mod candidates;
mod catch_ups;
mod changes;
mod checkup;
mod columns;
mod condition;
mod config;
mod database;
mod dead_letters;
mod error;
mod explaining;
mod forwarding;
mod frozen;
mod generations;
mod marks;
mod matches;
mod modules;
mod offsets;
mod ordering;
mod outbox;
mod reader;
mod record;
mod renderings;
mod reports;
mod retention;
mod sensors;
mod shape;
mod status;
mod tending;
mod trouble;
mod usage;
mod vacuum;
mod waits;
mod windows;
mod writer;

#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use jiff::{Timestamp, civil::Date};
use tokio::sync::watch;

use crate::domain::{
    change::ChangeId,
    dead_letter::Actor,
    generation::{Generation, GenerationState},
    handling::{HandledTask, HandlingError},
    mark::{Mark, MarkId, Outcome},
    matched::{MatchFilter, MatchId, StoredMatch},
    recording::{Recorded, Recording},
    sensor::{Owner, Sensor, SensorId, StoredSensor},
    wait::{OpenError, WaitDetail, WaitFilter, WaitId, WaitRequest, WaitState},
    wanted::{RenderingId, WantedId},
};
use crate::telemetry::metrics::Levels;

pub use backup::{BackedUp, BackupError, back_up};
pub use catch_ups::Occasion;
pub use changes::Listening;
pub use checkup::{Aspect, CheckUp, check_up};
pub use config::{Config, MarkMode};
use database::{Durability, Opened};
pub use database::{is_in_use, seems_in_use, wait_until_free};
pub use error::StoreError;
pub use offsets::{NewEpoch, StoredOffset};
pub use reader::{ActiveWanted, Reader, WantedRoute};
pub use retention::Forgetting;
pub use sensors::{Changed, Refused};
pub use status::{MarkStatus, NearMissStatus, Received, SensorStatus, WaitStatus, WantedStatus};
pub use trouble::{Ailment, Trouble};
pub use vacuum::{Vacuumed, vacuum};
pub use waits::{Accepts, DueWait, WaitsToOpen};
use writer::{Session, Writer};

/// The open store. Clones share it; the last one to go, or [`Store::close`], ends the writer thread.
#[derive(Clone)]
pub struct Store {
    writer: Arc<Writer>,
    reader: Arc<Reader>,
    /// Apart from the first, so that a long report never delays a mark.
    reports: Arc<Reader>,
    /// Apart from both, so that neither delays an assignment of partitions.
    offsets: Arc<Reader>,
    identity: Arc<str>,
}

impl Store {
    /// Opens the store, creates or migrates it where needed, and keeps every other process out.
    pub fn open(config: &Config, mode: MarkMode) -> Result<Self, StoreError> {
        Self::begin(database::open(&config.path, Durability::Lasting)?, mode)
    }

    /// Makes a store in a directory that goes with it. Nothing is forced to the disk, which takes most of the time.
    pub fn fleeting(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(Config::default().path);
        Self::begin(database::open(&path, Durability::Fleeting)?, MarkMode::Local)
    }

    fn begin(opened: Opened, mode: MarkMode) -> Result<Self, StoreError> {
        let identity = Arc::from(database::identity(&opened.connection)?);
        let reader = Arc::new(Reader::beside(&opened.path)?);
        let reports = Arc::new(Reader::beside(&opened.path)?);
        let offsets = Arc::new(Reader::beside(&opened.path)?);
        match mode {
            MarkMode::Local => marks::settle_left_over(&opened.connection)?,
            MarkMode::Outbox(order) => ordering::order_left_over(&opened.connection, order)?,
        }
        let writer = Arc::new(Writer::start(opened, mode)?);
        Ok(Self { writer, reader, reports, offsets, identity })
    }

    /// The random name that it was given when it was created.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Takes each recording whole and moves its partition's offset with it, all in one transaction. One that lost its
    /// place is dropped and answered with the place to go on from; the others are kept.
    pub async fn record(&self, recordings: Vec<Recording>) -> Result<Vec<Recorded>, StoreError> {
        self.writer.call(move |session| record::record(session, &recordings)).await
    }

    /// Defines or redefines sensors, and retires those of these owners and names that still belong to them. One
    /// transaction: call it with a few hundred at a time, so that messages are recorded in between. A sensor may move
    /// from file to file; what belongs to the other side, files or API, is left alone and named in the answer.
    pub async fn change_sensors(
        &self,
        now: Timestamp,
        put: Vec<(Owner, Sensor)>,
        gone: Vec<(Owner, String)>,
    ) -> Result<Changed, StoreError> {
        self.writer.call(move |session| sensors::change(session, now, &put, &gone)).await
    }

    /// Has the waits of the sensors of some wanted messages judged anew when they are opened next, as if the sensors had
    /// been defined anew. The answer is these sensors.
    pub async fn renew_sensors_of(&self, wanted: Vec<WantedId>) -> Result<Vec<SensorId>, StoreError> {
        self.writer.call(move |session| sensors::renew(session, &wanted)).await
    }

    /// Notes how wanted messages render on a date and answers with the rendering in force for each, in order. Nothing
    /// is written where that is known already; call it with about 1,000 at a time. By the occasion a text that is another
    /// one is caught up.
    pub async fn save_renderings(
        &self,
        rendered: Vec<(WantedId, Date, String)>,
        occasion: Occasion,
    ) -> Result<Vec<RenderingId>, StoreError> {
        self.writer.call(move |session| renderings::save(session, &rendered, occasion)).await
    }

    /// Opens the waits of the current windows of some sensors, and judges waits anew whose sensor was redefined; call it
    /// with a few hundred at a time. The renderings of the current business dates must be saved before. May be repeated.
    pub async fn open_waits(&self, now: Timestamp, sensors: Vec<SensorId>) -> Result<(), StoreError> {
        self.writer.call(move |session| waits::open_current(session, now, &sensors)).await
    }

    /// Opens a wait that somebody asked for, if whoever marks its tasks accepts its target.
    pub async fn open_wait(
        &self,
        now: Timestamp,
        request: WaitRequest,
        accepts: Box<Accepts>,
    ) -> Result<Result<WaitDetail, OpenError>, StoreError> {
        let (sensor, name) = (request.sensor.clone(), request.name.clone());
        let opened = self.writer.call(move |session| waits::open_requested(session, now, &request, &*accepts)).await?;
        match opened {
            Ok(()) => Ok(self.wait(sensor.clone(), name).await?.ok_or(OpenError::NoSuchSensor(sensor))),
            Err(error) => Ok(Err(error)),
        }
    }

    /// The wanted messages of a request for another day than the current one, each with that day.
    pub async fn to_look_back_for(
        &self,
        now: Timestamp,
        request: WaitRequest,
    ) -> Result<Vec<(WantedId, Date)>, StoreError> {
        self.read(move |reader| reader.to_look_back_for(now, &request)).await
    }

    /// Cancels a wait. The answer is how it stood before; none: there is none of that name.
    pub async fn cancel_wait(
        &self,
        sensor: String,
        name: String,
        actor: Actor,
        reason: Option<String>,
    ) -> Result<Option<WaitState>, StoreError> {
        let cancel = move |session: &mut Session<'_>| waits::cancel(session, &sensor, &name, actor, reason.as_deref());
        self.writer.call(cancel).await
    }

    /// Takes a decision by hand on a task of a wait.
    pub async fn handle_task(
        &self,
        now: Timestamp,
        task: HandledTask,
        actor: Actor,
    ) -> Result<Result<(), HandlingError>, StoreError> {
        self.writer.call(move |session| waits::handle(session, now, &task, actor)).await
    }

    /// Pauses a sensor, or lets it go on. None: there is none of that name.
    pub async fn pause_sensor(
        &self,
        name: String,
        paused: bool,
        actor: Actor,
        reason: Option<String>,
    ) -> Result<Option<SensorId>, StoreError> {
        self.writer.call(move |session| sensors::pause(session, &name, paused, actor, reason.as_deref())).await
    }

    /// Forgets a piece of what was over before an instant. The answer is how many rows went and where to go on.
    pub async fn forget(
        &self,
        before: Timestamp,
        piece: Forgetting,
    ) -> Result<(usize, Option<Forgetting>), StoreError> {
        self.writer.call(move |session| retention::forget(session, before, piece)).await
    }

    /// Ends waits whose deadline has taken effect. The answer is how many were looked at.
    pub async fn end_waits(&self, now: Timestamp, ids: Vec<WaitId>) -> Result<usize, StoreError> {
        self.writer.call(move |session| waits::end(session, now, &ids)).await
    }

    /// The earliest deadline of a wait.
    pub async fn next_deadline(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(Reader::next_deadline).await
    }

    /// The waits whose deadline has come, the earliest first, after one of them.
    pub async fn due_waits(
        &self,
        now: Timestamp,
        after: Option<(Timestamp, WaitId)>,
        limit: usize,
    ) -> Result<Vec<DueWait>, StoreError> {
        self.read(move |reader| reader.due_waits(now, after, limit)).await
    }

    /// Changes whenever a wait may give up at another time than before.
    pub fn deadlines_moved(&self) -> watch::Receiver<u64> {
        self.writer.deadlines_moved()
    }

    /// What changes from now on, or since a change that was received before.
    pub fn changes(&self, after: Option<ChangeId>) -> Listening {
        self.writer.changes.listen(after)
    }

    /// A wait of a sensor, if it is there.
    pub async fn wait(&self, sensor: String, name: String) -> Result<Option<WaitDetail>, StoreError> {
        self.read(move |reader| reader.wait(&sensor, &name)).await
    }

    /// The newest waits that are meant, older than one.
    pub async fn waits(
        &self,
        filter: WaitFilter,
        before: Option<WaitId>,
        limit: usize,
    ) -> Result<Vec<WaitDetail>, StoreError> {
        self.report(move |reader| reader.waits(&filter, before, limit)).await
    }

    /// Notes what came of attempts to deliver marks.
    pub async fn resolve(&self, outcomes: Vec<(MarkId, Outcome)>) -> Result<(), StoreError> {
        self.writer.call(move |session| marks::resolve(session, &outcomes)).await
    }

    /// Notes a build of a matcher, and keeps its file if it is given. One that serves retires the one before it.
    pub async fn save_generation(&self, generation: Generation, wasm: Option<Bytes>) -> Result<(), StoreError> {
        let save = move |session: &mut Session<'_>| {
            generations::save(session, &generation)?;
            wasm.map_or(Ok(()), |wasm| modules::keep(session, &generation.sha256, &wasm))
        };
        self.writer.call(save).await
    }

    /// Keeps a build's file.
    pub async fn keep_module(&self, sha256: String, wasm: Bytes) -> Result<(), StoreError> {
        self.writer.call(move |session| modules::keep(session, &sha256, &wasm)).await
    }

    /// Notes who did what by hand.
    pub async fn audit(
        &self,
        actor: Actor,
        action: &'static str,
        subject: String,
        detail: Option<String>,
    ) -> Result<(), StoreError> {
        self.writer.call(move |session| modules::audit(session, actor, action, &subject, detail.as_deref())).await
    }

    /// Pins a matcher to a build whose file is kept, or unpins it.
    pub async fn pin(&self, matcher: String, sha256: Option<String>) -> Result<(), StoreError> {
        self.writer.call(move |session| modules::pin(session, &matcher, sha256.as_deref())).await
    }

    /// A build's file, if it is kept.
    pub async fn module(&self, sha256: String) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(move |reader| reader.module(&sha256)).await
    }

    /// The pinned matchers with the sha256 of their builds.
    pub async fn pins(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.read(Reader::pins).await
    }

    /// Notes what became of the build that serves under a name, if it is this one.
    pub async fn note_generation(
        &self,
        matcher: String,
        sha256: String,
        state: GenerationState,
        reason: Option<String>,
    ) -> Result<(), StoreError> {
        self.writer.call(move |session| generations::note(session, &matcher, &sha256, state, reason.as_deref())).await
    }

    /// Notes that a build failed, and which one serves in its place again.
    pub async fn roll_back_generation(
        &self,
        failed: String,
        reason: Option<String>,
        serving: Generation,
    ) -> Result<(), StoreError> {
        let roll_back = move |session: &mut Session<'_>| {
            let state = GenerationState::RolledBack;
            generations::note(session, &serving.matcher, &failed, state, reason.as_deref())?;
            modules::pin_instead(session, &serving.matcher, &failed, &serving.sha256)?;
            generations::save(session, &serving)
        };
        self.writer.call(roll_back).await
    }

    /// Changes whenever marks were recorded that wait for delivery.
    pub fn marks_appeared(&self) -> watch::Receiver<u64> {
        self.writer.marks_appeared()
    }

    /// Whether messages are wanted hourly.
    pub async fn has_hourly(&self) -> Result<bool, StoreError> {
        self.read(Reader::has_hourly).await
    }

    /// A page of the wanted messages of all active sensors, by id.
    pub async fn active_wanted(&self, after: WantedId, limit: usize) -> Result<Vec<ActiveWanted>, StoreError> {
        self.report(move |reader| reader.active_wanted(after, limit)).await
    }

    /// Those of these wanted messages that active sensors want.
    pub async fn active_wanted_among(&self, ids: Vec<WantedId>) -> Result<Vec<ActiveWanted>, StoreError> {
        self.report(move |reader| reader.active_wanted_among(&ids)).await
    }

    /// Those of these topics and matchers that an active sensor has a wanted message of.
    pub async fn wanted_routes(&self, routes: Vec<WantedRoute>) -> Result<Vec<WantedRoute>, StoreError> {
        self.report(move |reader| reader.wanted_routes(&routes)).await
    }

    /// The next `limit` active sensors after the one of a name, by name; only those of one owner, if one is given.
    pub async fn sensors(
        &self,
        owner: Option<Owner>,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<StoredSensor>, StoreError> {
        self.report(move |reader| reader.sensors(owner.as_ref(), after.as_deref(), limit)).await
    }

    /// An active sensor, if there is one of that name.
    pub async fn sensor(&self, name: String) -> Result<Option<StoredSensor>, StoreError> {
        self.report(move |reader| reader.sensor(&name)).await
    }

    /// Whose those of these names are that are active.
    pub async fn owners(&self, names: Vec<String>) -> Result<Vec<(String, Owner)>, StoreError> {
        self.report(move |reader| reader.owners(&names)).await
    }

    /// How one sensor stands; none: there is no active one of that name.
    pub async fn sensor_status(&self, name: String, now: Timestamp) -> Result<Option<SensorStatus>, StoreError> {
        self.report(move |reader| reader.sensor_status(&name, now)).await
    }

    /// The newest matches that are meant, older than one of them: by when they were recorded.
    pub async fn matches(
        &self,
        filter: MatchFilter,
        before: Option<MatchId>,
        limit: usize,
    ) -> Result<Vec<StoredMatch>, StoreError> {
        self.report(move |reader| reader.matches(&filter, before, limit)).await
    }

    /// The active sensors that files define, each with its file.
    pub async fn sensors_of_files(&self) -> Result<Vec<(Owner, String)>, StoreError> {
        self.report(Reader::sensors_of_files).await
    }

    /// For which of the next `limit` sensors after one [`Self::open_waits`] has something to do; but for those that want
    /// messages of some matchers.
    pub async fn waits_to_open(
        &self,
        now: Timestamp,
        after: Option<SensorId>,
        limit: usize,
        without: Vec<String>,
    ) -> Result<WaitsToOpen, StoreError> {
        self.report(move |reader| reader.waits_to_open(now, after, limit, &without)).await
    }

    /// The marks that are due, the longest due first. One that is being delivered is among them until it is resolved.
    pub async fn pending_marks(&self, now: Timestamp, limit: usize) -> Result<Vec<Mark>, StoreError> {
        self.read(move |reader| reader.pending_marks(now, limit)).await
    }

    /// When the next mark that is not due yet will be.
    pub async fn next_mark_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.read(move |reader| reader.next_mark_due(now)).await
    }

    /// What the metrics tell of the store.
    pub async fn levels(&self) -> Result<Levels, StoreError> {
        self.report(Reader::levels).await
    }

    /// How many marks were tried in vain and are tried again, and why the newest of them was; none: there are none.
    pub async fn marks_in_trouble(&self) -> Result<Option<(i64, String)>, StoreError> {
        self.report(Reader::marks_in_trouble).await
    }

    /// The builds of matchers, the newest first.
    pub async fn generations(&self) -> Result<Vec<Generation>, StoreError> {
        self.read(Reader::generations).await
    }

    /// How the next `limit` active sensors stand after the one of a name, by name.
    pub async fn status(
        &self,
        now: Timestamp,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<SensorStatus>, StoreError> {
        self.report(move |reader| reader.status(now, after.as_deref(), limit)).await
    }

    /// Takes no more work, finishes what is queued and lets go of the file.
    pub async fn close(&self) -> Result<(), StoreError> {
        let writer = Arc::clone(&self.writer);
        tokio::task::spawn_blocking(move || writer.close()).await.map_err(|_| StoreError::Panicked)?
    }

    /// For what marking needs at once.
    async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.noted(with(&self.reader, look).await)
    }

    /// For what takes its time.
    async fn report<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.noted(with(&self.reports, look).await)
    }
}

async fn with<T: Send + 'static>(
    reader: &Arc<Reader>,
    look: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let reader = Arc::clone(reader);
    tokio::task::spawn_blocking(move || look(&reader)).await.map_err(|_| StoreError::Panicked)?
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("identity", &self.identity).finish_non_exhaustive()
    }
}
