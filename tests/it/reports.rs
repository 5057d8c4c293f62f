//! What is missing when a wait ends is told by mail and webhook: to a real SMTP server and a real HTTP server, once.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use eventlatch_tests::{
    home::{DEADLINE, Home, noon_zone},
    service::Service,
    waiting::wait_for,
};
use mailin::{Action, Handler, Response, SessionBuilder, response};
use serde_json::{Value, json};

/// What somebody was told, in the order in which it came.
type Told = Arc<Mutex<Vec<String>>>;

/// Takes all mails.
struct Postbox {
    told: Told,
    mail: Vec<u8>,
}

impl Handler for Postbox {
    fn data(&mut self, line: &[u8]) -> std::io::Result<()> {
        self.mail.extend_from_slice(line);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let mail = std::mem::take(&mut self.mail);
        // Lines that are too long for a mail are folded with `=` at their ends.
        self.told.lock().unwrap().push(String::from_utf8(mail).unwrap().replace("=\r\n", ""));
        response::OK
    }
}

/// A mail server on a free port.
fn mail_server() -> (u16, Told) {
    let (told, listener) = (Told::default(), TcpListener::bind("127.0.0.1:0").unwrap());
    let (port, kept) = (listener.local_addr().unwrap().port(), Arc::clone(&told));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let postbox = Postbox { told: Arc::clone(&kept), mail: Vec::new() };
            talk(stream.unwrap(), postbox).unwrap();
        }
    });
    (port, told)
}

/// One conversation.
fn talk(mut stream: TcpStream, postbox: Postbox) -> std::io::Result<()> {
    let mut session = SessionBuilder::new("mail.example").build(stream.peer_addr()?.ip(), postbox);
    session.greeting().write_to(&mut stream)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let answer = session.process(&line);
        if answer.action != Action::NoReply {
            answer.write_to(&mut stream)?;
        }
        if answer.action == Action::Close {
            return Ok(());
        }
    }
}

/// Answers what is posted with these, the last one again and again.
fn hook(answers: &'static [&'static str]) -> (u16, Told) {
    let (told, listener) = (Told::default(), TcpListener::bind("127.0.0.1:0").unwrap());
    let (port, kept) = (listener.local_addr().unwrap().port(), Arc::clone(&told));
    std::thread::spawn(move || {
        for (nth, stream) in listener.incoming().enumerate() {
            let (request, mut stream) = read(stream.unwrap());
            kept.lock().unwrap().push(request);
            let answer = answers.get(nth).or(answers.last()).unwrap();
            write!(stream, "HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        }
    });
    (port, told)
}

/// A request's head and body.
fn read(stream: TcpStream) -> (String, TcpStream) {
    let mut reader = BufReader::new(stream);
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let start = request.len();
        reader.read_line(&mut request).unwrap();
        let line = request.get(start..).unwrap().trim_end().to_lowercase();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    request.push_str(&String::from_utf8(body).unwrap());
    (request, reader.into_inner())
}

fn header(request: &str, name: &str) -> String {
    let line = request.lines().find(|line| line.to_lowercase().starts_with(name)).unwrap_or_default();
    line.split_once(": ").map(|(_, value)| value.to_owned()).unwrap_or_default()
}

fn body(request: &str) -> Value {
    serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap()).unwrap()
}

#[test]
fn what_is_missing_is_told_once_and_that_it_came_after_all() {
    let (smtp, mails) = mail_server();
    let (port, posts) = hook(&["503 Service Unavailable", "204 No Content"]);
    let home = Home::new(&format!(
        r#"[report.email]
smtp = "smtp://127.0.0.1:{smtp}"
from = "eventlatch <eventlatch@example.org>"
to = ["ops@example.org", "Some One <one@example.org>"]
[report.webhook]
url = "http://127.0.0.1:{port}/hook"
token = "env:HOOK"
"#
    ))
    .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone())
    .with("HOOK", "s3cret");
    home.write(
        "sensors/one.toml",
        "timeout = 3\nlate = \"heal\"\nwanted = [{ frequency = \"D\", topic = \"job-finish\", job_name = \"<b>a & b</b>\", task_id = \"a\" }]",
    );
    let mut service = Service::start_fed(home.command(&["run", "--input", "-"]), &home.path("service.log"));
    let told = |what: &str, told: &Told, number: usize| {
        wait_for(what, DEADLINE, || {
            let told = told.lock().unwrap().clone();
            if told.len() >= number { Ok(told) } else { Err(format!("{} so far", told.len())) }
        })
    };
    let mail = told("the mail", &mails, 1).remove(0);
    assert!(header(&mail, "subject").starts_with("[eventlatch] one: 1 of 1 missing at "), "{mail}");
    assert_eq!(header(&mail, "to"), "ops@example.org, \"Some One\" <one@example.org>");
    assert!(mail.contains("text/plain") && mail.contains("text/html"), "{mail}");
    assert!(
        mail.contains("&lt;b&gt;a &amp; b&lt;&#x2f;b&gt;") || mail.contains("&lt;b&gt;a &amp; b&lt;/b&gt;"),
        "{mail}"
    );

    // The webhook was away: the same is posted again.
    let sent = told("the posts", &posts, 2);
    assert_eq!(header(&sent[0], "idempotency-key"), header(&sent[1], "idempotency-key"));
    assert_eq!(header(&sent[1], "authorization"), "Bearer s3cret");
    let report = body(&sent[1]);
    assert_eq!(report["entries"][0]["kind"], json!("missing"));
    assert_eq!(report["entries"][0]["missing"][0]["task_id"], json!("a"));

    let now = jiff::Timestamp::now().to_string();
    let late = json!({"job_name": "<b>a & b</b>", "is_success": true, "timestamp": now});
    service.feed(&format!("{}\n", json!({"topic": "job-finish", "value": late})));
    let mail = told("the mail that it is healed", &mails, 2).remove(1);
    assert!(header(&mail, "subject").starts_with("[eventlatch] one: complete after all at "), "{mail}");
    assert_eq!(body(&told("the post that it is healed", &posts, 3)[2])["entries"][0]["kind"], json!("healed"));
    let sent = "SELECT count(*) FROM reports WHERE state = 'sent'";
    home.wait_for_rows(&mut service, sent, &["4"]);

    // A new start tells nobody again.
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    assert_eq!((mails.lock().unwrap().len(), posts.lock().unwrap().len()), (2, 3));
    assert!(!service.log().contains("s3cret"));
}
