//! The messages of one partition in a queue of their own, from which they are taken many at once.
//!
//! Polled one by one among the consumer's other events, a message costs an event, several locks and looks at the clock: more
//! than to have it judged.
#![expect(unsafe_code, reason = "calls into librdkafka; each says why it is sound")]

use std::{
    borrow::Cow,
    ffi::{CStr, CString, c_void},
    ptr, slice,
    sync::Arc,
};

use rdkafka::{
    bindings::{
        rd_kafka_consume_batch_queue, rd_kafka_header_get_all, rd_kafka_message_destroy, rd_kafka_message_errstr,
        rd_kafka_message_headers, rd_kafka_message_t, rd_kafka_message_timestamp, rd_kafka_queue_cb_event_enable,
        rd_kafka_queue_forward, rd_kafka_queue_get_partition, rd_kafka_t, rd_kafka_timestamp_type_t,
    },
    error::RDKafkaErrorCode,
    types::RDKafkaRespErr,
};

use super::Queue;
use crate::{domain::message::Header, source::desk::Desk};

/// So many messages are taken at once at most: enough that the call costs nothing, few enough that large ones stay within
/// their limit.
pub(in crate::source) const AT_ONCE: usize = 32;

/// The queue of one partition.
#[derive(Debug)]
pub(in crate::source) struct PartitionQueue {
    queue: Queue,
    /// Woken by librdkafka; kept as long as that may be.
    _desk: Arc<Desk>,
}

impl PartitionQueue {
    /// Has the messages of a partition wait here from now on, and the desk woken whenever there are some again. Those
    /// that wait elsewhere already are older. None: the name cannot be a topic's.
    pub(in crate::source) fn open(client: *mut rd_kafka_t, topic: &str, number: i32, desk: &Arc<Desk>) -> Option<Self> {
        let topic = CString::new(topic).ok()?;
        // SAFETY: the client lives, the name is copied.
        let queue = unsafe { rd_kafka_queue_get_partition(client, topic.as_ptr(), number) };
        if queue.is_null() {
            return None;
        }
        let queue = Queue(queue);
        // SAFETY: the queue is ours. The desk lives until the call back is taken away, which `drop` does.
        unsafe {
            rd_kafka_queue_forward(queue.0, ptr::null_mut());
            rd_kafka_queue_cb_event_enable(queue.0, Some(wake), Arc::as_ptr(desk).cast_mut().cast());
        }
        Some(Self { queue, _desk: Arc::clone(desk) })
    }

    /// Takes messages that are there, [`AT_ONCE`] at most, and says how many.
    pub(in crate::source) fn take(&self, most: usize, mut each: impl FnMut(&Taken)) -> usize {
        let mut taken = [ptr::null_mut(); AT_ONCE];
        // SAFETY: the queue lives, and there is room for so many.
        let count = unsafe { rd_kafka_consume_batch_queue(self.queue.0, 0, taken.as_mut_ptr(), most.min(AT_ONCE)) };
        let count = usize::try_from(count).unwrap_or(0);
        taken.iter().take(count).for_each(|message| each(&Taken(*message)));
        count
    }

    /// Lets go of what still waits: librdkafka keeps it after nothing is fetched any more.
    pub(in crate::source) fn clear(&self) {
        while self.take(AT_ONCE, |_| {}) > 0 {}
    }
}

impl Drop for PartitionQueue {
    fn drop(&mut self) {
        // SAFETY: the queue lives. After this nobody calls back.
        unsafe { rd_kafka_queue_cb_event_enable(self.queue.0, None, ptr::null_mut()) }
    }
}

/// # Safety
///
/// `desk` is one.
unsafe extern "C" fn wake(_: *mut rd_kafka_t, desk: *mut c_void) {
    // SAFETY: by the contract of this function.
    unsafe { &*desk.cast_const().cast::<Desk>() }.wake();
}

/// A message, or an error, as librdkafka keeps it. It is ours until it is dropped.
pub(in crate::source) struct Taken(*mut rd_kafka_message_t);

impl Taken {
    fn message(&self) -> &rd_kafka_message_t {
        // SAFETY: it is ours, so it lives.
        unsafe { &*self.0 }
    }

    /// Why there is no message, and librdkafka's words on it.
    pub(in crate::source) fn error(&self) -> Option<(RDKafkaErrorCode, String)> {
        let error = self.message().err;
        if error == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            return None;
        }
        // SAFETY: the message lives, and the text as long as it.
        let words = unsafe { rd_kafka_message_errstr(self.0) };
        let words = if words.is_null() { Cow::default() } else { unsafe { CStr::from_ptr(words) }.to_string_lossy() };
        Some((error.into(), words.into_owned()))
    }

    pub(in crate::source) fn offset(&self) -> i64 {
        self.message().offset
    }

    /// Milliseconds since 1970, negative where there is none.
    pub(in crate::source) fn timestamp(&self) -> i64 {
        let mut kind = rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message lives.
        unsafe { rd_kafka_message_timestamp(self.0, &mut kind) }
    }

    pub(in crate::source) fn key(&self) -> Option<&[u8]> {
        // SAFETY: the message lives, and its key with it.
        unsafe { bytes(self.message().key, self.message().key_len) }
    }

    pub(in crate::source) fn value(&self) -> Option<&[u8]> {
        // SAFETY: the message lives, and its value with it.
        unsafe { bytes(self.message().payload, self.message().len) }
    }

    pub(in crate::source) fn headers(&self) -> Vec<Header> {
        let mut headers = ptr::null_mut();
        // SAFETY: the message lives; its headers, which are parsed now, with it.
        let found = unsafe { rd_kafka_message_headers(self.0, &mut headers) };
        if found != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR || headers.is_null() {
            return Vec::new();
        }
        let header = |index| {
            let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
            // SAFETY: the headers live, their names end with zero, and their values are as long as they say.
            unsafe {
                let found = rd_kafka_header_get_all(headers, index, &mut name, &mut value, &mut size);
                (found == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| Header {
                    name: CStr::from_ptr(name).to_string_lossy().into_owned(),
                    value: bytes(value, size).unwrap_or_default().to_vec(),
                })
            }
        };
        (0..).map_while(header).collect()
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        // SAFETY: it is ours, and not used after this.
        unsafe { rd_kafka_message_destroy(self.0) }
    }
}

/// # Safety
///
/// There are so many bytes, for as long as the result is used, unless there are none.
unsafe fn bytes<'a>(start: *const c_void, length: usize) -> Option<&'a [u8]> {
    // SAFETY: by the contract of this function.
    (!start.is_null()).then(|| unsafe { slice::from_raw_parts(start.cast(), length) })
}
