//! What people do with matchers by hand: going back, and pinning.

use std::fs;

use eventlatch_tests::{
    cluster::{Cluster, message},
    home::{DEADLINE, Home},
    service::Service,
    waiting::wait_for,
};

use super::{GENERATIONS, UNRULY, WEARY, home, listed, put, unruly_message, unruly_sensor};

/// Runs a command on the running service; the answer is its exit code and what it said.
pub(super) fn matcher(home: &Home, service: &mut Service, arguments: &[&str]) -> (Option<i32>, String) {
    let url = service.url();
    let ran = home.run(&[&["matcher"], arguments, &["--url", &url]].concat());
    (ran.code, ran.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_build_serves_though_its_file_is_gone() {
    let cluster = Cluster::start(&["unruly"], 1).await;
    let home = home(&cluster);
    home.write("sensors/names.json", unruly_sensor(&["a"]));
    put(&home, "matchers/unruly.wasm", UNRULY);
    let mut service = home.serve();
    home.wait_for_rows(&mut service, GENERATIONS, &["serving"]);
    let (code, said) = matcher(&home, &mut service, &["pin", "unruly"]);
    assert_eq!(code, Some(0), "{said}");
    fs::remove_file(home.path("matchers/unruly.wasm")).unwrap();
    wait_for("the file to be missed", DEADLINE, || {
        service.log().contains("its matcher is pinned").then_some(()).ok_or(service.log_end())
    });
    assert_eq!(home.rows(GENERATIONS), ["serving"]);

    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    service.start_again();
    cluster.send(&message("unruly", unruly_message("a", 0, ""))).await;
    home.wait_for_rows(&mut service, "SELECT state FROM tasks WHERE task_id = 'a'", &["success"]);

    // Without a pin it is gone, and a pin brings it back.
    let (code, said) = matcher(&home, &mut service, &["unpin", "unruly"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(listed(&mut service, "unruly")["state"], "gone");
    let (code, said) = matcher(&home, &mut service, &["pin", "unruly"]);
    assert_eq!(code, Some(0), "{said}");
    let shown = listed(&mut service, "unruly");
    assert_eq!((&shown["state"], &shown["pinned"]), (&"serving".into(), &true.into()), "{shown}");
    let audit = "SELECT actor, action, subject FROM audit ORDER BY id";
    let expected = ["pin", "unpin", "pin"].map(|act| format!("cli|matcher {act}|unruly"));
    assert_eq!(home.rows(audit), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn going_back_twice_does_not_come_forth_again() {
    let cluster = Cluster::start(&["unruly"], 1).await;
    let home = home(&cluster);
    home.write("sensors/names.json", unruly_sensor(&["a"]));
    put(&home, "matchers/unruly.wasm", UNRULY);
    let mut service = home.serve();
    let mut states = vec!["serving"];
    home.wait_for_rows(&mut service, GENERATIONS, &states);
    for build in [WEARY, UNRULY, WEARY] {
        put(&home, "matchers/unruly.wasm", build);
        states.insert(0, "retired");
        home.wait_for_rows(&mut service, GENERATIONS, &states);
    }
    let (code, said) = matcher(&home, &mut service, &["rollback", "unruly"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(listed(&mut service, "unruly")["version"], "1.0.0");
    let (code, said) = matcher(&home, &mut service, &["rollback", "unruly"]);
    assert_ne!(code, Some(0), "{said}");
    let shown = listed(&mut service, "unruly");
    assert_eq!(shown["version"], "1.0.0", "{shown}");
    assert_eq!(shown["refused"]["reason"], "by hand", "{shown}");
}
