//! Bytes on a socket exactly as a test writes them, for what an HTTP client would tidy up or refuse to send.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::server::Server;
use serde_json::Value;

/// A connection.
pub struct Raw {
    reader: BufReader<TcpStream>,
}

/// An answer as it stood on the wire.
#[derive(Debug)]
pub struct RawAnswer {
    pub status: u16,
    pub head: Vec<String>,
    pub body: Vec<u8>,
}

impl Raw {
    pub fn connect(server: &Server) -> Raw {
        let stream = TcpStream::connect(server.host()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Raw { reader: BufReader::new(stream) }
    }

    /// One request on a connection of its own.
    pub fn exchange(server: &Server, request: impl AsRef<[u8]>) -> RawAnswer {
        Raw::connect(server).send(request).answer()
    }

    /// `METHOD path` with no body, signed in, and further header lines.
    pub fn request(server: &Server, method: &str, path: &str, headers: &str) -> RawAnswer {
        let (host, authorization) = (server.host(), crate::desk::basic(&server.administrator()));
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {authorization}\r\n");
        Raw::connect(server).send(format!("{head}Connection: close\r\n{headers}\r\n")).answer_to(method)
    }

    pub fn send(mut self, bytes: impl AsRef<[u8]>) -> Raw {
        self.reader.get_mut().write_all(bytes.as_ref()).unwrap();
        self
    }

    /// Says that nothing more will come, as a client does that was ended.
    pub fn hang_up(self) {
        self.reader.get_ref().shutdown(Shutdown::Both).unwrap();
    }

    /// The next head: an interim answer such as 100 too.
    pub fn head(&mut self) -> RawAnswer {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.reader.read_line(&mut line).unwrap(), 0, "the connection ended after {head:?}");
            match line.trim_end() {
                "" => break,
                line => head.push(line.to_owned()),
            }
        }
        let status = head[0].split(' ').nth(1).unwrap().parse().unwrap();
        RawAnswer { status, head, body: Vec::new() }
    }

    pub fn answer(mut self) -> RawAnswer {
        self.next_answer()
    }

    /// The next head and what belongs to it, on a connection that goes on.
    pub fn next_answer(&mut self) -> RawAnswer {
        let mut answer = self.head();
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        answer.body = vec![0; length];
        self.reader.read_exact(&mut answer.body).unwrap();
        answer
    }

    fn answer_to(mut self, method: &str) -> RawAnswer {
        if method != "HEAD" {
            return self.next_answer();
        }
        let mut answer = self.head();
        let _ = self.reader.read_to_end(&mut answer.body);
        answer
    }
}

impl RawAnswer {
    /// Every line of that name, without the name.
    pub fn lines(&self, name: &str) -> Vec<&str> {
        let named = self.head.iter().filter_map(|line| line.split_once(": "));
        named.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.lines(name).first().copied()
    }

    #[track_caller]
    pub fn code(&self) -> String {
        let envelope: Value = serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error}: {:?} {}", self.head, String::from_utf8_lossy(&self.body))
        });
        envelope["errors"][0]["code"].as_str().unwrap().to_owned()
    }
}
