//! The one thread that writes.
//!
//! Requests queue up while a transaction is being synced to disk; the next transaction takes them together. Each runs
//! in a savepoint of its own: one that fails is undone and answered with its error, the others go on. Nobody is
//! answered before the commit. Start at [`Writer::call`], then [`Owner::commit`].

use std::{
    cell::RefCell,
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Instant,
};

use rusqlite::{Connection, Transaction, TransactionBehavior, config::DbConfig};
use tokio::sync::{mpsc, oneshot, watch};

use super::{MarkMode, changes::Changes, condition::Condition, database::Opened, error::StoreError, shape::KeptShapes};
use crate::{domain::change::Change, telemetry::metrics};

/// Requests that may wait; whoever brings one more waits too, and so back to Kafka.
const QUEUE: usize = 256;
/// Requests that are committed together at most.
const GROUP: usize = 64;

/// What a request works with, inside the transaction.
pub(super) struct Session<'a> {
    pub(super) db: &'a Connection,
    pub(super) mode: MarkMode,
    pub(super) shapes: &'a KeptShapes,
    /// Set by whoever records a mark that waits for delivery.
    pub(super) marks_appeared: bool,
    /// Set by whoever changes when a wait gives up.
    pub(super) deadlines_moved: bool,
    /// What is told to those who listen.
    changes: RefCell<Vec<Change>>,
}

impl Session<'_> {
    /// Has a change told to those who listen, after it is committed.
    pub(super) fn tell(&self, change: Change) {
        self.changes.borrow_mut().push(change);
    }
}

/// The handle on the thread. Dropping it lets the thread finish what is queued, in the background.
pub(super) struct Writer {
    requests: Mutex<Option<mpsc::Sender<Box<dyn Request>>>>,
    thread: Mutex<Option<JoinHandle<Result<(), StoreError>>>>,
    marks_appeared: watch::Receiver<u64>,
    deadlines_moved: watch::Receiver<u64>,
    pub(super) changes: Arc<Changes>,
    pub(super) condition: Arc<Condition>,
}

impl Writer {
    pub(super) fn start(opened: Opened, mode: MarkMode) -> Result<Self, StoreError> {
        let (requests, queue) = mpsc::channel(QUEUE);
        let (announce, marks_appeared) = watch::channel(0);
        let (announce_deadlines, deadlines_moved) = watch::channel(0);
        let (changes, condition) = (Arc::new(Changes::new()), Arc::new(opened.condition));
        let owner = Owner {
            connection: opened.connection,
            _lock: opened.lock,
            mode,
            announce,
            announce_deadlines,
            changes: Arc::clone(&changes),
            condition: Arc::clone(&condition),
        };
        let thread = std::thread::Builder::new().name("store-writer".to_owned());
        let thread = thread.spawn(move || owner.run(queue)).map_err(StoreError::Thread)?;
        let (requests, thread) = (Mutex::new(Some(requests)), Mutex::new(Some(thread)));
        Ok(Self { requests, thread, marks_appeared, deadlines_moved, changes, condition })
    }

    pub(super) fn marks_appeared(&self) -> watch::Receiver<u64> {
        self.marks_appeared.clone()
    }

    pub(super) fn deadlines_moved(&self) -> watch::Receiver<u64> {
        self.deadlines_moved.clone()
    }

    /// Lets the thread do some work and waits until it is committed.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Session<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (answer, answered) = oneshot::channel();
        let call = Call { work: Some(work), value: None, answer };
        requests.ok_or(StoreError::Closed)?.send(Box::new(call)).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Panicked)?
    }

    /// The same for a thread that may block.
    pub(super) fn call_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Session<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (answer, answered) = oneshot::channel();
        let call = Call { work: Some(work), value: None, answer };
        requests.ok_or(StoreError::Closed)?.blocking_send(Box::new(call)).map_err(|_| StoreError::Closed)?;
        answered.blocking_recv().map_err(|_| StoreError::Panicked)?
    }

    /// Ends the thread when all that is queued is done, and waits for it.
    pub(super) fn close(&self) -> Result<(), StoreError> {
        drop(self.requests.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        thread.map_or(Ok(()), |thread| thread.join().map_err(|_| StoreError::Panicked)?)
    }
}

/// One thing to do, and somebody who waits for it.
trait Request: Send {
    fn run(&mut self, session: &mut Session<'_>) -> Result<(), StoreError>;
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

struct Call<W, T> {
    work: Option<W>,
    value: Option<T>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, W> Request for Call<W, T>
where
    T: Send,
    W: FnOnce(&mut Session<'_>) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, session: &mut Session<'_>) -> Result<(), StoreError> {
        let work = self.work.take().ok_or(StoreError::Panicked)?;
        let run = catch_unwind(AssertUnwindSafe(|| work(session)));
        self.value = Some(run.map_err(|_| StoreError::Panicked)??);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { value, answer, .. } = *self;
        // Whoever asked may have gone; what was done is done.
        drop(answer.send(outcome.and_then(|()| value.ok_or(StoreError::Panicked))));
    }
}

type Queue = mpsc::Receiver<Box<dyn Request>>;

/// The thread's own things.
struct Owner {
    connection: Connection,
    /// Held as long as the connection: see [`Opened`].
    _lock: File,
    mode: MarkMode,
    announce: watch::Sender<u64>,
    announce_deadlines: watch::Sender<u64>,
    changes: Arc<Changes>,
    condition: Arc<Condition>,
}

impl Owner {
    fn run(self, mut queue: Queue) -> Result<(), StoreError> {
        let shapes = KeptShapes::default();
        while let Some(first) = queue.blocking_recv() {
            let mut group = vec![first];
            while group.len() < GROUP
                && let Ok(another) = queue.try_recv()
            {
                group.push(another);
            }
            self.commit(group, &shapes);
        }
        self.tidy_up().and_then(|()| self.connection.close().map_err(|(_, error)| error)).map_err(StoreError::from)
    }

    /// Leaves everything in one file, so that whoever copies that has all.
    fn tidy_up(&self) -> rusqlite::Result<()> {
        if !self.condition.may_be_tidied_up() {
            // Closing removes the log of commits by its name, which may be somebody else's now.
            return self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map(drop);
        }
        self.connection.execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)")
    }

    /// Runs the requests of a group in one transaction and answers all of them.
    fn commit(&self, mut group: Vec<Box<dyn Request>>, shapes: &KeptShapes) {
        let (db, mode) = (&self.connection, self.mode);
        let (changes, began) = (RefCell::default(), Instant::now());
        let mut session = Session { db, mode, shapes, marks_appeared: false, deadlines_moved: false, changes };
        let written = db.total_changes();
        match run_group(&mut session, &mut group, &self.condition) {
            Ok(outcomes) => {
                metrics::commit(began.elapsed(), group.len());
                let outcomes: Vec<_> =
                    outcomes.into_iter().map(|outcome| outcome.map_err(|it| self.explained(it))).collect();
                if outcomes.iter().all(Result::is_ok) && db.total_changes() > written {
                    self.condition.is_well();
                }
                self.announce(&mut session);
                group.into_iter().zip(outcomes).for_each(|(request, outcome)| request.answer(outcome));
            }
            Err(error) => {
                metrics::commit_failed();
                shapes.forget();
                let error = Arc::new(self.explained(error));
                group.into_iter().for_each(|request| request.answer(Err(StoreError::shared(&error))));
            }
        }
    }

    /// Tells those who listen what is committed.
    fn announce(&self, session: &mut Session<'_>) {
        if session.marks_appeared {
            self.announce.send_modify(|count| *count = count.wrapping_add(1));
        }
        if session.deadlines_moved {
            self.announce_deadlines.send_modify(|count| *count = count.wrapping_add(1));
        }
        self.changes.tell(session.changes.take());
    }

    /// What is wrong, which is also remembered.
    fn explained(&self, error: StoreError) -> StoreError {
        let error = self.condition.explained(error);
        self.condition.note(&error);
        error
    }
}

/// An error is one that undid the whole group.
fn run_group(
    session: &mut Session<'_>,
    group: &mut [Box<dyn Request>],
    condition: &Condition,
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    if !session.db.is_autocommit() {
        // What failed before could not be undone then.
        session.db.execute_batch("ROLLBACK")?;
    }
    let transaction = Transaction::new_unchecked(session.db, TransactionBehavior::Immediate)?;
    let mut outcomes = Vec::with_capacity(group.len());
    for request in group {
        outcomes.push(run_one(session, request.as_mut())?);
    }
    condition.check()?;
    transaction.commit()?;
    Ok(outcomes)
}

fn run_one(session: &mut Session<'_>, request: &mut dyn Request) -> rusqlite::Result<Result<(), StoreError>> {
    session.db.prepare_cached("SAVEPOINT request")?.execute([])?;
    let (announced, told) = (session.marks_appeared, session.changes.borrow().len());
    let outcome = match request.run(session) {
        // SQLite has already rolled everything back, as it does where a disk is full: the whole group is undone.
        Err(StoreError::Sqlite(error)) if session.db.is_autocommit() => return Err(error),
        outcome => outcome,
    };
    if outcome.is_err() {
        session.shapes.forget();
        session.marks_appeared = announced;
        session.changes.borrow_mut().truncate(told);
        session.db.prepare_cached("ROLLBACK TO request")?.execute([])?;
    }
    session.db.prepare_cached("RELEASE request")?.execute([])?;
    Ok(outcome)
}
