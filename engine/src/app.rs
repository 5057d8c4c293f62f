//! Composition: builds the rooms from the configuration, in the order of the flow, and takes them down again.
//!
//! Start at [`Service::start`]; its log lines read as the architecture. `parts` is what `check` builds too.

mod api_sensors;
mod following;
mod matchers;
mod parts;
mod reloading;
pub mod replaying;
pub mod scenario;
mod sensor_files;
mod standby;
mod stopping;

use std::{collections::HashSet, fmt, path::PathBuf, sync::Arc};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use following::Following;
pub use matchers::Matchers;
use matchers::Past;
pub use parts::{StartError, check_topics_written, load_sensors, marking};
pub use stopping::StopError;
use stopping::{Loop, begin};

use crate::{
    api::Api,
    config::{Config, watch::Watch},
    domain::{
        definition::Problem,
        sensor::{Owner, Sensor},
    },
    matcher::{Loader, Registry},
    pipeline::{
        Shared, Stop, accounting,
        acts::Acts,
        bookmarks::StoredBookmarks,
        catching_up::{Logs, Scanner},
        changing, deadlines,
        defining::{Broken, Defining},
        endings,
        evaluating::Evaluating,
        forgetting,
        forwarding::Forwarder,
        handle::Handle,
        intake::{self, IntakeError},
        keeping::Keeping,
        marking::Marker,
        patience::Patience,
        publishing::KafkaPublisher,
        reporting::Reporter,
        shadow, turning, watching,
    },
    report::Channel,
    source::{self, Health, KafkaConfig, KafkaLog, Lines, Log, Source},
    store::{MarkMode, Store, StoreError},
    task::{Backoff, MarkError, Marking},
    telemetry::{metrics, spans},
};
use sensor_files::{SensorFiles, log_changed};

/// Where messages come from.
#[derive(Debug, Clone)]
pub enum Input {
    /// The brokers of the configuration.
    Kafka,
    /// A file of JSON lines.
    File(PathBuf),
    Stdin,
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kafka => f.write_str("Kafka"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Stdin => f.write_str("standard input"),
        }
    }
}

/// A running service.
pub struct Service {
    store: Store,
    source: Source,
    intake: JoinHandle<Result<(), IntakeError>>,
    /// In the order in which they end.
    loops: Vec<Loop>,
    sensor_problems: watch::Receiver<Vec<Problem>>,
    /// What it runs with; and what of it can change.
    config: Config,
    keeping: Arc<ArcSwap<Keeping>>,
    backoff: Arc<ArcSwap<Backoff>>,
    patience: Patience,
    stop: watch::Sender<Stop>,
}

impl Service {
    /// Builds everything and begins to read messages.
    pub async fn start(config: &Config, input: &Input) -> Result<Self, StartError> {
        let backoff = Arc::new(ArcSwap::from_pointee(config.marking.backoff));
        let patience = Patience::default();
        metrics::start();
        let consumer = spans::Consumer { group: config.kafka.group.clone(), client: config.kafka.client_id.clone() };
        spans::start(&config.telemetry.otlp, consumer).map_err(StartError::Spans)?;
        let (store, marking) = open_store(config).await?;
        let channels = config.report.build().map_err(StartError::Report)?;
        let past = Past::of(&store, config.matchers.directory.as_deref()).await.map_err(StartError::Store)?;
        let matchers = Matchers::load_after(config, past).await?;
        matchers.announce();
        let api = Api::bind(&config.api).map_err(StartError::Api)?;
        let watch = Watch::begin(&config.sensors.directory);
        let (folder, mut sensors) = load_sensors(config, &matchers, Some(&marking)).await?;
        let of_api = api_sensors::check(&store, &matchers, &marking, config).await.map_err(StartError::Store)?;
        sensors.extend(of_api.sensors);
        matchers.save(&store).await.map_err(StartError::Store)?;
        synchronise(&store, sensors).await?;
        let shared = Shared::new(store.clone(), Arc::clone(&matchers.pool), Registry::clone(&matchers.registry));
        let evaluating = Arc::new(Evaluating::new(config.matchers.concurrency));
        let budgets = Arc::new(config.matchers.budgets());
        let shared = Shared { evaluating, budgets, patience: patience.clone(), marking, ..shared };
        shared.keeping.store(Arc::new(config.dead_letters.clone()));
        shared.policies.store(Arc::new(config.matchers.policies()));
        shared.reindex().await.map_err(StartError::Render)?;
        matchers.announce_gone(&shared);
        let begun_at = Timestamp::now();
        turning::begin(&shared, begun_at).await.map_err(StartError::Turn)?;
        matchers.resume_probations(&shared).await;
        matchers.resume_shadows(&shared, &config.matchers).await.map_err(StartError::Store)?;
        let scanner = Scanner { shared: shared.clone(), logs: logs(config, input), days: config.sensors.catch_up_days };
        if scanner.logs.is_none() {
            scanner.give_up(Timestamp::now()).await.map_err(StartError::Store)?;
        }

        let topics: Vec<_> = shared.live.load().index.topics().map(ToString::to_string).collect();
        parts::check_topics_written(config, &topics)?;
        if topics.is_empty() {
            tracing::warn!("No sensor wants any message; there is nothing to read");
        }
        let names: Vec<_> = topics.iter().map(|topic| config.topics.both_names(topic)).collect();
        tracing::info!(from = %input, topics = names.join(" "), "Reading messages");
        let bookmarks = Arc::new(StoredBookmarks(store.clone()));
        let (source, deliveries) = match input {
            Input::Kafka => source::open(&config.kafka, topics.clone(), bookmarks),
            Input::File(path) => source::open_lines(&Lines::File(path.clone()), topics.clone(), bookmarks),
            Input::Stdin => source::open_lines(&Lines::Stdin, topics.clone(), bookmarks),
        }
        .map_err(StartError::Source)?;

        let (stop, stopped) = watch::channel(Stop::Not);
        let (problems, sensor_problems) = watch::channel(Vec::new());
        let broken = Broken::new(sensor_problems.clone(), of_api.problems);
        let defining = Defining::new(shared.clone(), source.clone(), &config.sensors.timezone, topics, broken);
        let other_sensors = defining.changed();
        let reporting = report(&store, channels, &stopped).await.map_err(StartError::Store)?;
        let (orders, to_obey) = mpsc::channel(1);
        let (refusals, refused) = watch::channel(matchers.refused.clone());
        let marker = marker(config, &shared, &backoff);
        let mut loops = beside(config, input, &shared, begun_at, &stopped);
        loops.push(begin("catching up", {
            let stopped = stopped.clone();
            async move { scanner.run(stopped).await }
        }));
        loops.extend(marker.map(|marker| {
            let stopped = stopped.clone();
            begin("marking", async move { marker.run(stopped).await })
        }));
        loops.extend(reporting);
        loops.push(begin("publishing dead letters", {
            let publisher = KafkaPublisher::new(config.kafka.clone());
            let (forwarder, stopped) = (Forwarder { store: store.clone(), publisher }, stopped.clone());
            async move { forwarder.run(stopped).await }
        }));
        loops.extend(api.map(|api| {
            let handle = Handle::new(shared.clone(), kafka(config, input));
            let loader = Loader::new(&matchers.runtime, &config.matchers);
            let handle = handle.with_acts(Acts { orders, loader, refused }).with_defining(defining.clone());
            begin("answering requests", api.serve(handle, stopped.clone()))
        }));
        let files = SensorFiles { folder, watch, shared: shared.clone(), defining, problems };
        loops.push(begin("following sensor files", files.run(stopped)));
        let following = Following::new(&matchers, &config.matchers, &shared, refusals, other_sensors);
        loops.push(begin("following matchers", following.run(to_obey, stop.subscribe())));
        let keeping = Arc::clone(&shared.keeping);
        let intake = tokio::spawn({
            let source = source.clone();
            async move { intake::run(&shared, &source, deliveries).await }
        });
        let config = config.clone();
        Ok(Self { store, source, intake, loops, patience, sensor_problems, config, keeping, backoff, stop })
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    pub fn health(&self) -> Health {
        self.source.health()
    }

    /// What is wrong with sensor files now: what they gave before is in force.
    pub fn sensor_problems(&self) -> Vec<Problem> {
        self.sensor_problems.borrow().clone()
    }

    /// Resolves when it cannot go on, or need not: a file is read, reading fails for good, the store does.
    pub async fn ended(&mut self) -> Result<(), IntakeError> {
        tokio::select! {
            ended = &mut self.intake => ended.unwrap_or(Err(IntakeError::Defect)),
            trouble = self.store.broken() => Err(IntakeError::Store(trouble.into())),
        }
    }
}

/// Opens the store, and finds who marks the tasks.
async fn open_store(config: &Config) -> Result<(Store, Marking), StartError> {
    let mode = if config.marking.is_local() { MarkMode::Local } else { MarkMode::Outbox(config.marking.order) };
    let store = Store::open(&config.store, mode).map_err(StartError::Store)?;
    let marking = parts::marking(config, store.identity()).map_err(StartError::Marking)?;
    if let Marking::Outbox(adapter) = &marking {
        match adapter.probe().await {
            Err(MarkError::Reject(reason)) => return Err(StartError::Probe(reason)),
            Err(MarkError::Retry { reason, .. }) => tracing::warn!(reason, "Marking does not work yet"),
            Ok(()) => {}
        }
    }
    tracing::info!(store = %config.store.path.display(), marking = marking.summary(), "Recording and marking");
    Ok((store, marking))
}

/// What delivers marks, where that is not the store itself.
fn marker(config: &Config, shared: &Shared, backoff: &Arc<ArcSwap<Backoff>>) -> Option<Marker> {
    let Marking::Outbox(adapter) = &shared.marking else { return None };
    let (store, adapter, patience) = (shared.store.clone(), Arc::clone(adapter), shared.patience.clone());
    let concurrency = config.marking.concurrency;
    Some(Marker { store, adapter, concurrency, backoff: Arc::clone(backoff), patience })
}

/// Begins what runs beside intake and needs nobody but the store and the index.
fn beside(
    config: &Config,
    input: &Input,
    shared: &Shared,
    begun_at: Timestamp,
    stopped: &watch::Receiver<Stop>,
) -> Vec<Loop> {
    let endings = {
        let (shared, stopped) = (shared.clone(), stopped.clone());
        async move { endings::run(&shared, stopped).await }
    };
    let turning = {
        let (shared, stopped) = (shared.clone(), stopped.clone());
        async move { turning::run(&shared, begun_at, stopped).await }
    };
    let deadlines = {
        let (shared, stopped) = (shared.clone(), stopped.clone());
        let (kafka, grace) = (kafka(config, input), config.sensors.deadline_grace());
        async move { deadlines::run(&shared, kafka, grace, stopped).await }
    };
    let forgetting = {
        let (store, days, stopped) = (shared.store.clone(), config.store.retention_days, stopped.clone());
        async move { forgetting::run(&store, days, stopped).await }
    };
    let accounting = {
        let (shared, stopped) = (shared.clone(), stopped.clone());
        async move { accounting::run(&shared, stopped).await }
    };
    let shadowing = {
        let (shared, stopped) = (shared.clone(), stopped.clone());
        async move { shadow::run(&shared, stopped).await }
    };
    let watching = {
        let (shared, kafka, stopped) = (shared.clone(), kafka(config, input), stopped.clone());
        async move { watching::run(&shared, kafka, stopped).await }
    };
    vec![
        begin("turning the days", turning),
        begin("deadlines", deadlines),
        begin("ends of waits", endings),
        begin("forgetting", forgetting),
        begin("watching", watching),
        begin("judging in the shadow", shadowing),
        begin("accounting", accounting),
    ]
}

/// Where messages are read, if that is Kafka.
fn kafka(config: &Config, input: &Input) -> Option<KafkaConfig> {
    matches!(input, Input::Kafka).then(|| config.kafka.clone())
}

/// Begins to tell people what is missing.
async fn report(
    store: &Store,
    channels: Vec<Channel>,
    stopped: &watch::Receiver<Stop>,
) -> Result<Vec<Loop>, StoreError> {
    store.report_to(channels.iter().map(Channel::name).collect()).await?;
    let told = |channel: Channel| {
        tracing::info!(to = channel.summary(), "Telling what is missing");
        let (reporter, stopped) = (Reporter { store: store.clone(), channel: Arc::new(channel) }, stopped.clone());
        begin("reports", async move { reporter.run(stopped).await })
    };
    Ok(channels.into_iter().map(told).collect())
}

/// What messages can be read back from.
fn logs(config: &Config, input: &Input) -> Option<Logs> {
    let kafka = config.kafka.clone();
    let open = move || KafkaLog::open(&kafka).map(|log| Box::new(log) as Box<dyn Log>);
    matches!(input, Input::Kafka).then(|| Arc::new(open) as Logs)
}

/// Brings the store's sensors in line with the files.
async fn synchronise(store: &Store, sensors: Vec<(Owner, Sensor)>) -> Result<(), StartError> {
    let now = Timestamp::now();
    let kept: HashSet<_> = sensors.iter().map(|(owner, sensor)| (owner, sensor.name.as_str())).collect();
    let mut gone = store.sensors_of_files().await.map_err(StartError::Store)?;
    gone.retain(|(owner, name)| !kept.contains(&(owner, name.as_str())));
    drop(kept);
    let changed = changing::define(store, now, sensors, gone).await.map_err(StartError::Store)?;
    log_changed("Sensors", &changed);
    Ok(())
}
