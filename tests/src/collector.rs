//! Somebody who takes what is posted: for tests that look at what the service tells others.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// A request that was posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Answers everything with 200 and keeps it. Ends with the process.
pub struct Collector {
    address: String,
    posted: Arc<Mutex<Vec<Posted>>>,
}

impl Collector {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        let address = listener.local_addr().expect("a listener has an address").to_string();
        let posted = Arc::<Mutex<Vec<Posted>>>::default();
        let taken = Arc::clone(&posted);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let taken = Arc::clone(&taken);
                thread::spawn(move || serve(stream, &taken));
            }
        });
        Self { address, posted }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All that was posted so far.
    pub fn posted(&self) -> Vec<Posted> {
        self.posted.lock().expect("nobody panics with it").clone()
    }
}

/// Takes request after request, until the other side has no more.
fn serve(stream: TcpStream, taken: &Mutex<Vec<Posted>>) {
    let Ok(mut answers) = stream.try_clone() else { return };
    let mut requests = BufReader::new(stream);
    while let Some(posted) = read(&mut requests) {
        taken.lock().expect("nobody panics with it").push(posted);
        if answers.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").is_err() {
            return;
        }
    }
}

fn read(requests: &mut impl BufRead) -> Option<Posted> {
    let path = line(requests)?.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    while let Some((name, value)) = line(requests)?.split_once(':') {
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(Ok(0), |(_, length)| length.parse()).ok()?];
    requests.read_exact(&mut body).ok()?;
    Some(Posted { path, headers, body })
}

fn line(requests: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    let read = requests.read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}
