//! The HTTP API as whoever calls it sees it: a running service that reads lines from the test.

mod document;
mod sensors;
mod waits;

use std::io::Write;

use eventlatch_tests::{
    home::{Home, noon_zone},
    service::Service,
};
use insta::assert_snapshot;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

/// A service that has set three messages aside.
fn serve(home: &Home) -> Service {
    home.write(
        "sensors/one.toml",
        "wanted = [{ frequency = \"D\", topic = \"etl-finish\", db = \"d\", table = \"t\", task_id = \"a\" }]",
    );
    let mut service = Service::start_fed(home.command(&["run", "--input", "-"]), &home.path("service.log"));
    for value in [json!("text"), json!({"db": 7}), json!([])] {
        service.feed(&format!("{}\n", json!({"topic": "etl-finish", "key": "k", "value": value})));
    }
    home.wait_for_rows(&mut service, "SELECT count(*) FROM dead_letters", &["3"]);
    service
}

fn home() -> Home {
    Home::new("").with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone())
}

/// `status content-type body`, of a request with a method, a path and perhaps a body.
struct Caller {
    url: String,
    agent: ureq::Agent,
    token: &'static str,
}

impl Caller {
    fn of(service: &mut Service) -> Self {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Self { url: service.url(), agent, token: "" }
    }

    fn get(&self, path: &str) -> String {
        let request = self.agent.get(format!("{}{path}", self.url)).header("authorization", self.token);
        shown(request.call())
    }

    fn post(&self, path: &str, body: &str) -> String {
        let request = self.agent.post(format!("{}{path}", self.url)).header("authorization", self.token);
        shown(request.header("content-type", "application/json").send(body))
    }

    fn put(&self, path: &str, body: &Value) -> String {
        let request = self.agent.put(format!("{}{path}", self.url)).header("authorization", self.token);
        shown(request.send_json(body))
    }

    fn delete(&self, path: &str) -> String {
        shown(self.agent.delete(format!("{}{path}", self.url)).header("authorization", self.token).call())
    }

    fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        let body = answer.strip_prefix("200 application/json ").unwrap_or_else(|| panic!("{path}: {answer}"));
        serde_json::from_str(body).unwrap()
    }

    /// The offsets of a page, and where the next one begins.
    fn page(&self, query: &str) -> (Vec<i64>, Value) {
        let page = self.json(&format!("/v1/dead-letters{query}"));
        let letters = page["dead_letters"].as_array().unwrap();
        (letters.iter().map(|it| it["offset"].as_i64().unwrap()).collect(), page["next_before"].clone())
    }
}

fn shown(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> String {
    let mut answer = answer.unwrap();
    let kind = answer.headers().get("content-type").map_or("-", |kind| kind.to_str().unwrap()).to_owned();
    format!("{} {kind} {}", answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
}

#[test]
fn dead_letters_are_listed_in_pages_and_shown() {
    let home = home();
    let mut service = serve(&home);
    let caller = Caller::of(&mut service);
    assert_eq!(caller.page(""), (vec![3, 2, 1], json!(null)));
    assert_eq!(caller.page("?limit=2"), (vec![3, 2], json!(2)));
    assert_eq!(caller.page("?limit=2&before=2"), (vec![1], json!(null)));
    assert_eq!(caller.page("?topic=etl-finish&matcher=etl-finish&kind=reject").0, [3, 2, 1]);
    assert_eq!(caller.page("?kind=fault").0, [0; 0]);
    let one = caller.json("/v1/dead-letters/2");
    assert_eq!(one["payload"], json!({"text": "{\"db\":7}"}));
    assert_eq!((&one["key"], &one["payload_size"]), (&json!({"text": "k"}), &json!(8)));
    assert_eq!(one["reason"], json!("field `db` must be text, not a number"));

    // The command says the same, whether it reads the database or asks the service.
    let list = |more: &[&str]| home.run(&[&["dead-letter", "list", "--limit", "2"], more].concat());
    let from_database = list(&[]).stdout;
    assert_eq!(from_database.lines().count(), 3, "{from_database}");
    assert_eq!(list(&["--url", &caller.url]).stdout, from_database);
    let show = |more: &[&str]| home.run(&[&["dead-letter", "show", "2"], more].concat()).stdout;
    assert_eq!(show(&["--url", &caller.url]), show(&[]));
    assert_eq!(show(&[]).lines().last(), Some("{\"db\":7}"));
    assert_eq!(home.run(&["dead-letter", "show", "9"]).code, Some(1));

    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
}

#[test]
fn every_error_is_a_problem_document() {
    let home = home();
    let mut service = serve(&home);
    let caller = Caller::of(&mut service);
    assert_eq!(caller.get("/livez"), "200 text/plain; charset=utf-8 ok\n");
    let redrive = |body: &str| caller.post("/v1/dead-letters/redrive", body);
    let answers = [
        caller.get("/v1/dead-letter"),
        caller.get("/v1/dead-letters/9"),
        caller.get("/v1/dead-letters/nine"),
        caller.get("/v1/dead-letters?kind=bad"),
        caller.get("/v1/dead-letters?topics=a"),
        caller.get("/v1/dead-letters?limit=0"),
        caller.get("/v1/dead-letters/redrive"),
        caller.post("/v1/dead-letters", "{}"),
        caller.post("/livez", "{}"),
        redrive("{"),
        redrive("{}"),
        redrive("{\"ids\": [1], \"filter\": {}}"),
        redrive("{\"ids\": []}"),
        redrive("{\"ids\": [9]}"),
        redrive(&format!("{{\"ids\": [{}1]}}", "1,".repeat(40_000))),
        shown(caller.agent.post(format!("{}/v1/dead-letters/redrive", caller.url)).send("ids=1")),
    ];
    assert_snapshot!(answers.join("\n").replace(" application/problem+json", ""), @r#"
    404 {"type":"urn:eventlatch:problem:not-found","title":"there is no such path","status":404,"detail":"there is no /v1/dead-letter"}
    404 {"type":"urn:eventlatch:problem:no-such-dead-letter","title":"there is no such dead letter","status":404,"detail":"there is no dead letter 9"}
    400 {"type":"urn:eventlatch:problem:bad-request","title":"the request makes no sense","status":400,"detail":"Invalid URL: Cannot parse `nine` to a `i64`"}
    400 {"type":"urn:eventlatch:problem:bad-request","title":"the request makes no sense","status":400,"detail":"Failed to deserialize query string: kind: unknown variant `bad`, expected `reject` or `fault`"}
    400 {"type":"urn:eventlatch:problem:bad-request","title":"the request makes no sense","status":400,"detail":"Failed to deserialize query string: topics: unknown field `topics`, expected one of `topic`, `matcher`, `kind`, `before`, `limit`"}
    400 {"type":"urn:eventlatch:problem:bad-request","title":"the request makes no sense","status":400,"detail":"0 at a time: it must be 1 to 1000"}
    405 {"type":"urn:eventlatch:problem:method-not-allowed","title":"the path does not take this method","status":405,"detail":"/v1/dead-letters/redrive does not take GET"}
    405 {"type":"urn:eventlatch:problem:method-not-allowed","title":"the path does not take this method","status":405,"detail":"/v1/dead-letters does not take POST"}
    405 {"type":"urn:eventlatch:problem:method-not-allowed","title":"the path does not take this method","status":405,"detail":"/livez does not take POST"}
    400 {"type":"urn:eventlatch:problem:bad-request","title":"the request makes no sense","status":400,"detail":"Failed to parse the request body as JSON: EOF while parsing an object at line 1 column 1"}
    400 {"type":"urn:eventlatch:problem:bad-request","title":"the request makes no sense","status":400,"detail":"give either `ids`, or `filter` (`{}` means all) with `after` and `limit` as you like"}
    400 {"type":"urn:eventlatch:problem:bad-request","title":"the request makes no sense","status":400,"detail":"give either `ids`, or `filter` (`{}` means all) with `after` and `limit` as you like"}
    400 {"type":"urn:eventlatch:problem:bad-request","title":"the request makes no sense","status":400,"detail":"0 at a time: it must be 1 to 1000"}
    409 {"type":"urn:eventlatch:problem:no-kafka","title":"the messages do not come from Kafka","status":409,"detail":"the messages of this service do not come from Kafka: none can be read again"}
    413 {"type":"urn:eventlatch:problem:too-large","title":"the request is too large","status":413,"detail":"Failed to buffer the request body: length limit exceeded"}
    415 {"type":"urn:eventlatch:problem:not-json","title":"the body must be JSON","status":415,"detail":"Expected request with `Content-Type: application/json`"}
    "#);
    let refused = home.run(&["dead-letter", "redrive", "1", "--url", &caller.url]);
    assert_eq!(
        refused.to_string(),
        "! error: the messages of this service do not come from Kafka: none can be read again\nexit 6"
    );
    assert_eq!(home.rows("SELECT count(*) FROM audit"), ["0"]);
}

#[test]
fn with_a_token_only_those_who_know_it_are_answered() {
    let mut token = NamedTempFile::new().unwrap();
    writeln!(token, "s3cret").unwrap();
    let home = home().with("EVENTLATCH_API_TOKEN", format!("file:{}", token.path().display()));
    let mut service = serve(&home);
    let mut caller = Caller::of(&mut service);
    assert!(caller.get("/livez").starts_with("200 "));
    for wrong in ["", "Bearer s3cre", "Bearer ", "Basic s3cret", "s3cret"] {
        caller.token = wrong;
        let answer = caller.get("/v1/dead-letters");
        assert!(answer.starts_with("401 application/problem+json "), "{wrong}: {answer}");
    }
    caller.token = "Bearer s3cret";
    assert!(caller.get("/v1/dead-letters").starts_with("200 "));
    // The command takes it from the configuration.
    assert_eq!(home.run(&["dead-letter", "list", "--url", &caller.url]).code, Some(0));
    let stranger = Home::new("").run(&["dead-letter", "list", "--url", &caller.url]);
    assert_eq!(stranger.code, Some(8), "{stranger}");
    assert!(!service.log().contains("s3cret"));
}

#[test]
fn who_may_only_look_changes_nothing() {
    let mut tokens = [NamedTempFile::new().unwrap(), NamedTempFile::new().unwrap()];
    writeln!(tokens[0], "s3cret").unwrap();
    writeln!(tokens[1], "l00k").unwrap();
    let file = |number: usize| format!("file:{}", tokens[number].path().display());
    let home = home().with("EVENTLATCH_API_TOKEN", file(0)).with("EVENTLATCH_API_READ_TOKEN", file(1));
    let mut service = serve(&home);
    let mut caller = Caller::of(&mut service);
    let sensor = json!({"wanted": [{"frequency": "D", "topic": "job-finish", "job_name": "j", "task_id": "t"}]});
    let changes = |caller: &Caller| {
        let all = [
            caller.put("/v1/sensors/s", &sensor),
            caller.delete("/v1/sensors/s"),
            caller.post("/v1/sensors/s/waits", "{\"name\": \"w\"}"),
            caller.delete("/v1/sensors/s/waits/w"),
            caller.put("/v1/sensors/one/pause", &json!({})),
            caller.post("/v1/dead-letters/redrive", "{\"filter\": {}}"),
            caller.post("/v1/matchers/job-finish/rollback", ""),
        ];
        all.map(|answer| answer.get(..3).unwrap().to_owned())
    };
    for (token, look, change) in [("", "401", "401"), ("Bearer wrong", "401", "401"), ("Bearer l00k", "200", "403")] {
        caller.token = token;
        for path in ["/v1/sensors", "/v1/openapi.json", "/metrics"] {
            assert!(caller.get(path).starts_with(look), "{token}: {path}");
        }
        assert_eq!(changes(&caller), [change; 7], "{token}");
        // Everybody is told whether it works, and only those who may look what does not.
        assert!(caller.get("/readyz").starts_with("200 application/json {\"ready\":true"));
    }
    assert_eq!(home.rows("SELECT (SELECT count(*) FROM sensors) + (SELECT count(*) FROM audit)"), ["1"]);
    caller.token = "Bearer s3cret";
    assert_eq!(changes(&caller), ["200", "204", "404", "404", "204", "409", "404"]);
}

#[test]
fn more_requests_than_are_allowed_are_told_when_to_come_back() {
    let home = home().with("EVENTLATCH_API_REQUESTS_PER_SECOND", 1);
    let mut service = serve(&home);
    let caller = Caller::of(&mut service);
    let ask = || caller.agent.get(format!("{}/v1/sensors", caller.url)).call().unwrap();
    let refused = (0..100).map(|_| ask()).find(|answer| answer.status() == 429).unwrap();
    assert_eq!(refused.headers()["retry-after"], "1");
    assert!(caller.get("/livez").starts_with("200 "));
}

#[test]
fn without_a_token_foreign_names_are_refused() {
    let home = home();
    let mut service = serve(&home);
    let caller = Caller::of(&mut service);
    let port = caller.url.rsplit(':').next().unwrap().to_owned();
    let status = |host: &str| {
        let url = format!("{}/v1/dead-letters", caller.url);
        caller.agent.get(url).header("host", host).call().unwrap().status().as_u16()
    };
    for ours in ["localhost", "127.0.0.1", "[::1]"] {
        assert_eq!(status(&format!("{ours}:{port}")), 200, "{ours}");
    }
    for foreign in ["rebound.example", "localhost.example", "127.0.0.1.example", ""] {
        assert_eq!(status(&format!("{foreign}:{port}")), 403, "{foreign}");
    }
}

#[test]
fn an_address_that_is_taken_is_said() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let home = home().with("EVENTLATCH_TELEMETRY_LOG", "off").with("EVENTLATCH_API_LISTEN", address);
    let ran = home.run(&["run", "--input", "-"]).to_string().replace(&address.to_string(), "[ADDRESS]");
    assert_snapshot!(ran, @r"
    ! error: the API cannot listen at [ADDRESS]: something else does (hint: another eventlatch? set `listen` in [api], or `enabled = false`)
    exit 8
    ");
}
