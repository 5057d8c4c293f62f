//! A system that tasks are marked in: an HTTP server in the test's own process, which answers as it is told and honours
//! idempotency keys.

use std::{
    collections::{HashMap, HashSet},
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use socket2::{Domain, Socket, Type};

/// How a request is answered.
#[derive(Debug, Clone)]
pub enum Manner {
    /// Does what is asked, once for each key.
    Take,
    /// The same, and then closes the connection without an answer.
    TakeAndClose,
    /// With this status line and these headers; nothing is done.
    Refuse(&'static str, &'static str),
    /// Not at all, for so long.
    Keep(Duration),
}

/// What was posted.
#[derive(Debug, Clone)]
pub struct Posted {
    /// By their names in lower case.
    pub headers: HashMap<String, String>,
    pub body: String,
}

#[derive(Debug, Default)]
struct Seen {
    posted: Vec<Posted>,
    effects: Vec<Posted>,
    keys: HashSet<Option<String>>,
}

type Choose = dyn Fn(usize, &Posted) -> Manner + Send + Sync;

/// The server. It is gone with the process.
#[derive(Clone)]
pub struct Target {
    pub port: u16,
    seen: Arc<Mutex<Seen>>,
}

/// A place for a server that is away: nobody answers there, and nobody else can take it.
pub struct Away(Socket);

impl Away {
    pub fn reserve() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("sockets can be made");
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("loopback has free ports");
        Self(socket)
    }

    pub fn port(&self) -> u16 {
        self.0.local_addr().ok().and_then(|it| it.as_socket()).expect("it is bound").port()
    }

    /// The server is there.
    pub fn end(self, choose: impl Fn(usize, &Posted) -> Manner + Send + Sync + 'static) -> Target {
        self.0.listen(128).expect("the place is ours");
        Target::listen(self.0.into(), choose)
    }
}

impl Target {
    /// Listens. What is posted is answered as `choose` says, who is told how many came before.
    pub fn start(choose: impl Fn(usize, &Posted) -> Manner + Send + Sync + 'static) -> Self {
        Self::listen(TcpListener::bind("127.0.0.1:0").expect("loopback has free ports"), choose)
    }

    fn listen(listener: TcpListener, choose: impl Fn(usize, &Posted) -> Manner + Send + Sync + 'static) -> Self {
        let port = listener.local_addr().expect("it is bound").port();
        let target = Self { port, seen: Arc::default() };
        let (served, choose): (_, Arc<Choose>) = (target.clone(), Arc::new(choose));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (served, choose) = (served.clone(), Arc::clone(&choose));
                // Whoever asked may be killed meanwhile.
                std::thread::spawn(move || drop(served.serve(stream, &*choose)));
            }
        });
        target
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/marks", self.port)
    }

    /// All that was posted so far.
    pub fn posted(&self) -> Vec<Posted> {
        self.seen().posted.clone()
    }

    /// What was done, in the order in which it was.
    pub fn effects(&self) -> Vec<Posted> {
        self.seen().effects.clone()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, mut stream: TcpStream, choose: &Choose) -> std::io::Result<()> {
        let Some(posted) = read(&stream)? else {
            return stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
        };
        let before = {
            let mut seen = self.seen();
            seen.posted.push(posted.clone());
            seen.posted.len() - 1
        };
        match choose(before, &posted) {
            Manner::Take => {
                self.take(posted);
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            }
            Manner::TakeAndClose => {
                self.take(posted);
                Ok(())
            }
            Manner::Refuse(status, headers) => {
                let answer = format!("HTTP/1.1 {status}\r\n{headers}content-length: 0\r\nconnection: close\r\n\r\n");
                stream.write_all(answer.as_bytes())
            }
            Manner::Keep(time) => {
                std::thread::sleep(time);
                Ok(())
            }
        }
    }

    fn take(&self, posted: Posted) {
        let (mut seen, key) = (self.seen(), posted.headers.get("idempotency-key").cloned());
        if seen.keys.insert(key) {
            seen.effects.push(posted);
        }
    }
}

/// None: it is no POST.
fn read(stream: &TcpStream) -> std::io::Result<Option<Posted>> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let is_post = line.starts_with("POST ");
    let mut headers = HashMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(is_post.then(|| Posted { headers, body: String::from_utf8_lossy(&body).into_owned() }))
}
