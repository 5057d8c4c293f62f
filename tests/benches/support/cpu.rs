//! The CPU time of whole processes, all threads: what was to be done, however long it had to wait for a core.

use std::{fs, time::Duration};

/// What a process has used, in steps of the kernel's clock, mostly 10 ms. `self` is this one.
pub(crate) fn time_of(process: &str) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("CPU time is measured on Linux");
    // The second field is a name in brackets, which may hold anything; user and system time are the 14th and 15th.
    let (_, fields) = stat.rsplit_once(") ").expect("the name is in brackets");
    let ticks: u64 = fields.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().expect("a number")).sum();
    Duration::from_secs(ticks) / u32::try_from(rustix::param::clock_ticks_per_second()).expect("a hundred or so")
}
