//! `eventlatch demo`, as a newcomer runs it: without a broker, in an empty folder.

use std::process::Command;

use eventlatch::store::Reader;
use eventlatch_tests::service;
use jiff::Timestamp;

#[test]
fn the_sensor_fills_up_and_the_database_tells_how() {
    let directory = tempfile::tempdir().unwrap();
    let mut demo = Command::new(service::binary());
    let output = demo.arg("demo").arg("--directory").arg(directory.path()).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shown}\n{}", String::from_utf8_lossy(&output.stderr));

    let states: Vec<_> = shown.lines().filter(|line| line.starts_with("my_consumer")).collect();
    let ends = ["waiting, 0 of 3", "waiting, 0 of 3", "waiting, 1 of 3", "waiting, 2 of 3", "complete, 3 of 3"];
    assert_eq!(states.len(), ends.len(), "{shown}");
    for (state, end) in states.iter().zip(ends) {
        assert!(state.contains(end), "{state}");
    }

    let reader = Reader::open(&directory.path().join("eventlatch.db")).unwrap();
    let status = reader.status(Timestamp::now(), None, 10).unwrap();
    let received: Vec<_> = status[0].wanted.iter().filter_map(|wanted| wanted.received.as_ref()).collect();
    let matchers: Vec<_> = received.iter().map(|received| received.matcher.as_str()).collect();
    assert_eq!(matchers, ["etl-finish", "etl-finish", "job-finish"]);
    assert!(received.iter().all(|received| received.sha256.len() == 64));
}
