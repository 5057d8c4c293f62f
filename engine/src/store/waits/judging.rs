//! Where a wait stands: all that it rests on is looked at when it opens, when its sensor is redefined and when its deadline
//! comes; in between only what a match can have changed.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{
    Wait,
    facts::{Fulfilled, Span, fulfilled},
    handling::{self, Handled},
};
use crate::{
    domain::{
        change::Change,
        handling::Handling,
        mark::{MarkKind, TaskState},
        sensor::{Late, Require},
        target::ON_COMPLETE,
        wait::{Awaited, Deadline, OnTimeout, Standing, WaitState},
        wanted::WantedId,
    },
    store::{
        columns,
        error::StoreError,
        marks::{self, Task},
        reader::rows,
        record::Books,
        reports,
        shape::{Shape, WantedShape},
    },
};

/// All facts that a wait rests on, in the order of the wanted messages.
struct Facts {
    fulfilled: Vec<Option<Fulfilled>>,
    awaited: Vec<Awaited>,
    handled: HashMap<WantedId, Handled>,
}

impl Facts {
    fn of(db: &Connection, shape: &Shape, wait: &Wait) -> Result<Self, StoreError> {
        let handled = handling::of(db, wait)?;
        let (mut all, mut awaited) = (Vec::new(), Vec::new());
        for wanted in &shape.wanted {
            let found = one(db, shape, wait, wanted, &handled)?;
            let skipped = handled.get(&wanted.id).is_some_and(|handled| handled.act == Handling::Skip);
            let closes = wait.window(shape, wanted).end();
            awaited.push(Awaited { received: found.map(|it| it.at), closes, required: !wanted.optional && !skipped });
            all.push(found);
        }
        Ok(Self { fulfilled: all, awaited, handled })
    }

    /// So many of the required ones need not be there. Where some are skipped by hand no more than the rest are needed.
    fn may_lack(&self, shape: &Shape) -> usize {
        let required = self.awaited.iter().filter(|awaited| awaited.required).count();
        required.saturating_sub(shape.needed())
    }

    fn standing(&self, shape: &Shape, deadline: Deadline) -> Standing {
        Standing::of(&self.awaited, self.may_lack(shape), deadline)
    }

    fn is_skipped(&self, wanted: &WantedShape) -> bool {
        self.handled.get(&wanted.id).is_some_and(|handled| handled.act == Handling::Skip)
    }
}

fn one(
    db: &Connection,
    shape: &Shape,
    wait: &Wait,
    wanted: &WantedShape,
    handled: &HashMap<WantedId, Handled>,
) -> Result<Option<Fulfilled>, StoreError> {
    let handled = handled.get(&wanted.id);
    let after = match handled {
        Some(Handled { act: Handling::Mark, at }) => return Ok(Some(Fulfilled { at: *at, found: None })),
        Some(Handled { act: Handling::Unmark, at }) => Some(*at),
        Some(Handled { act: Handling::Skip, .. }) | None => None,
    };
    let (window, business_date) = (wait.window(shape, wanted), wait.business_date);
    fulfilled(db, wanted, &Span { window, business_date, after })
}

/// How a wanted message of a wait stands.
pub(in crate::store) struct Stands {
    pub(in crate::store) fulfilled: Option<Fulfilled>,
    /// Before the deadline.
    pub(in crate::store) in_time: bool,
    pub(in crate::store) skipped: bool,
}

/// How the wanted messages of a wait stand, in their order, and how many of those that are required may be lacking.
pub(in crate::store) fn look(db: &Connection, shape: &Shape, wait: &Wait) -> Result<(Vec<Stands>, usize), StoreError> {
    let facts = Facts::of(db, shape, wait)?;
    let deadline = match (wait.state, wait.deadline) {
        (WaitState::Waiting, _) => wait.give_up(),
        (WaitState::Failed | WaitState::Skipped, Some(deadline)) => Deadline::At(deadline),
        _ => Deadline::Never,
    };
    let standing = facts.standing(shape, deadline);
    let each = shape.wanted.iter().zip(&facts.fulfilled).zip(standing.received);
    let stands = |((wanted, fulfilled), in_time): ((&WantedShape, &Option<Fulfilled>), bool)| Stands {
        fulfilled: *fulfilled,
        in_time,
        skipped: facts.is_skipped(wanted),
    };
    Ok((each.map(stands).collect(), facts.may_lack(shape)))
}

/// Looks at everything that a wait rests on, and does what follows.
pub(super) fn judge(books: &mut Books<'_, '_>, shape: &Shape, wait: &Wait) -> Result<(), StoreError> {
    let facts = Facts::of(books.db(), shape, wait)?;
    let standing = facts.standing(shape, wait.give_up());
    mark_received(books, shape, wait, &facts, &standing)?;
    was_judged(books, shape, wait)?;
    if standing.complete {
        return complete(books, shape, wait);
    }
    note(books, shape, wait, standing.lacks.map(|place| shape.wanted[place].id), standing.deadline)
}

/// The sensor wants something else than before. A wait that has ended well does not end badly by that: where it could
/// not be complete any more, it stays.
pub(super) fn judge_again(
    books: &mut Books<'_, '_>,
    shape: &Shape,
    wait: &Wait,
    now: Timestamp,
) -> Result<(), StoreError> {
    let stays = match wait.state {
        WaitState::Complete => {
            let standing = Facts::of(books.db(), shape, wait)?.standing(shape, wait.give_up());
            !standing.complete && standing.deadline.is_some_and(|deadline| deadline <= now)
        }
        WaitState::Failed | WaitState::Skipped => {
            heal(books, shape, wait)?;
            true
        }
        WaitState::Waiting | WaitState::Cancelled => false,
    };
    if stays { was_judged(books, shape, wait) } else { judge(books, shape, wait) }
}

fn was_judged(books: &Books<'_, '_>, shape: &Shape, wait: &Wait) -> Result<(), StoreError> {
    let judged = "UPDATE waits SET revision = ?2 WHERE id = ?1";
    books.db().prepare_cached(judged)?.execute(params![wait.id.0, shape.revision])?;
    Ok(())
}

/// Marks the tasks whose messages are all in, and those of which somebody decided so.
fn mark_received(
    books: &mut Books<'_, '_>,
    shape: &Shape,
    wait: &Wait,
    facts: &Facts,
    standing: &Standing,
) -> Result<(), StoreError> {
    for task_id in shape.tasks() {
        marks::await_task(books.session, wait.task(shape, task_id), &books.now)?;
        let places = || shape.places_of(task_id).iter().copied();
        let skipped = places().all(|place| facts.is_skipped(&shape.wanted[place]) && !standing.received[place]);
        if skipped {
            marks::mark(books.session, wait.task(shape, task_id), TaskState::Skipped, None, &books.now)?;
        } else if places().all(|place| standing.received[place] || facts.is_skipped(&shape.wanted[place])) {
            let last = places().filter_map(|place| facts.fulfilled[place]).max_by_key(|it| (it.at, it.found));
            let evidence = last.and_then(|it| it.found);
            marks::mark(books.session, wait.task(shape, task_id), TaskState::Success, evidence, &books.now)?;
        }
    }
    Ok(())
}

/// Where several messages are needed: the number of the last match, if they are here in time.
pub(super) fn counted_up(
    books: &Books<'_, '_>,
    shape: &Shape,
    wait: &Wait,
    place: usize,
) -> Result<Option<i64>, StoreError> {
    let found = one(books.db(), shape, wait, &shape.wanted[place], &HashMap::new())?;
    let in_time = found.filter(|it| wait.deadline.is_none_or(|deadline| it.at < deadline));
    Ok(in_time.and_then(|it| it.found))
}

/// Several wanted messages may share a task: it is marked when the last of them is in.
pub(super) fn mark_when_all_in(
    books: &mut Books<'_, '_>,
    shape: &Shape,
    wait: &Wait,
    place: usize,
    found: i64,
) -> Result<(), StoreError> {
    let task_id = &shape.wanted[place].task_id;
    if shape.places_of(task_id).len() > 1 {
        for wanted in shape.sharing(task_id) {
            if !is_received(books, shape, wait, wanted, wait.deadline)? {
                return Ok(());
            }
        }
    }
    marks::mark(books.session, wait.task(shape, task_id), TaskState::Success, Some(found), &books.now)
}

fn is_received(
    books: &Books<'_, '_>,
    shape: &Shape,
    wait: &Wait,
    wanted: &WantedShape,
    before: Option<Timestamp>,
) -> Result<bool, StoreError> {
    let found = one(books.db(), shape, wait, wanted, &HashMap::new())?;
    Ok(found.is_some_and(|it| before.is_none_or(|before| it.at < before)))
}

/// After the wanted message at `place` was fulfilled: is the wait complete now?
pub(super) fn complete_when_due(
    books: &mut Books<'_, '_>,
    shape: &Shape,
    wait: &Wait,
    place: usize,
) -> Result<(), StoreError> {
    let awaited = wait.lacks.filter(|lacks| shape.place(*lacks).is_some());
    if shape.require == Require::All && awaited.is_some_and(|lacks| lacks != shape.wanted[place].id) {
        return Ok(());
    }
    match first_lacking(books, shape, wait, place + 1)? {
        Some(first) if !wait.moving || wait.window(shape, first).end() == wait.deadline => {
            note(books, shape, wait, Some(first.id), wait.deadline)
        }
        None if !wait.moving => complete(books, shape, wait),
        // What came after the deadline as it was may count now.
        _ => judge(books, shape, wait),
    }
}

/// Of the wanted messages that are lacking, the one whose window ends first. None: the wait is complete. Of those that end
/// together the search begins at `from`, so that a wait on many messages does not look at all of them with each.
fn first_lacking<'a>(
    books: &Books<'_, '_>,
    shape: &'a Shape,
    wait: &Wait,
    from: usize,
) -> Result<Option<&'a WantedShape>, StoreError> {
    let end = |places: &&[usize]| {
        let end = places.first().and_then(|first| wait.window(shape, &shape.wanted[*first]).end());
        end.unwrap_or(Timestamp::MAX)
    };
    let mut required: Vec<_> = shape.required().collect();
    required.sort_by_cached_key(end);
    let may_lack = required.iter().map(|places| places.len()).sum::<usize>() - shape.needed();
    let before = wait.deadline.filter(|_| !wait.moving);
    let (mut first, mut lacking) = (None, 0);
    for places in required {
        let (earlier, later) = places.split_at(places.partition_point(|place| *place < from));
        for wanted in later.iter().chain(earlier).map(|place| &shape.wanted[*place]) {
            if !is_received(books, shape, wait, wanted, before)? {
                first = first.or(Some(wanted));
                lacking += 1;
            }
            if lacking > may_lack {
                return Ok(first);
            }
        }
    }
    Ok(None)
}

/// A wait whose deadline has passed: what came too late, or was decided by hand, still marks its tasks, and may complete it.
pub(super) fn heal(books: &mut Books<'_, '_>, shape: &Shape, wait: &Wait) -> Result<(), StoreError> {
    is_healed(books, shape, wait).map(drop)
}

/// The same. True: it is complete now.
fn is_healed(books: &mut Books<'_, '_>, shape: &Shape, wait: &Wait) -> Result<bool, StoreError> {
    let facts = Facts::of(books.db(), shape, wait)?;
    let deadline = match (wait.late, wait.deadline) {
        // A decision on one task lets no late message of another one count.
        (Late::Ignore, Some(deadline)) => Deadline::At(deadline),
        _ => Deadline::Never,
    };
    let standing = facts.standing(shape, deadline);
    mark_received(books, shape, wait, &facts, &standing)?;
    if standing.complete {
        complete(books, shape, wait)?;
        reports::healed(books, wait.id)?;
    }
    Ok(standing.complete)
}

/// The deadline has come: the wait is complete, or its deadline has moved, or it ends.
pub(super) fn end(books: &mut Books<'_, '_>, shape: &Shape, wait: &Wait) -> Result<(), StoreError> {
    let facts = Facts::of(books.db(), shape, wait)?;
    let standing = facts.standing(shape, wait.give_up());
    mark_received(books, shape, wait, &facts, &standing)?;
    if standing.complete {
        return complete(books, shape, wait);
    }
    // Where it has moved, more has to be read before that one takes effect.
    let Some(deadline) = standing.deadline.filter(|deadline| wait.deadline == Some(*deadline)) else {
        return note(books, shape, wait, standing.lacks.map(|place| shape.wanted[place].id), standing.deadline);
    };
    let (state, task) = match wait.on_timeout {
        OnTimeout::Fail => (WaitState::Failed, TaskState::Failed),
        OnTimeout::Skip => (WaitState::Skipped, TaskState::Skipped),
    };
    mark_pending(books, shape, wait, task)?;
    let sql = "UPDATE waits SET state = ?2, ended_at = ?3, ended_by = 'deadline', deadline = ?3 WHERE id = ?1";
    books.db().prepare_cached(sql)?.execute(params![wait.id.0, state.word(), columns::instant(deadline)])?;
    tell_ended(books, shape, wait, state);
    books.waits.changed(shape.id);
    mark_whole(books, shape, wait, task)?;
    reports::missing(books, wait.id)?;
    let healed = wait.late == Late::Heal && is_healed(books, shape, wait)?;
    if healed { Ok(()) } else { marks::tell_if_settled(books.session, wait.id) }
}

fn note(
    books: &mut Books<'_, '_>,
    shape: &Shape,
    wait: &Wait,
    lacks: Option<WantedId>,
    deadline: Option<Timestamp>,
) -> Result<(), StoreError> {
    let deadline = if wait.moving { deadline } else { wait.deadline };
    let sql = "UPDATE waits SET state = 'waiting', ended_at = NULL, ended_by = NULL, lacks = ?2, deadline = ?3
                WHERE id = ?1";
    let values = params![wait.id.0, lacks.map(|lacks| lacks.0), deadline.map(columns::instant)];
    books.db().prepare_cached(sql)?.execute(values)?;
    books.waits.changed(shape.id);
    books.session.deadlines_moved |= deadline != wait.deadline || wait.state != WaitState::Waiting;
    if wait.state != WaitState::Waiting {
        withdraw_whole(books, wait)?;
        books.session.tell(Change::WaitOpened { sensor: shape.name.clone(), wait: wait.name.clone() });
    }
    Ok(())
}

fn complete(books: &mut Books<'_, '_>, shape: &Shape, wait: &Wait) -> Result<(), StoreError> {
    let sql = "UPDATE waits SET state = 'complete', ended_at = ?2, ended_by = NULL, lacks = NULL WHERE id = ?1";
    books.db().prepare_cached(sql)?.execute(params![wait.id.0, books.now])?;
    books.waits.changed(shape.id);
    tell_ended(books, shape, wait, WaitState::Complete);
    if shape.needed() < shape.wanted.len() || wait.handled {
        mark_pending(books, shape, wait, TaskState::Skipped)?;
    }
    mark_whole(books, shape, wait, TaskState::Success)?;
    marks::tell_if_settled(books.session, wait.id)
}

/// Marks what stands for the whole wait, which has ended.
fn mark_whole(books: &mut Books<'_, '_>, shape: &Shape, wait: &Wait, state: TaskState) -> Result<(), StoreError> {
    let sql = "SELECT target FROM waits WHERE id = ?1";
    let target = books.db().prepare_cached(sql)?.query_row([wait.id.0], |row| columns::read_target(row, 0))?;
    if let Some(gate) = target.gate() {
        let task = Task { kind: MarkKind::Gate, ..wait.task(shape, gate) };
        marks::mark(books.session, task, state, None, &books.now)?;
    }
    if target.on_complete().is_some() && state == TaskState::Success {
        let task = Task { kind: MarkKind::OnComplete, ..wait.task(shape, ON_COMPLETE) };
        marks::mark(books.session, task, state, None, &books.now)?;
    }
    Ok(())
}

/// A wait that waits again has no outcome that could be told.
fn withdraw_whole(books: &Books<'_, '_>, wait: &Wait) -> Result<(), StoreError> {
    let sql = "DELETE FROM marks WHERE wait_id = ?1 AND kind <> 'task' AND status = 'pending'";
    books.db().prepare_cached(sql)?.execute([wait.id.0])?;
    Ok(())
}

fn tell_ended(books: &Books<'_, '_>, shape: &Shape, wait: &Wait, state: WaitState) {
    if wait.state != state {
        books.session.tell(Change::WaitEnded { sensor: shape.name.clone(), wait: wait.name.clone(), state });
    }
}

/// Marks the tasks that nothing was said about.
fn mark_pending(books: &mut Books<'_, '_>, shape: &Shape, wait: &Wait, state: TaskState) -> Result<(), StoreError> {
    let marked = "SELECT task_id FROM marks WHERE wait_id = ?1";
    let marked: HashSet<String> = rows(books.db(), marked, [wait.id.0], |row| row.get(0))?.into_iter().collect();
    for task_id in shape.tasks().into_iter().filter(|task| !marked.contains(*task)) {
        marks::mark(books.session, wait.task(shape, task_id), state, None, &books.now)?;
    }
    Ok(())
}
