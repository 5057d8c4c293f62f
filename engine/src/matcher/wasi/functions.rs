//! The functions of WASI that mean something where there is nothing, by interface.

use wasmtime::{
    StoreContextMut,
    component::{ComponentType, LinkerInstance, Lower, Resource},
};

use super::Nothing;
use crate::matcher::{bindings::eventlatch::matcher::host::Level, guest::Guest};

type At<'a, 'b> = &'a mut LinkerInstance<'b, Guest>;
type Store<'a> = StoreContextMut<'a, Guest>;
type Done = wasmtime::Result<()>;

/// The numbers of the resources that are not all the same.
const STANDARD_OUTPUT: u32 = 1;
const STANDARD_ERROR: u32 = 2;

/// An output takes so many bytes at once.
const WRITABLE: u64 = 64 << 10;

#[derive(ComponentType, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    #[expect(dead_code, reason = "the interface has it; nothing here fails")]
    LastOperationFailed(Resource<Nothing>),
    #[component(name = "closed")]
    Closed,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

/// Defines what an interface has.
pub(super) fn define(at: At<'_, '_>, interface: &str) -> Done {
    match interface {
        "cli/environment" => environment(at),
        "cli/stdin" => standard(at, "get-stdin", 0),
        "cli/stdout" => standard(at, "get-stdout", STANDARD_OUTPUT),
        "cli/stderr" => standard(at, "get-stderr", STANDARD_ERROR),
        "cli/terminal-stdin" => no_terminal(at, "get-terminal-stdin"),
        "cli/terminal-stdout" => no_terminal(at, "get-terminal-stdout"),
        "cli/terminal-stderr" => no_terminal(at, "get-terminal-stderr"),
        "clocks/monotonic-clock" => monotonic_clock(at),
        "clocks/wall-clock" => wall_clock(at),
        "filesystem/preopens" => {
            at.func_wrap("get-directories", |_, (): ()| Ok((Vec::<(Resource<Nothing>, String)>::new(),)))
        }
        "io/poll" => poll(at),
        "io/streams" => input(at).and_then(|()| output(at)),
        "random/random" => random(at, "get-random-bytes", "get-random-u64"),
        "random/insecure" => random(at, "get-insecure-random-bytes", "get-insecure-random-u64"),
        "random/insecure-seed" => at.func_wrap("insecure-seed", |_, (): ()| Ok(((0u64, 0u64),))),
        _ => Ok(()),
    }
}

fn environment(at: At<'_, '_>) -> Done {
    at.func_wrap("get-environment", |_, (): ()| Ok((Vec::<(String, String)>::new(),)))?;
    at.func_wrap("get-arguments", |_, (): ()| Ok((Vec::<String>::new(),)))?;
    at.func_wrap("initial-cwd", |_, (): ()| Ok((None::<String>,)))
}

fn standard(at: At<'_, '_>, name: &str, number: u32) -> Done {
    at.func_wrap(name, move |mut store: Store<'_>, (): ()| Ok((store.data_mut().handles.take(number)?,)))
}

fn no_terminal(at: At<'_, '_>, name: &str) -> Done {
    at.func_wrap(name, |_, (): ()| Ok((None::<Resource<Nothing>>,)))
}

/// Something to wait for, which is ready.
fn pollable(mut store: Store<'_>) -> wasmtime::Result<(Resource<Nothing>,)> {
    Ok((store.data_mut().handles.take(0)?,))
}

fn monotonic_clock(at: At<'_, '_>) -> Done {
    at.func_wrap("now", |_, (): ()| Ok((0u64,)))?;
    at.func_wrap("resolution", |_, (): ()| Ok((1u64,)))?;
    at.func_wrap("subscribe-instant", |store, (_,): (u64,)| pollable(store))?;
    at.func_wrap("subscribe-duration", |store, (_,): (u64,)| pollable(store))
}

fn wall_clock(at: At<'_, '_>) -> Done {
    at.func_wrap("now", |_, (): ()| Ok((Datetime { seconds: 0, nanoseconds: 0 },)))?;
    at.func_wrap("resolution", |_, (): ()| Ok((Datetime { seconds: 1, nanoseconds: 0 },)))
}

fn poll(at: At<'_, '_>) -> Done {
    at.func_wrap("[method]pollable.ready", |_, (_,): (Resource<Nothing>,)| Ok((true,)))?;
    at.func_wrap("[method]pollable.block", |_, (_,): (Resource<Nothing>,)| Ok(()))?;
    at.func_wrap("poll", |_, (all,): (Vec<Resource<Nothing>>,)| {
        Ok(((0u32..).zip(all).map(|it| it.0).collect::<Vec<_>>(),))
    })
}

/// The standard input is at its end.
fn input(at: At<'_, '_>) -> Done {
    for read in ["[method]input-stream.read", "[method]input-stream.blocking-read"] {
        at.func_wrap(read, |_, (_, _): (Resource<Nothing>, u64)| Ok((Err::<Vec<u8>, _>(StreamError::Closed),)))?;
    }
    for skip in ["[method]input-stream.skip", "[method]input-stream.blocking-skip"] {
        at.func_wrap(skip, |_, (_, _): (Resource<Nothing>, u64)| Ok((Err::<u64, _>(StreamError::Closed),)))?;
    }
    at.func_wrap("[method]input-stream.subscribe", |store, (_,): (Resource<Nothing>,)| pollable(store))
}

/// What is printed is logged.
fn output(at: At<'_, '_>) -> Done {
    at.func_wrap("[method]output-stream.check-write", |_, (_,): (Resource<Nothing>,)| {
        Ok((Ok::<_, StreamError>(WRITABLE),))
    })?;
    for write in ["[method]output-stream.write", "[method]output-stream.blocking-write-and-flush"] {
        at.func_wrap(write, |mut store: Store<'_>, (output, text): (Resource<Nothing>, Vec<u8>)| {
            let level = if output.rep() == STANDARD_ERROR { Level::Warn } else { Level::Info };
            store.data_mut().print(level, &text);
            Ok((Ok::<_, StreamError>(()),))
        })?;
    }
    for flush in ["[method]output-stream.flush", "[method]output-stream.blocking-flush"] {
        at.func_wrap(flush, |_, (_,): (Resource<Nothing>,)| Ok((Ok::<_, StreamError>(()),)))?;
    }
    at.func_wrap("[method]output-stream.subscribe", |store, (_,): (Resource<Nothing>,)| pollable(store))
}

fn random(at: At<'_, '_>, bytes: &str, number: &str) -> Done {
    at.func_wrap(bytes, |mut store: Store<'_>, (count,): (u64,)| Ok((store.data_mut().random_bytes(count)?,)))?;
    at.func_wrap(number, |mut store: Store<'_>, (): ()| Ok((store.data_mut().random.next(),)))
}
