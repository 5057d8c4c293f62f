//! Catching up as `pipeline` asks for it. What touches many rows is done in several transactions.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{Timestamp, civil::Date};

use super::{
    super::{ActiveWanted, Store, columns, error::StoreError},
    AT_ONCE, Begun, begin, finish, gather, give_up, note, note_rendered_day, plan, record, want,
};
use crate::domain::{
    calendar::Calendar,
    catch_up::{Block, CatchUp, CaughtUp, ScanId, Stretch, Target},
    wanted::WantedId,
};

impl Store {
    /// Has renderings of business dates caught up: what is in the log already is looked at once more.
    pub async fn want_catch_up(&self, targets: Vec<Target>) -> Result<(), StoreError> {
        for some in targets.chunks(AT_ONCE as usize) {
            let some = some.to_vec();
            self.writer.call(move |session| want(session, &some)).await?;
        }
        Ok(())
    }

    /// Begins a scan of a topic with all that is due, or goes on with the one that has begun.
    pub async fn begin_catch_up(&self, topic: Arc<str>, now: Timestamp) -> Result<ScanId, StoreError> {
        let (of, now) = (Arc::clone(&topic), columns::instant(now));
        let Begun { scan, is_new } = self.writer.call(move |session| begin(session, &of)).await?;
        let mut next = is_new.then_some(WantedId(0));
        while let Some(after) = next {
            let (topic, now) = (Arc::clone(&topic), now.clone());
            next = self.writer.call(move |session| gather(session, scan, &topic, &now, after)).await?;
        }
        Ok(scan)
    }

    /// Notes what a scan reads.
    pub async fn plan_catch_up(&self, scan: ScanId, stretches: Vec<Stretch>) -> Result<(), StoreError> {
        self.writer.call(move |session| plan(session, scan, &stretches)).await
    }

    /// Takes a piece whole and moves the scan with it. False: it is not where the piece begins, and nothing was written.
    pub async fn record_catch_up(&self, piece: CaughtUp) -> Result<bool, StoreError> {
        self.writer.call(move |session| record(session, &piece)).await
    }

    /// Notes why a scan does not get on.
    pub async fn note_catch_up(&self, scan: ScanId, reason: String) -> Result<(), StoreError> {
        self.writer.call(move |session| note(session, scan, &reason)).await
    }

    /// Ends a scan: what it was for is forgotten.
    pub async fn finish_catch_up(&self, scan: ScanId, topic: Arc<str>) -> Result<(), StoreError> {
        loop {
            let topic = Arc::clone(&topic);
            if !self.writer.call(move |session| finish(session, scan, &topic)).await? {
                return Ok(());
            }
        }
    }

    /// Forgets all that is due, where there is no log to read back.
    pub async fn give_up_catch_ups(&self, now: Timestamp) -> Result<(), StoreError> {
        loop {
            let now = columns::instant(now);
            if !self.writer.call(move |session| give_up(session, &now)).await? {
                return Ok(());
            }
        }
    }

    /// Notes that a business date of a calendar is rendered whole.
    pub async fn note_rendered_day(&self, calendar: &Calendar, date: Date) -> Result<(), StoreError> {
        let (zone, shift) = (zone_name(calendar), calendar.day_shift_seconds());
        self.writer.call(move |session| note_rendered_day(session, &zone, shift, &columns::date(date))).await
    }

    /// Whether a business date of a calendar was rendered whole before.
    pub async fn was_rendered(&self, calendar: &Calendar, date: Date) -> Result<bool, StoreError> {
        let (zone, shift) = (zone_name(calendar), calendar.day_shift_seconds());
        self.report(move |reader| reader.was_rendered(&zone, shift, date)).await
    }

    /// Whether something of a topic is being caught up, or is about to be: not all is known yet of what it brought. The
    /// answer says how much was read for it so far.
    pub async fn catching_up(&self, topic: String, now: Timestamp) -> Result<Option<i64>, StoreError> {
        self.read(move |reader| reader.catching_up(&topic, now)).await
    }

    /// The newest catch-ups, those of one scan together.
    pub async fn catch_ups(&self, limit: usize) -> Result<Vec<CatchUp>, StoreError> {
        self.report(move |reader| reader.catch_ups(limit)).await
    }

    /// What of a scan is planned.
    pub async fn scan(&self, scan: ScanId) -> Result<Vec<CatchUp>, StoreError> {
        self.report(move |reader| reader.scan(scan)).await
    }

    /// How many wanted messages of each topic wait to be caught up, or are.
    pub async fn to_catch_up(&self, now: Timestamp) -> Result<BTreeMap<Arc<str>, u64>, StoreError> {
        self.report(move |reader| reader.to_catch_up(now)).await
    }

    /// When a date begins that is to be caught up then.
    pub async fn next_catch_up(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.report(move |reader| reader.next_catch_up(now)).await
    }

    /// What a scan is for, with the number of wanted messages.
    pub async fn catch_up_blocks(&self, scan: ScanId, topic: Arc<str>) -> Result<Vec<(Block, u64)>, StoreError> {
        self.report(move |reader| reader.blocks(scan, &topic)).await
    }

    /// The next wanted messages that a scan is for, behind one.
    pub async fn catch_up_targets(
        &self,
        scan: ScanId,
        topic: Arc<str>,
        after: Option<Target>,
        limit: usize,
    ) -> Result<Vec<(ActiveWanted, Date)>, StoreError> {
        self.report(move |reader| reader.targets(scan, &topic, after, limit)).await
    }
}

fn zone_name(calendar: &Calendar) -> String {
    calendar.zone.iana_name().unwrap_or_default().to_owned()
}
