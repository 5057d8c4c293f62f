//! What librdkafka can do and its Rust interface does not offer: commits with an answer for each partition, and the
//! metadata of committed offsets whatever is in it.
//!
//! Each function takes a living client, and gives back what librdkafka lends it before it returns.
#![expect(unsafe_code, reason = "calls into librdkafka; each says why it is sound")]

use std::{slice, time::Duration};

use rdkafka::{
    TopicPartitionList,
    bindings::{
        rd_kafka_commit_queue, rd_kafka_event_destroy, rd_kafka_event_error, rd_kafka_event_topic_partition_list,
        rd_kafka_queue_destroy, rd_kafka_queue_new, rd_kafka_queue_poll, rd_kafka_queue_t, rd_kafka_t,
        rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_t,
    },
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
    types::RDKafkaRespErr,
};

/// A queue of one's own for answers.
struct Queue(*mut rd_kafka_queue_t);

impl Queue {
    fn new(client: *mut rd_kafka_t) -> Self {
        // SAFETY: the client is alive. librdkafka aborts where it has no memory, so the queue is there.
        Self(unsafe { rd_kafka_queue_new(client) })
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: it is ours, and not used after this.
        unsafe { rd_kafka_queue_destroy(self.0) }
    }
}

/// Commits these offsets and waits for the answer. An error of one partition is an error; what came of a commit that is
/// not answered in time is not known.
pub(super) fn commit(client: *mut rd_kafka_t, list: &TopicPartitionList, patience: Duration) -> KafkaResult<()> {
    let queue = Queue::new(client);
    // SAFETY: client, list and queue live; the list is copied.
    let asked = unsafe { rd_kafka_commit_queue(client, list.ptr(), queue.0, None, std::ptr::null_mut()) };
    succeeded(asked)?;
    let millis = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: the queue lives. The event is ours until it is destroyed below.
    let event = unsafe { rd_kafka_queue_poll(queue.0, millis) };
    if event.is_null() {
        return Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::OperationTimedOut));
    }
    // SAFETY: the event lives, and what it lends is read before it is destroyed.
    let outcome = unsafe {
        let of_all = rd_kafka_event_error(event);
        let answered = elements(rd_kafka_event_topic_partition_list(event));
        let outcome = succeeded(of_all).and_then(|()| answered.iter().try_for_each(|element| succeeded(element.err)));
        rd_kafka_event_destroy(event);
        outcome
    };
    outcome
}

fn succeeded(error: RDKafkaRespErr) -> KafkaResult<()> {
    match error {
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        error => Err(KafkaError::ConsumerCommit(error.into())),
    }
}

/// The metadata of each element, in order. It is anybody's: what is no text is shown as far as it is.
pub(super) fn metadata(list: &TopicPartitionList) -> Vec<String> {
    // SAFETY: the list lives, its elements with it, and their metadata is as long as they say.
    let of = |element: &rd_kafka_topic_partition_t| match element.metadata_size {
        0 => String::new(),
        _ if element.metadata.is_null() => String::new(),
        size => unsafe {
            String::from_utf8_lossy(slice::from_raw_parts(element.metadata.cast::<u8>(), size)).into_owned()
        },
    };
    // SAFETY: as above.
    unsafe { elements(list.ptr()) }.iter().map(of).collect()
}

/// # Safety
///
/// The list is null, or it lives as long as what is made of it.
unsafe fn elements<'a>(list: *const rd_kafka_topic_partition_list_t) -> &'a [rd_kafka_topic_partition_t] {
    // SAFETY: by the contract of this function.
    let Some(list) = (unsafe { list.as_ref() }) else { return &[] };
    match usize::try_from(list.cnt) {
        // SAFETY: librdkafka keeps so many elements there.
        Ok(count) if count > 0 && !list.elems.is_null() => unsafe { slice::from_raw_parts(list.elems, count) },
        _ => &[],
    }
}
