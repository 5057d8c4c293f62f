//! A scenario under way: the clock, what happens by itself, and what the steps do.
//!
//! The rooms are those of the service; only the clock, Kafka and the store's file are not. Start at [`Play::play`].

use std::{collections::BTreeMap, sync::Arc};

use jiff::{Timestamp, civil::Date};

use super::{
    expect::{ActualSensor, ActualTask, ActualWait, Difference, Expected, Findings},
    file::Scenario,
    log::Log,
    steps::{Sent, Step},
};
use crate::{
    app::StartError,
    domain::{
        dead_letter::{DeadLetterFilter, StoredDeadLetter},
        definition::{Definition, Problem},
        sensor::{Opening, Sensor},
        wait::{OpenError, WaitDetail, WaitRequest},
        window::{Frequency, Window},
    },
    matcher::GaveUp,
    pipeline::{
        Shared,
        catching_up::{CatchUpError, Logs, Scanner},
        changing::ChangeError,
        checking::Checker,
        deadlines,
        judging::{self, Manner},
        rendering::RenderError,
        turning::{self, TurnError},
    },
    sensor::CalendarDays,
    source::{self, Topics},
    store::{SensorStatus, StoreError, WantedStatus},
};

/// Why a scenario could not be played to its end.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    #[error("the matchers cannot be loaded")]
    Matchers(#[from] StartError),
    #[error("a directory for the scenario's store cannot be made")]
    Directory(#[source] std::io::Error),
    #[error("the sensors cannot be used")]
    Sensors(Vec<Problem>),
    #[error("the sensors cannot be changed")]
    Change(#[from] ChangeError),
    #[error(transparent)]
    Turn(#[from] TurnError),
    #[error("a message cannot be judged")]
    Render(#[from] RenderError),
    #[error("a message cannot be judged: {0}")]
    Waits(judging::Waits),
    #[error("what was sent before cannot be caught up")]
    CatchUp(#[from] CatchUpError),
    #[error("a wait cannot be opened")]
    Open(#[from] OpenError),
    #[error("a matcher cannot be asked what it waits for: {0}")]
    GaveUp(GaveUp),
    #[error("there is no noon on {0} in the zone")]
    NoSuchDay(Date),
    #[error("the scenario cannot be written")]
    Unwritable(#[source] serde_json::Error),
    #[error("the scenario's store failed")]
    Store(#[from] StoreError),
}

/// Of a scenario nothing lies too far back to be caught up: a hundred years.
const ALL_DAYS: u32 = 36_525;

/// A scenario under way.
pub(super) struct Play<'a> {
    shared: Shared,
    scenario: &'a Scenario,
    log: Log,
    scanner: Scanner,
    now: Timestamp,
    /// Whether waits open every hour.
    hourly: bool,
}

/// What was seen of a scenario.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// How each sensor stood, after each step.
    pub(super) sensors: Vec<BTreeMap<String, ActualSensor>>,
    /// What was set aside in all, and why.
    pub(super) dead_letters: Vec<String>,
}

/// What becomes of deadlines while the clock moves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deadlines {
    Pass,
    /// Something that came before them has not been read yet.
    Wait,
}

impl<'a> Play<'a> {
    pub(super) fn new(shared: Shared, scenario: &'a Scenario) -> Self {
        let now = scenario.steps.first().map_or(Timestamp::UNIX_EPOCH, |step| step.at);
        let log = Log::default();
        let logs: Logs = Arc::new({
            let log = log.clone();
            move || Ok(Box::new(log.clone()) as Box<dyn source::Log>)
        });
        let scanner = Scanner { shared: shared.clone(), logs: Some(logs), days: ALL_DAYS };
        Self { shared, scenario, log, scanner, now, hourly: false }
    }

    /// Plays all steps; the answer is what differs.
    pub(super) async fn play(mut self) -> Result<Vec<Difference>, PlayError> {
        self.put(&self.scenario.sensors).await?;
        let mut differences = Vec::new();
        for (number, step) in (1..).zip(&self.scenario.steps) {
            self.step(step).await?;
            let mut findings = Findings { step: number, at: &step.shown, differences: Vec::new() };
            self.check(&step.expect, &mut findings).await?;
            differences.append(&mut findings.differences);
        }
        Ok(differences)
    }

    /// Plays all steps and looks on.
    pub(super) async fn watch(mut self) -> Result<Seen, PlayError> {
        self.put(&self.scenario.sensors).await?;
        let mut seen = Seen::default();
        for step in &self.scenario.steps {
            self.step(step).await?;
            let mut sensors = BTreeMap::new();
            for sensor in &self.scenario.sensors {
                sensors.insert(sensor.name.clone(), self.sensor(&sensor.name).await?);
            }
            seen.sensors.push(sensors);
        }
        seen.dead_letters = self.dead_letters().await?;
        Ok(seen)
    }

    /// What lay in the log while the service was down is read before deadlines take effect that have come meanwhile.
    async fn step(&mut self, step: &Step) -> Result<(), PlayError> {
        let (backlog, fresh): (Vec<_>, Vec<_>) = step.send.iter().partition(|sent| sent.arrival < step.at);
        let was_down = !backlog.is_empty();
        self.advance(step.at, if was_down { Deadlines::Wait } else { Deadlines::Pass }).await?;
        for sent in backlog {
            self.send(sent).await?;
        }
        if was_down {
            self.pass_deadlines(step.at).await?;
        }
        if !step.put.is_empty() {
            self.put(&step.put).await?;
        }
        for request in &step.open {
            self.open(request).await?;
        }
        for sent in fresh {
            self.send(sent).await?;
        }
        // That of a wait on a day long past has passed before it was opened.
        self.pass_deadlines(step.at).await
    }

    /// Moves the clock. What is due happens in the order of its instants: deadlines, and windows that begin.
    async fn advance(&mut self, to: Timestamp, deadlines: Deadlines) -> Result<(), PlayError> {
        while let Some(turn) = self.next_turn().filter(|turn| *turn <= to) {
            if deadlines == Deadlines::Pass {
                self.pass_deadlines(turn).await?;
            }
            self.turn(turn).await?;
        }
        if deadlines == Deadlines::Pass {
            self.pass_deadlines(to).await?;
        }
        self.turn(to).await
    }

    /// When the next window begins that may open waits or render something anew.
    fn next_turn(&self) -> Option<Timestamp> {
        let frequency = if self.hourly { Frequency::Hour } else { Frequency::Day };
        let live = self.shared.live.load();
        let ends = |days: &CalendarDays| {
            let day = Window::at(Frequency::Day, self.now, &days.calendar).closes;
            day.min(Window::at(frequency, self.now, &days.calendar).closes)
        };
        live.index.calendars.iter().map(ends).min()
    }

    async fn turn(&mut self, now: Timestamp) -> Result<(), PlayError> {
        self.now = now;
        turning::begin(&self.shared, now).await?;
        Ok(self.scanner.catch_up(now).await?)
    }

    async fn pass_deadlines(&self, to: Timestamp) -> Result<(), PlayError> {
        let mut passed = None;
        while let Some(deadline) = self.shared.store.next_deadline().await?.filter(|deadline| *deadline <= to) {
            // One that does not take effect would be met again and again.
            if passed.replace(deadline) == Some(deadline) {
                break;
            }
            deadlines::end_due(&self.shared, deadline).await?;
        }
        Ok(())
    }

    async fn open(&self, request: &WaitRequest) -> Result<(), PlayError> {
        self.shared.open_wait(self.now, request.clone()).await??;
        Ok(self.scanner.catch_up(self.now).await?)
    }

    async fn put(&mut self, definitions: &[Definition]) -> Result<(), PlayError> {
        let registry = Arc::clone(&self.shared.live.load().registry);
        let timezone = &self.scenario.timezone;
        let topics = &Topics::default();
        let checker =
            Checker { registry: &registry, pool: &self.shared.pool, marking: None, timezone, topics, now: self.now };
        let checked = checker.check(definitions).await;
        if !checked.problems.is_empty() {
            return Err(PlayError::Sensors(checked.problems));
        }
        let opens_hourly =
            |sensor: &Sensor| sensor.opening == Opening::Window && sensor.shortest_frequency() == Frequency::Hour;
        self.hourly |= checked.sensors.iter().any(|(_, sensor)| opens_hourly(sensor));
        self.shared.change_sensors(self.now, checked.sensors, Vec::new()).await?;
        Ok(self.scanner.catch_up(self.now).await?)
    }

    async fn send(&mut self, sent: &Sent) -> Result<(), PlayError> {
        let slices = Arc::new(vec![self.log.append(sent)]);
        let judged = judging::judge(&self.shared, &slices, Manner::Usual).await?;
        self.shared.store.record(judged.map_err(PlayError::Waits)?).await?;
        Ok(())
    }

    async fn check(&self, expected: &Expected, findings: &mut Findings<'_>) -> Result<(), PlayError> {
        for (name, expected) in &expected.sensors {
            let mut actual = self.sensor(name).await?;
            actual.set_aside = self.dead_letters().await?;
            for wait in expected.waits.keys() {
                let found = self.shared.store.wait(name.clone(), wait.clone()).await?;
                actual.waits.extend(found.map(|found| (wait.clone(), wait_of(found))));
            }
            findings.sensor(name, expected, &actual);
        }
        if let Some(expected) = expected.dead_letters {
            findings.dead_letters(expected, self.dead_letters().await?);
        }
        Ok(())
    }

    /// The oldest first, each with its reason.
    async fn dead_letters(&self) -> Result<Vec<String>, PlayError> {
        let all = self.shared.store.dead_letters(DeadLetterFilter::default(), None, usize::MAX >> 1).await?;
        Ok(all.iter().rev().map(note).collect())
    }

    async fn sensor(&self, name: &str) -> Result<ActualSensor, PlayError> {
        let all = self.shared.store.status(self.now, None, usize::MAX >> 1).await?;
        Ok(all.into_iter().find(|sensor| sensor.name == name).map(actual).unwrap_or_default())
    }
}

fn actual(status: SensorStatus) -> ActualSensor {
    let mut tasks: Vec<ActualTask> = Vec::new();
    for wanted in status.wanted {
        let task = task(wanted);
        match tasks.iter_mut().find(|known| known.task_id == task.task_id) {
            Some(known) => known.join(task),
            None => tasks.push(task),
        }
    }
    ActualSensor { complete: status.complete, tasks, ..ActualSensor::default() }
}

fn task(wanted: WantedStatus) -> ActualTask {
    ActualTask {
        task_id: wanted.task_id,
        received: wanted.received.is_some(),
        expires: wanted.expires,
        near_misses: wanted.near_misses.count,
        refused: wanted.near_misses.newest,
    }
}

fn wait_of(detail: WaitDetail) -> ActualWait {
    let tasks = detail.tasks.into_iter().map(|task| (task.task_id, task.state)).collect();
    ActualWait { state: detail.state.word().to_owned(), tasks }
}

fn note(letter: &StoredDeadLetter) -> String {
    format!("{}: {}", letter.position(), letter.reason)
}
