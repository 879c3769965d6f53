//! A range of a file as a response body: by `sendfile` where the connection can, as a stream elsewhere.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::num::NonZeroU64;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use futures_util::Stream;
use http_body::{Frame, SizeHint};
use rustix::fs::Advice;
use rustix::io::{Errno, ReadWriteFlags};
use tokio::task::JoinHandle;

use super::ConnectionInfo;

/// What is handed to the connection at a time, after looking whether it is in memory.
const WINDOW: usize = 8 * 1024 * 1024;
/// Ranges up to here are cheaper to read than to map.
const SMALL: u64 = 64 * 1024;
/// What is read at a time of a window that is not in memory, and the distance of the bytes that are read only to wait for
/// it: the kernel's usual read-ahead.
const PIECE: usize = 128 * 1024;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A body of `range` of `file`, with its exact length.
///
/// On plain HTTP/1.1 the kernel copies it from the page cache to the socket; elsewhere, for small ranges and
/// where the file cannot be mapped, `fallback` is asked for a stream of the same bytes. The caller has checked
/// that the file is as long as `range` says; should it be shorter, the connection ends without completing it.
pub fn file_body<S, E>(
    connection: &ConnectionInfo,
    file: &Arc<File>,
    range: Range<u64>,
    fallback: impl FnOnce(Range<u64>) -> S,
) -> Body
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin + 'static,
    E: Into<BoxError> + 'static,
{
    let len = range.end.saturating_sub(range.start);
    let mapped = match &connection.sendfile {
        Some(table) if len > SMALL => table.map(file, range.clone()).ok(),
        _ => None,
    };
    match mapped {
        Some(left) => Body::new(MappedBody::new(Arc::clone(file), range.start, left)),
        None => Body::new(SizedStream { stream: fallback(range), left: len }),
    }
}

/// Hands out windows of a mapped file, each once its pages are in memory.
struct MappedBody {
    file: Arc<File>,
    /// The same, opened once more where a window was cold: the kernel reads ahead for each opening by itself, and
    /// `sendfile`, which comes behind, would throw it off.
    reader: Arc<OnceLock<Option<File>>>,
    position: u64,
    left: Bytes,
    /// The next window, where it was not in memory, on its way there on a thread that may wait.
    reading: Option<JoinHandle<io::Result<()>>>,
}

impl MappedBody {
    fn new(file: Arc<File>, position: u64, left: Bytes) -> Self {
        Self { file, reader: Arc::default(), position, left, reading: None }
    }

    /// A short rest goes along with the window before it.
    fn window_len(&self) -> usize {
        if self.left.len() <= WINDOW + WINDOW / 4 { self.left.len() } else { WINDOW }
    }

    /// `sendfile` would wait for the disk on the worker's time, so a cold window is read on another thread first. Whether
    /// this one had to be.
    fn poll_warm(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if self.reading.is_none() {
            self.read_if_cold();
        }
        let Some(task) = &mut self.reading else { return Poll::Ready(Ok(false)) };
        let read = ready!(Pin::new(task).poll(cx)).map_err(io::Error::other)?;
        self.reading = None;
        Poll::Ready(read.map(|()| true))
    }

    fn read_if_cold(&mut self) {
        let (len, position) = (self.window_len(), self.position);
        if len == 0 {
            return;
        }
        let whereabouts = whereabouts(&self.file, position, len);
        if whereabouts == Whereabouts::Memory {
            return;
        }
        let (file, reader) = (Arc::clone(&self.file), Arc::clone(&self.reader));
        self.reading = Some(tokio::task::spawn_blocking(move || {
            if whereabouts == Whereabouts::Unknown {
                return wait_for(&file, position, len);
            }
            let again = reader.get_or_init(|| open_again(&file));
            read_in(again.as_ref().unwrap_or(&file), position, len)
        }));
    }

    fn take_window(&mut self) -> Bytes {
        let window = self.left.split_to(self.window_len());
        self.position += window.len() as u64;
        window
    }
}

impl http_body::Body for MappedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let was_cold = ready!(self.poll_warm(cx)).inspect_err(|error| {
            tracing::error!(offset = self.position, %error, "a file cannot be read; the answer was cut off");
        })?;
        let window = self.take_window();
        if was_cold {
            // The disk works on while this one is sent.
            self.read_if_cold();
        }
        Poll::Ready(Some(Ok(Frame::data(window))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}

/// Where a window is, as far as the file system tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whereabouts {
    Memory,
    Disk,
    Unknown,
}

/// By its last and its first page. Pages between them may still be missing; then `sendfile` waits for those few.
fn whereabouts(file: &File, position: u64, len: usize) -> Whereabouts {
    let last = position + (len as u64).saturating_sub(1);
    match whereabouts_of_byte(file, last) {
        Whereabouts::Memory => whereabouts_of_byte(file, position),
        other => other,
    }
}

fn whereabouts_of_byte(file: &File, position: u64) -> Whereabouts {
    let mut byte = [0];
    let read = rustix::io::preadv2(file, &mut [IoSliceMut::new(&mut byte)], position, ReadWriteFlags::NOWAIT);
    match read {
        Ok(_) => Whereabouts::Memory,
        Err(Errno::INTR) => whereabouts_of_byte(file, position),
        Err(Errno::AGAIN) => Whereabouts::Disk,
        Err(_) => Whereabouts::Unknown,
    }
}

/// Also of a file that has lost its name; nothing where there is no `/proc`.
fn open_again(file: &File) -> Option<File> {
    let again = File::open(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()?;
    // Only a hint, to read twice as far ahead; some file systems refuse it.
    let _ = rustix::fs::fadvise(&again, 0, None, Advice::Sequential);
    Some(again)
}

/// Waits for a window of a network file system, which cannot tell what is in memory: its pages are asked for all at
/// once, which costs microseconds where they are there.
fn wait_for(file: &File, position: u64, len: usize) -> io::Result<()> {
    // Only a hint, and some file systems refuse it; the reads below do the work then.
    let _ = rustix::fs::fadvise(file, position, NonZeroU64::new(2 * len as u64), Advice::WillNeed);
    let end = position + len as u64;
    let mut byte = [0];
    for step in (position..end).step_by(PIECE).chain([end.saturating_sub(1)]) {
        file.read_at(&mut byte, step)?;
    }
    Ok(())
}

/// Brings a window into memory, by reading it and throwing away what was read. Pages that come in for a reader are large
/// ones, of which a `sendfile` takes fewer; `POSIX_FADV_WILLNEED`, which would spare the copy, makes single pages of 4 KiB, with
/// which every later pull of the blob takes a fifth longer.
fn read_in(file: &File, position: u64, len: usize) -> io::Result<()> {
    let mut piece = vec![0; PIECE.min(len)];
    let end = position + len as u64;
    let mut at = position;
    while at < end {
        match file.read_at(&mut piece, at) {
            // Shorter than was said: who sends it finds out.
            Ok(0) => break,
            Ok(read) => at += read as u64,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A stream whose length is known: ends with an error where it falls short, so that no truncated body can look
/// complete.
struct SizedStream<S> {
    stream: S,
    left: u64,
}

impl<S, E> http_body::Body for SizedStream<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let Some(chunk) = ready!(Pin::new(&mut self.stream).poll_next(cx)) else {
            return Poll::Ready(Some(Err(format!("the blob ended {} bytes early", self.left).into())));
        };
        let chunk = chunk.map_err(Into::into)?;
        let Some(left) = self.left.checked_sub(chunk.len() as u64) else {
            return Poll::Ready(Some(Err("the blob is longer than was said".into())));
        };
        self.left = left;
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listener::sendfile::SendfileTable;

    #[test]
    fn windows_follow_each_other_and_a_short_rest_goes_along() {
        let file = Arc::new(tempfile::tempfile().unwrap());
        let len = 3 * WINDOW as u64 + 5;
        file.set_len(7 + len).unwrap();
        let map = SendfileTable::new().map(&file, 7..7 + len).unwrap();
        let mut body = MappedBody::new(file, 7, map);
        let windows: Vec<_> = std::iter::from_fn(|| {
            let position = body.position;
            (!body.left.is_empty()).then(|| (position, body.take_window().len()))
        })
        .collect();
        assert_eq!(windows, [(7, WINDOW), (7 + WINDOW as u64, WINDOW), (7 + 2 * WINDOW as u64, WINDOW + 5)]);
    }

    /// A file of which nothing is in memory, where its file system keeps it on a disk.
    fn cold_file(len: usize) -> Arc<File> {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, &vec![7; len]).unwrap();
        file.sync_all().unwrap();
        rustix::fs::fadvise(&file, 0, None, Advice::DontNeed).unwrap();
        Arc::new(file)
    }

    #[test]
    fn what_was_read_in_or_waited_for_is_in_memory() {
        for bring in [read_in, wait_for] {
            let file = cold_file(1 << 20);
            bring(&file, 4_000, 1_000_000).unwrap();
            assert_eq!(whereabouts(&file, 4_000, 1_000_000), Whereabouts::Memory);
        }
    }

    #[tokio::test]
    async fn each_window_is_in_memory_when_it_is_handed_out() {
        let len = 3 * WINDOW as u64;
        let file = cold_file(3 * WINDOW);
        let map = SendfileTable::new().map(&file, 7..len).unwrap();
        let mut body = MappedBody::new(Arc::clone(&file), 7, map);
        let mut at = 7;
        while let Some(frame) = http_body_util::BodyExt::frame(&mut body).await {
            let window = frame.unwrap().into_data().unwrap();
            assert_eq!(whereabouts(&file, at, window.len()), Whereabouts::Memory);
            at += window.len() as u64;
        }
        assert_eq!(at, len);
    }
}
