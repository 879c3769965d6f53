//! The TCP connection as hyper and rustls see it: writes that make no progress fail, file bytes go by `sendfile`.

use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use metrics::Counter;
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendFlags};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::counters;
use super::sendfile::{FilePiece, SendfileTable};
use super::stall::Stall;

/// The most that one `sendfile` call is asked for, as in nginx's `sendfile_max_chunk 2m`.
const MOST_AT_ONCE: usize = 2 * 1024 * 1024;
/// What is read at a time where the file system knows no `sendfile`.
const COPY_AT_ONCE: usize = 256 * 1024;

/// A TCP stream with a guard against clients that stop reading.
pub(super) struct Socket {
    stream: TcpStream,
    stall: Stall,
    files: Option<Files>,
}

struct Files {
    table: Arc<SendfileTable>,
    sent: Counter,
    /// Where `sendfile` does not work: the buffer to copy through.
    copy: Option<Box<[u8]>>,
    /// Only whole packets leave until the next flush: else each `sendfile` would end with a short one, which wakes the
    /// client for little. (nginx's `tcp_nopush`.)
    is_corked: bool,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, write_timeout: Duration) -> Self {
        Self { stream, stall: Stall::new(write_timeout), files: None }
    }

    /// Slices that `table` knows are sent from their files from now on.
    pub(super) fn with_files(mut self, table: Arc<SendfileTable>) -> Self {
        self.files = Some(Files { table, sent: counters::sendfile_bytes(), copy: None, is_corked: false });
        self
    }

    /// Notes progress; without any, fails once the client has had long enough.
    fn watch<T>(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match result {
            Poll::Ready(result) => {
                self.stall.moved();
                Poll::Ready(result)
            }
            Poll::Pending => self.stall.poll_expired(cx).map(|()| {
                counters::refused("write_timeout");
                Err(io::Error::new(io::ErrorKind::TimedOut, "the client has stopped reading the response"))
            }),
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if let Some(files) = &mut self.files
            && let Some((place, piece)) = files.first_piece(bufs)
        {
            return files.poll_send(&self.stream, cx, &bufs[..place], &piece);
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }
}

impl Files {
    /// The first slice that stands for a piece of a file, and its place in the row.
    fn first_piece(&self, bufs: &[IoSlice<'_>]) -> Option<(usize, FilePiece)> {
        bufs.iter().enumerate().find_map(|(place, slice)| Some((place, self.table.find(slice)?)))
    }

    fn poll_send(
        &mut self,
        stream: &TcpStream,
        cx: &mut Context<'_>,
        head: &[IoSlice<'_>],
        piece: &FilePiece,
    ) -> Poll<io::Result<usize>> {
        if self.table.turn_left() == 0 {
            return give_way(cx);
        }
        loop {
            ready!(stream.poll_write_ready(cx))?;
            match stream.try_io(Interest::WRITABLE, || self.send(stream, head, piece)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => {
                    self.table.spend_turn(*result.as_ref().unwrap_or(&0));
                    return Poll::Ready(result);
                }
            }
        }
    }

    /// The headers with "more follows", so that they share a packet with the first bytes of the file; then those.
    fn send(&mut self, stream: &TcpStream, head: &[IoSlice<'_>], piece: &FilePiece) -> io::Result<usize> {
        let head_len: usize = head.iter().map(|slice| slice.len()).sum();
        let head_sent = if head_len == 0 { 0 } else { send_with_more(stream, head)? };
        if head_sent < head_len {
            return Ok(head_sent);
        }
        match self.send_piece(stream, piece) {
            Ok(sent) => Ok(head_sent + sent),
            // The next call meets the error again, if it is one that stays.
            Err(_) if head_sent > 0 => Ok(head_sent),
            Err(error) => Err(error),
        }
    }

    fn send_piece(&mut self, stream: &TcpStream, piece: &FilePiece) -> io::Result<usize> {
        if self.copy.is_none() {
            let mut offset = piece.offset;
            let len = piece.len.min(MOST_AT_ONCE);
            self.cork(stream, true);
            match rustix::fs::sendfile(stream, &*piece.file, Some(&mut offset), len) {
                Ok(0) => return Err(shorter_than_said(piece)),
                Ok(sent) => {
                    self.sent.increment(sent as u64);
                    return Ok(sent);
                }
                Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.copy_piece(stream, piece)
    }

    /// A connection that cannot be corked sends short packets, and that is all.
    fn cork(&mut self, stream: &TcpStream, wanted: bool) {
        if self.is_corked != wanted {
            let _ = rustix::net::sockopt::set_tcp_cork(stream, wanted);
            self.is_corked = wanted;
        }
    }

    /// What fits into the socket is taken, the rest is read again at the next call: simpler than keeping it, and
    /// no file system met so far needs this path.
    fn copy_piece(&mut self, stream: &TcpStream, piece: &FilePiece) -> io::Result<usize> {
        let buffer = self.copy.get_or_insert_with(|| vec![0; COPY_AT_ONCE].into_boxed_slice());
        let len = piece.len.min(buffer.len());
        let read = piece.file.read_at(&mut buffer[..len], piece.offset)?;
        if read == 0 {
            return Err(shorter_than_said(piece));
        }
        Ok(rustix::net::send(stream, &buffer[..read], SendFlags::NOSIGNAL | SendFlags::DONTWAIT)?)
    }
}

/// Ends this poll; tokio makes the next one after it has looked at the sockets. Waking the task directly would put it
/// behind the tasks that are ready, but ahead of those whose sockets have become ready meanwhile.
fn give_way<T>(cx: &mut Context<'_>) -> Poll<T> {
    let _ = pin!(tokio::task::yield_now()).poll(cx);
    Poll::Pending
}

fn send_with_more(stream: &TcpStream, head: &[IoSlice<'_>]) -> io::Result<usize> {
    let flags = SendFlags::MORE | SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    Ok(rustix::net::sendmsg(stream, head, &mut SendAncillaryBuffer::default(), flags)?)
}

/// Its length was right when it was opened, so somebody has laid hands on it since.
fn shorter_than_said(piece: &FilePiece) -> io::Error {
    let text = format!("the file ends before byte {}, which was still to be sent", piece.offset);
    tracing::error!(
        offset = piece.offset,
        "a file has become shorter while it was sent; the answer was cut off"
    );
    io::Error::new(io::ErrorKind::UnexpectedEof, text)
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = self.poll_send(cx, &[IoSlice::new(buf)]);
        self.watch(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = self.poll_send(cx, bufs);
        self.watch(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Socket { stream, files, .. } = &mut *self;
        if let Some(files) = files {
            files.cork(stream, false);
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;

    use bytes::Bytes;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const LEN: usize = 3_000_001;

    fn file() -> (Arc<File>, Vec<u8>) {
        let bytes: Vec<u8> = (0..LEN).map(|place| (place / 251 % 256) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        (Arc::new(file), bytes)
    }

    /// What arrives when `body` is written to a socket of which `adapt` may change something first.
    async fn sent(
        table: Arc<SendfileTable>,
        mut head: &'static [u8],
        mut body: Bytes,
        adapt: impl FnOnce(&mut Files),
    ) -> Vec<u8> {
        let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(door.local_addr().unwrap()).await.unwrap();
        let stream = door.accept().await.unwrap().0;
        let mut socket = Socket::new(stream, Duration::from_secs(5)).with_files(table);
        adapt(socket.files.as_mut().unwrap());
        let writer = tokio::spawn(async move {
            while !body.is_empty() {
                let slices = [IoSlice::new(head), IoSlice::new(&body)];
                let count = socket.write_vectored(&slices).await.unwrap();
                let from_head = count.min(head.len());
                head = &head[from_head..];
                body = body.split_off(count - from_head);
            }
        });
        let mut arrived = Vec::new();
        client.read_to_end(&mut arrived).await.unwrap();
        writer.await.unwrap();
        arrived
    }

    #[tokio::test]
    async fn headers_and_file_arrive_in_order() {
        let (file, bytes) = file();
        let table = SendfileTable::new();
        let body = table.map(&file, 7..LEN as u64).unwrap();
        let arrived = sent(table, b"head", body, |_| ()).await;
        assert!(arrived == [b"head", &bytes[7..]].concat());
    }

    #[tokio::test]
    async fn a_file_system_without_sendfile_is_copied_from() {
        let (file, bytes) = file();
        let table = SendfileTable::new();
        let body = table.map(&file, 7..LEN as u64).unwrap();
        let copying = |files: &mut Files| files.copy = Some(vec![0; COPY_AT_ONCE].into_boxed_slice());
        let arrived = sent(table, b"head", body, copying).await;
        assert!(arrived == [b"head", &bytes[7..]].concat());
    }

    #[tokio::test]
    async fn short_packets_wait_for_the_flush_and_no_longer() {
        let (file, _) = file();
        let table = SendfileTable::new();
        let body = table.map(&file, 0..100_000).unwrap();
        let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(door.local_addr().unwrap()).await.unwrap();
        let mut socket =
            Socket::new(door.accept().await.unwrap().0, Duration::from_secs(5)).with_files(table);
        socket.write_all(&body).await.unwrap();
        assert!(rustix::net::sockopt::tcp_cork(&socket.stream).unwrap());
        socket.flush().await.unwrap();
        assert!(!rustix::net::sockopt::tcp_cork(&socket.stream).unwrap());
    }

    #[tokio::test]
    async fn a_turn_ends_when_it_is_spent() {
        let (file, _) = file();
        let table = SendfileTable::new();
        let body = table.map(&file, 0..LEN as u64).unwrap();
        table.spend_turn(usize::MAX);
        let nothing = sent(Arc::clone(&table), b"", body, |_| ());
        let waited = tokio::time::timeout(Duration::from_millis(50), nothing).await;
        assert!(waited.is_err(), "only a new turn lets it go on");
    }
}
