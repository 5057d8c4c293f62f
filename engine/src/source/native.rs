//! What librdkafka can do and its Rust interface does not offer: commits with an answer for each partition, and the
//! metadata of committed offsets whatever is in it, and the ids of topics.
//!
//! Each function takes a living client, and gives back what librdkafka lends it before it returns. What stays longer is
//! [`partition_queue`].
#![expect(unsafe_code, reason = "calls into librdkafka; each says why it is sound")]

pub(super) mod partition_queue;

use std::{
    collections::BTreeMap,
    ffi::{CStr, CString, c_char},
    slice,
    time::Duration,
};

use rdkafka::{
    TopicPartitionList,
    bindings::{
        rd_kafka_AdminOptions_destroy, rd_kafka_AdminOptions_new, rd_kafka_AdminOptions_set_request_timeout,
        rd_kafka_DescribeTopics, rd_kafka_DescribeTopics_result_t, rd_kafka_DescribeTopics_result_topics,
        rd_kafka_TopicCollection_destroy, rd_kafka_TopicCollection_of_topic_names, rd_kafka_TopicDescription_error,
        rd_kafka_TopicDescription_name, rd_kafka_TopicDescription_t, rd_kafka_TopicDescription_topic_id,
        rd_kafka_Uuid_base64str, rd_kafka_admin_op_t, rd_kafka_commit_queue, rd_kafka_error_code,
        rd_kafka_event_DescribeTopics_result, rd_kafka_event_destroy, rd_kafka_event_error,
        rd_kafka_event_topic_partition_list, rd_kafka_queue_destroy, rd_kafka_queue_new, rd_kafka_queue_poll,
        rd_kafka_queue_t, rd_kafka_t, rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_t,
    },
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
    types::RDKafkaRespErr,
};

/// The id of topics where brokers have none.
const NO_ID: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// A queue of one's own.
#[derive(Debug)]
struct Queue(*mut rd_kafka_queue_t);

impl Queue {
    fn new(client: *mut rd_kafka_t) -> Self {
        // SAFETY: the client is alive. librdkafka aborts where it has no memory, so the queue is there.
        Self(unsafe { rd_kafka_queue_new(client) })
    }
}

// SAFETY: librdkafka's queues may be used by any thread.
unsafe impl Send for Queue {}

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
    unsafe {
        let of_all = rd_kafka_event_error(event);
        let answered = elements(rd_kafka_event_topic_partition_list(event));
        let outcome = succeeded(of_all).and_then(|()| answered.iter().try_for_each(|element| succeeded(element.err)));
        rd_kafka_event_destroy(event);
        outcome
    }
}

fn succeeded(error: RDKafkaRespErr) -> KafkaResult<()> {
    match error {
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        error => Err(KafkaError::ConsumerCommit(error.into())),
    }
}

/// The ids of those of these topics that have one.
pub(super) fn topic_ids(
    client: *mut rd_kafka_t,
    topics: &[&str],
    patience: Duration,
) -> KafkaResult<BTreeMap<String, String>> {
    // A name with a zero in it is none.
    let names: Vec<_> = topics.iter().filter_map(|topic| CString::new(*topic).ok()).collect();
    let mut pointers: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
    if pointers.is_empty() {
        return Ok(BTreeMap::new());
    }
    let queue = Queue::new(client);
    let millis = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: the client lives; the names are copied; options and names are ours and given back at once.
    unsafe {
        let asked = rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
        let options = rd_kafka_AdminOptions_new(client, rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS);
        rd_kafka_AdminOptions_set_request_timeout(options, millis, std::ptr::null_mut(), 0);
        rd_kafka_DescribeTopics(client, asked, options, queue.0);
        rd_kafka_AdminOptions_destroy(options);
        rd_kafka_TopicCollection_destroy(asked);
    }
    // SAFETY: the queue lives. The event is ours until it is destroyed below.
    let event = unsafe { rd_kafka_queue_poll(queue.0, millis) };
    if event.is_null() {
        return Err(KafkaError::AdminOp(RDKafkaErrorCode::OperationTimedOut));
    }
    // SAFETY: the event lives, and what it lends is copied before it is destroyed.
    unsafe {
        let error = rd_kafka_event_error(event);
        let ids = described(rd_kafka_event_DescribeTopics_result(event));
        rd_kafka_event_destroy(event);
        match error {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(ids),
            error => Err(KafkaError::AdminOp(error.into())),
        }
    }
}

/// # Safety
///
/// The result is null, or its event lives.
unsafe fn described(result: *const rd_kafka_DescribeTopics_result_t) -> BTreeMap<String, String> {
    if result.is_null() {
        return BTreeMap::new();
    }
    let mut count = 0;
    // SAFETY: by the contract of this function; librdkafka gives so many topics as it says, each with a name, and an id
    // whose text it keeps.
    unsafe {
        let topics = rd_kafka_DescribeTopics_result_topics(result, &mut count);
        if topics.is_null() {
            return BTreeMap::new();
        }
        let text = |text: *const c_char| CStr::from_ptr(text).to_string_lossy().into_owned();
        let id = |topic: &*const rd_kafka_TopicDescription_t| {
            let id = rd_kafka_TopicDescription_topic_id(*topic);
            let known = rd_kafka_error_code(rd_kafka_TopicDescription_error(*topic));
            let is_known = known == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR && !id.is_null();
            is_known.then(|| (text(rd_kafka_TopicDescription_name(*topic)), text(rd_kafka_Uuid_base64str(id))))
        };
        slice::from_raw_parts(topics, count).iter().filter_map(id).filter(|(_, id)| id != NO_ID).collect()
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
