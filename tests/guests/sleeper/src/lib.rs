//! A matcher that uses WASI, as the libraries of other languages do: it sleeps, prints, asks for the time and for
//! random numbers. Each message says what to do; its key is what came of it.

use eventlatch_sdk::prelude::*;

wit_bindgen::generate!({
    inline: r#"
        package test:sleeper;

        world imports {
            import wasi:io/poll@0.2.3;
            import wasi:io/streams@0.2.3;
            import wasi:clocks/monotonic-clock@0.2.3;
            import wasi:clocks/wall-clock@0.2.3;
            import wasi:random/random@0.2.3;
            import wasi:cli/environment@0.2.3;
            import wasi:cli/stdout@0.2.3;
            import wasi:cli/exit@0.2.3;
        }

        package wasi:io@0.2.3 {
            interface error { resource error; }
            interface poll {
                resource pollable { ready: func() -> bool; block: func(); }
                poll: func(in: list<borrow<pollable>>) -> list<u32>;
            }
            interface streams {
                use error.{error};
                variant stream-error { last-operation-failed(error), closed }
                resource output-stream {
                    blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
                }
            }
        }

        package wasi:clocks@0.2.3 {
            interface monotonic-clock {
                use wasi:io/poll@0.2.3.{pollable};
                now: func() -> u64;
                subscribe-duration: func(when: u64) -> pollable;
            }
            interface wall-clock {
                record datetime { seconds: u64, nanoseconds: u32 }
                now: func() -> datetime;
            }
        }

        package wasi:random@0.2.3 {
            interface random { get-random-bytes: func(len: u64) -> list<u8>; }
        }

        package wasi:cli@0.2.3 {
            interface environment { get-environment: func() -> list<tuple<string, string>>; }
            interface stdout {
                use wasi:io/streams@0.2.3.{output-stream};
                get-stdout: func() -> output-stream;
            }
            interface exit { exit: func(status: result); }
        }
    "#,
    generate_all,
});

use wasi::{
    cli::{environment, exit, stdout},
    clocks::{monotonic_clock, wall_clock},
    io::poll,
    random::random,
};

const HOUR: u64 = 3_600_000_000_000;

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde")]
pub struct Wanted {
    result: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde")]
pub struct Message {
    act: String,
}

pub struct Sleeper;

impl Matcher for Sleeper {
    type Config = NoConfig;
    type Wanted = Wanted;
    type Message = Message;

    const NAME: &'static str = "sleeper";
    const SUMMARY: &'static str = "uses WASI";
    const TOPICS: &'static [&'static str] = &["sleeper"];

    fn configure(_: NoConfig) -> Result<Self, Problems> {
        Ok(Self)
    }

    fn prepare(&self, wanted: &mut Wanted, _on: Date) -> Result<Keys, Problem> {
        Ok(key![wanted.result].into())
    }

    fn extract(&self, message: &Message, _: &Envelope<'_>) -> Result<Extract, Reject> {
        let result = act(&message.act);
        Ok(key![result].into())
    }

    fn confirm(&self, _: &Candidate<'_, Self>) -> Verdict {
        Verdict::Fulfilled
    }
}

fn act(what: &str) -> String {
    match what {
        "sleep" => monotonic_clock::subscribe_duration(HOUR).block(),
        "poll" => {
            let timers = [monotonic_clock::subscribe_duration(HOUR), monotonic_clock::subscribe_duration(2 * HOUR)];
            return format!("{:?}", poll::poll(&timers.iter().collect::<Vec<_>>()));
        }
        "time" => return format!("{} {}", monotonic_clock::now(), wall_clock::now().seconds),
        "random" => return format!("{:?}", random::get_random_bytes(8)),
        "environment" => return format!("{}", environment::get_environment().len()),
        "print" => (0..10_000).for_each(|_| print(b"printed\nin lines, \xff\n")),
        "too much randomness" => drop(random::get_random_bytes(u64::MAX)),
        "exit" => exit::exit(Ok(())),
        "hoard" => loop {
            std::mem::forget(monotonic_clock::subscribe_duration(HOUR));
        },
        "wait" => while monotonic_clock::now() < HOUR {},
        _ => {}
    }
    what.to_owned()
}

fn print(text: &[u8]) {
    stdout::get_stdout().blocking_write_and_flush(text).expect("it can be written");
}

export_matcher!(Sleeper);
