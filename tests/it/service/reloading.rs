//! SIGHUP: the configuration is read again, what can change does, the rest is named.

use eventlatch_tests::{
    home::{DEADLINE, Home, noon_zone},
    service::Service,
    waiting::wait_for,
};

use super::sensor;

const KEPT: &str = "SELECT \"offset\", payload FROM dead_letters ORDER BY 1";

/// Has it read its configuration again, and waits until it has said so.
fn reload(service: &Service, says: &str) -> String {
    let before = service.log().len();
    service.signal("HUP");
    wait_for(says, DEADLINE, || {
        let log = service.log();
        let said = log.get(before..).unwrap_or_default();
        said.contains(says).then(|| said.to_owned()).ok_or_else(|| said.to_owned())
    })
}

fn set_aside(home: &Home, service: &mut Service, letters: &[&str]) {
    service.feed("{\"topic\": \"etl-finish\", \"value\": \"malformed\"}\n");
    home.wait_for_rows(service, KEPT, letters);
}

#[test]
fn what_can_change_does_and_the_rest_is_named() {
    let home = Home::new("").with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    home.write("sensors/tables.json", sensor(&["a"]));
    let mut service = Service::start_fed(home.command(&["run", "--input", "-"]), &home.path("service.log"));
    set_aside(&home, &mut service, &["1|\"malformed\""]);

    home.write(
        "eventlatch.toml",
        "[dead_letters]\npayload = \"none\"\n[kafka]\ngroup = \"other\"\n[telemetry]\nlog = \"debug\"\n",
    );
    let said = reload(&service, "at the next start only");
    assert!(said.contains("changed=\"dead_letters.payload telemetry.log\""), "{said}");
    assert!(said.contains("keys=\"kafka.group\""), "{said}");
    set_aside(&home, &mut service, &["1|\"malformed\"", "2|"]);

    home.write("eventlatch.toml", "[dead_letters]\npaylod = \"sample\"\n");
    let said = reload(&service, "stays as it was");
    assert!(said.contains("eventlatch.toml:2:1: unknown key `paylod`"), "{said}");
    set_aside(&home, &mut service, &["1|\"malformed\"", "2|", "3|"]);

    home.write("eventlatch.toml", "[telemetry]\nlog = \"a=b=c\"\n");
    let said = reload(&service, "stays as it was");
    assert!(said.contains(r#"cannot read `log = "a=b=c"` in [telemetry]"#), "{said}");
    set_aside(&home, &mut service, &["1|\"malformed\"", "2|", "3|", "4|"]);

    // Back to where it began: nothing is left for the next start.
    home.write("eventlatch.toml", "");
    let before = service.log().len();
    reload(&service, "was read again");
    set_aside(&home, &mut service, &["1|\"malformed\"", "2|", "3|", "4|", "5|\"malformed\""]);
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    let said = service.log().split_off(before);
    assert!(!said.contains("at the next start only"), "{said}");
}
