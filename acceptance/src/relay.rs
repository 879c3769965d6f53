//! A relay before a server: it passes bytes on, until a test has it stall, reset connections or say that it is all too much.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// What Amazon S3 says to one who asks too often ("Error responses", code `SlowDown`).
const SLOW_DOWN: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>SlowDown</Code>\
    <Message>Please reduce your request rate.</Message></Error>";
/// A head is no longer, and a client that was refused has hung up by then.
const HEAD: usize = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(5);

/// What goes wrong between client and server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Connections are taken and nothing moves. What was sent meanwhile arrives afterwards.
    Stall,
    /// Connections are reset in the middle of what they carry, and new ones at once.
    Break,
    /// Connections are reset; on new ones a request is answered by 503.
    Refuse,
}

/// What all connections look at.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    trouble: Option<Trouble>,
    /// How often connections were to be reset: one that did not come to look while it was so is reset afterwards.
    resets: u64,
}

/// A relay at a port of its own. Dropped, it ends with all its connections.
pub struct Relay {
    address: SocketAddr,
    state: watch::Sender<State>,
    accepting: AbortHandle,
}

impl Relay {
    /// Before the server at `http://ADDRESS:PORT`. It works on the runtime on which this is called.
    pub fn before(server: &str) -> Relay {
        let server: SocketAddr = server.strip_prefix("http://").unwrap().parse().unwrap();
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let (address, listener) = (listener.local_addr().unwrap(), TcpListener::from_std(listener).unwrap());
        let (state, told) = watch::channel(State::default());
        let accepting = tokio::spawn(accept(listener, server, told)).abort_handle();
        Relay { address, state, accepting }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Has this trouble for so long, while the calling thread sleeps.
    pub fn suffer(&self, trouble: Trouble, moment: Duration) {
        self.begin(trouble);
        thread::sleep(moment);
        self.end();
    }

    fn begin(&self, trouble: Trouble) {
        self.state.send_modify(|state| {
            state.trouble = Some(trouble);
            state.resets += u64::from(trouble != Trouble::Stall);
        });
    }

    fn end(&self) {
        self.state.send_modify(|state| state.trouble = None);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, told: watch::Receiver<State>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(serve(client, server, told.clone()));
    }
}

async fn serve(client: TcpStream, server: SocketAddr, mut told: watch::Receiver<State>) -> io::Result<()> {
    let goes_on = |state: &State| state.trouble != Some(Trouble::Stall);
    let State { trouble, resets } = *told.wait_for(goes_on).await.map_err(io::Error::other)?;
    match trouble {
        Some(Trouble::Break) => return client.set_zero_linger(),
        Some(Trouble::Refuse) => return refuse(client).await,
        Some(Trouble::Stall) | None => {}
    }
    pass_on(client, TcpStream::connect(server).await?, told, resets).await
}

/// Until one of them ends it, or trouble does. While all stalls what was read and not yet written is kept.
async fn pass_on(
    mut client: TcpStream,
    mut server: TcpStream,
    mut told: watch::Receiver<State>,
    resets: u64,
) -> io::Result<()> {
    {
        let mut passing = pin!(copy_bidirectional(&mut client, &mut server));
        loop {
            let now = *told.borrow_and_update();
            let changed = match now.trouble {
                _ if now.resets != resets => break,
                Some(Trouble::Stall) => told.changed().await,
                _ => tokio::select! {
                    biased;
                    changed = told.changed() => changed,
                    passed = &mut passing => return passed.map(|_| ()),
                },
            };
            changed.map_err(io::Error::other)?;
        }
    }
    client.set_zero_linger()?;
    server.set_zero_linger()
}

/// Answers one request, and reads on until its client hangs up: a reset would take the answer along.
async fn refuse(mut client: TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < HEAD {
        if client.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let answer = format!(
        "HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n\
         {SLOW_DOWN}",
        SLOW_DOWN.len()
    );
    client.write_all(answer.as_bytes()).await?;
    client.shutdown().await?;
    let mut nowhere = tokio::io::sink();
    tokio::time::timeout(PATIENCE, tokio::io::copy(&mut client, &mut nowhere)).await?.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_millis(300);

    /// A server that says again what it hears.
    async fn echo() -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut reader, mut writer) = client.split();
                    tokio::io::copy(&mut reader, &mut writer).await
                });
            }
        });
        format!("http://{address}")
    }

    async fn exchange(client: &mut TcpStream, words: &str) -> io::Result<String> {
        client.write_all(words.as_bytes()).await?;
        let mut heard = vec![0; words.len()];
        client.read_exact(&mut heard).await?;
        Ok(String::from_utf8(heard).unwrap())
    }

    /// A connection that worked until the trouble began.
    async fn troubled(trouble: Trouble) -> (Relay, TcpStream) {
        let relay = Relay::before(&echo().await);
        let mut client = TcpStream::connect(relay.address).await.unwrap();
        assert_eq!(exchange(&mut client, "before").await.unwrap(), "before");
        relay.begin(trouble);
        (relay, client)
    }

    #[tokio::test]
    async fn what_is_sent_during_a_stall_arrives_afterwards() {
        let (relay, mut client) = troubled(Trouble::Stall).await;
        let heard = tokio::time::timeout(MOMENT, exchange(&mut client, "meanwhile")).await;
        assert!(heard.is_err(), "{heard:?}");
        relay.end();
        let mut heard = vec![0; "meanwhile".len()];
        client.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, b"meanwhile");
    }

    #[tokio::test]
    async fn what_breaks_is_reset_and_mended_for_new_connections() {
        let (relay, mut client) = troubled(Trouble::Break).await;
        exchange(&mut client, "meanwhile").await.unwrap_err();
        let mut new = TcpStream::connect(relay.address).await.unwrap();
        exchange(&mut new, "meanwhile").await.unwrap_err();
        relay.end();
        let mut new = TcpStream::connect(relay.address).await.unwrap();
        assert_eq!(exchange(&mut new, "afterwards").await.unwrap(), "afterwards");
    }

    #[tokio::test]
    async fn what_did_not_come_to_look_while_all_broke_is_reset_afterwards() {
        let (relay, mut client) = troubled(Trouble::Break).await;
        relay.end();
        exchange(&mut client, "afterwards").await.unwrap_err();
    }

    #[tokio::test]
    async fn a_request_is_refused_in_the_words_of_s3() {
        let (relay, mut client) = troubled(Trouble::Refuse).await;
        exchange(&mut client, "meanwhile").await.unwrap_err();
        let mut new = TcpStream::connect(relay.address).await.unwrap();
        new.write_all(b"PUT /bucket/key HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody").await.unwrap();
        let mut answer = String::new();
        new.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("<Code>SlowDown</Code>"), "{answer}");
    }
}
