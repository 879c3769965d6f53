//! What a client speaks, told by its first bytes: TLS, HTTP/1, HTTP/2 by prior knowledge, or something else.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The first byte of a TLS record that carries a handshake.
const TLS_HANDSHAKE: u8 = 0x16;
/// No registered method comes near; what has no space by then is no request.
const LONGEST_METHOD: usize = 32;
/// How long a refused client has to read why.
const PARTING: Duration = Duration::from_secs(1);

/// What arrived first; where it was read to be told apart, the bytes belong in front of what follows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    /// Still in the socket, untouched.
    Tls,
    Http1(Bytes),
    Http2(Bytes),
    /// Neither, and never will be.
    Unknown,
    /// The client left without a word.
    Nothing,
}

/// Waits for enough bytes to tell; the caller sets the time limit.
pub(super) async fn sniff(stream: &mut TcpStream) -> io::Result<Spoken> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 0 {
        return Ok(Spoken::Nothing);
    }
    if first[0] == TLS_HANDSHAKE {
        return Ok(Spoken::Tls);
    }
    let mut seen = BytesMut::with_capacity(4096);
    loop {
        if stream.read_buf(&mut seen).await? == 0 {
            return Ok(Spoken::Nothing);
        }
        match classify(&seen) {
            Some(Kind::Http1) => return Ok(Spoken::Http1(seen.freeze())),
            Some(Kind::Http2) => return Ok(Spoken::Http2(seen.freeze())),
            Some(Kind::Unknown) => return Ok(Spoken::Unknown),
            None => {}
        }
    }
}

/// Whether a client that is to be refused would understand plain text.
pub(super) async fn is_plain(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    Ok(stream.peek(&mut first).await? > 0 && first[0] != TLS_HANDSHAKE)
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Http1,
    Http2,
    Unknown,
}

/// Looks at the method and at how the target begins; `None` while that is not there yet. Whether the rest is
/// right is hyper's to say.
fn classify(seen: &[u8]) -> Option<Kind> {
    let blank = seen.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let line = &seen[blank.min(LONGEST_METHOD)..];
    let Some(end) = line.iter().position(|byte| !is_method_byte(*byte)) else {
        return (line.len() > LONGEST_METHOD).then_some(Kind::Unknown);
    };
    let (method, target) = (&line[..end], line[end..].strip_prefix(b" "));
    match (method, target) {
        (b"", _) | (_, None) => Some(Kind::Unknown),
        (b"PRI", _) => Some(Kind::Http2),
        (b"CONNECT", _) => Some(Kind::Http1),
        (_, Some(target)) => classify_target(target),
    }
}

/// `/path`, `*` or `http(s)://host/path`.
fn classify_target(target: &[u8]) -> Option<Kind> {
    const SCHEME: &[u8] = b"http";
    match target.first()? {
        b'/' | b'*' => Some(Kind::Http1),
        _ => {
            let len = target.len().min(SCHEME.len());
            let fits = target[..len].eq_ignore_ascii_case(&SCHEME[..len]);
            match (fits, len == SCHEME.len()) {
                (true, true) => Some(Kind::Http1),
                (true, false) => None,
                (false, _) => Some(Kind::Unknown),
            }
        }
    }
}

/// The characters of an HTTP token (RFC 9110, section 5.6.2).
fn is_method_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Says one line in HTTP/1.1 and closes so that it arrives: closing with unread bytes would reset the connection
/// and take the answer along.
pub(super) async fn part(stream: &mut TcpStream, status: &str, line: &str) {
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{line}\n",
        line.len() + 1
    );
    let _ = timeout(PARTING, async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        let mut unread = [0; 4096];
        while stream.read(&mut unread).await? > 0 {}
        io::Result::Ok(())
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_http1() {
        for text in ["GET / HTTP/1.1", "OPTIONS *", "\r\nPUT /v2/", "GET http://h/", "CONNECT h:1", "get /"] {
            assert_eq!(classify(text.as_bytes()), Some(Kind::Http1), "{text:?}");
        }
    }

    #[test]
    fn the_preface_is_http2() {
        assert_eq!(classify(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Some(Kind::Http2));
    }

    #[test]
    fn beginnings_wait_for_more() {
        for text in ["", "G", "PRI", "\r\n", "GET ", "GET htt"] {
            assert_eq!(classify(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn other_protocols_are_told_apart() {
        let long = "A".repeat(LONGEST_METHOD + 1);
        let blank = "\n".repeat(100);
        for text in
            ["SSH-2.0-OpenSSH_9.2\r\n", "EHLO mail", "\x00\x01", "\x15\x03\x01", " GET /", &long, &blank]
        {
            assert_eq!(classify(text.as_bytes()), Some(Kind::Unknown), "{text:?}");
        }
    }
}
