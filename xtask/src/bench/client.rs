//! A small HTTP/1.1 client that costs next to nothing, so that the servers' costs show.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;

use crate::command::Outcome;

/// Talks to one server of this machine, a connection a request.
#[derive(Clone)]
pub(crate) struct Client {
    port: u16,
    token: Option<String>,
}

/// The head of an answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    rest: BufReader<TcpStream>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Reads the body to its end and drops it.
    pub(crate) fn discard(mut self) -> Outcome<u64> {
        let length: u64 = self.header("content-length").ok_or("the answer has no length")?.parse()?;
        let mut buffer = vec![0; 1 << 20];
        let mut read = 0;
        while read < length {
            match self.rest.read(&mut buffer)? {
                0 => return Err(format!("the body ended after {read} of {length} bytes").into()),
                count => read += count as u64,
            }
        }
        Ok(read)
    }

    /// Fails unless the status is this.
    pub(crate) fn expect(self, status: u16) -> Outcome<Answer> {
        if self.status == status {
            Ok(self)
        } else {
            Err(format!("answered {} and not {status}", self.status).into())
        }
    }
}

impl Client {
    pub(crate) fn new(port: u16, token: Option<String>) -> Client {
        Client { port, token }
    }

    pub(crate) fn get(&self, path: &str) -> Outcome<Answer> {
        self.send("GET", path, &[], |_| Ok(()))
    }

    /// Sends a small body.
    pub(crate) fn send_bytes(
        &self,
        method: &str,
        path: &str,
        media_type: &str,
        body: &[u8],
    ) -> Outcome<Answer> {
        let length = body.len().to_string();
        self.send(method, path, &[("Content-Length", &length), ("Content-Type", media_type)], |socket| {
            socket.write_all(body)
        })
    }

    /// Sends a file; the standard library hands it to the kernel.
    pub(crate) fn send_file(&self, method: &str, path: &str, file: &Path) -> Outcome<Answer> {
        let file = File::open(file)?;
        let length = file.metadata()?.len();
        self.send(
            method,
            path,
            &[("Content-Length", &length.to_string()), ("Content-Type", "application/octet-stream")],
            |socket| send_whole(&file, length, socket),
        )
    }

    /// Sends `length` bytes of nothing in particular.
    pub(crate) fn send_zeros(&self, method: &str, path: &str, length: u64) -> Outcome<Answer> {
        let text = length.to_string();
        self.send(
            method,
            path,
            &[("Content-Length", &text), ("Content-Type", "application/octet-stream")],
            |socket| io::copy(&mut io::repeat(7).take(length), socket).map(drop),
        )
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl FnOnce(&mut TcpStream) -> io::Result<()>,
    ) -> Outcome<Answer> {
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n", self.port);
        if let Some(token) = &self.token {
            write!(head, "Authorization: Bearer {token}\r\n")?;
        }
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n")?;
        }
        head.push_str("\r\n");
        socket.write_all(head.as_bytes())?;
        body(&mut socket)?;
        read_head(socket)
    }
}

/// From the page cache to the socket without a copy of ours, which `io::copy` would make, 8 KiB at a time.
fn send_whole(file: &File, length: u64, socket: &TcpStream) -> io::Result<()> {
    let mut offset = 0;
    while offset < length {
        let left = usize::try_from(length - offset).unwrap_or(usize::MAX);
        if rustix::fs::sendfile(socket, file, Some(&mut offset), left)? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter"));
        }
    }
    Ok(())
}

fn read_head(socket: TcpStream) -> Outcome<Answer> {
    let mut rest = BufReader::with_capacity(64 * 1024, socket);
    let mut line = String::new();
    rest.read_line(&mut line)?;
    let status = line.split_whitespace().nth(1).ok_or("the answer has no status line")?.parse()?;
    let mut headers = Vec::new();
    loop {
        line.clear();
        rest.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    Ok(Answer { status, headers, rest })
}

/// The path of a `Location`, which may be a whole URL.
pub(crate) fn path_of(location: &str) -> String {
    match location.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or_else(|| "/".to_owned(), |slash| rest[slash..].to_owned()),
        None => location.to_owned(),
    }
}
