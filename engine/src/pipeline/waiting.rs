//! Waits that people and programs open, and what they decide by hand.

use jiff::Timestamp;

use super::{
    Shared,
    handle::{Handle, HandleError},
    turning::open_waits,
};
use crate::{
    domain::{
        dead_letter::Actor,
        handling::{HandledTask, HandlingError},
        wait::{OpenError, WaitDetail, WaitFilter, WaitId, WaitRequest, WaitState},
    },
    store::StoreError,
};

impl Shared {
    /// Opens a wait. One for another day than this finds what is in the log already of that day, a moment later.
    pub async fn open_wait(
        &self,
        now: Timestamp,
        request: WaitRequest,
    ) -> Result<Result<WaitDetail, OpenError>, StoreError> {
        // Noted before the wait is there: its deadline may have passed already, and waits for what is caught up.
        if request.business_date.is_some() {
            let wanted = self.store.to_look_back_for(now, request.clone()).await?;
            self.store.want_catch_up(wanted).await?;
            self.catching_up.look();
        }
        let marking = self.marking.clone();
        self.store.open_wait(now, request, Box::new(move |target| marking.accepts(target))).await
    }
}

impl Handle {
    /// Opens a wait that somebody asked for.
    pub async fn open_wait(&self, request: WaitRequest) -> Result<Result<WaitDetail, OpenError>, HandleError> {
        Ok(self.shared.open_wait(Timestamp::now(), request).await?)
    }

    /// A wait of a sensor, if it is there.
    pub async fn wait(&self, sensor: &str, name: &str) -> Result<Option<WaitDetail>, HandleError> {
        Ok(self.shared.store.wait(sensor.to_owned(), name.to_owned()).await?)
    }

    /// The newest waits that are meant, older than one.
    pub async fn waits(
        &self,
        filter: WaitFilter,
        before: Option<WaitId>,
        limit: usize,
    ) -> Result<Vec<WaitDetail>, HandleError> {
        Ok(self.shared.store.waits(filter, before, limit).await?)
    }

    /// Cancels a wait. The answer is how it stood before; none: there is none of that name.
    pub async fn cancel_wait(
        &self,
        sensor: String,
        name: String,
        actor: Actor,
        reason: Option<String>,
    ) -> Result<Option<WaitState>, HandleError> {
        Ok(self.shared.store.cancel_wait(sensor, name, actor, reason).await?)
    }

    /// Takes a decision by hand on a task of a wait.
    pub async fn handle_task(&self, task: HandledTask, actor: Actor) -> Result<Result<(), HandlingError>, HandleError> {
        Ok(self.shared.store.handle_task(Timestamp::now(), task, actor).await?)
    }

    /// Pauses a sensor, or lets it go on: then its waits are judged by what came meanwhile. False: there is none of that
    /// name.
    pub async fn pause_sensor(
        &self,
        name: String,
        paused: bool,
        actor: Actor,
        reason: Option<String>,
    ) -> Result<bool, HandleError> {
        let Some(sensor) = self.shared.store.pause_sensor(name, paused, actor, reason).await? else {
            return Ok(false);
        };
        open_waits(&self.shared, Timestamp::now(), &[sensor]).await?;
        Ok(true)
    }
}
