//! Sends the audit log on to a syslog server (RFC 5424), in the order of its seals, each event at least once.
//!
//! One node at a time sends, by a lease; how far it came is a row, so that another goes on where it stopped.
//! `host:port` is UDP, `tcp://host:port` TCP with octet counting (RFC 6587 section 3.4.1).

use std::time::Duration;

use hythe_metadata::audit::{self, Event};
use hythe_metadata::{lease, setting};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UdpSocket};

use crate::Registry;
use crate::clock;
use crate::configuration::items::{AUDIT_LOG_FORWARD_ENDPOINT, SKIP_AUDIT_LOG_DATABASE};
use crate::error::{Error, Kind, Result};

const SENT_EVERY: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(5);
const LEASE: &str = "audit-forward";
const LEASE_FOR: Duration = Duration::from_secs(60);
const CURSOR: &str = "audit_forwarded";
const BATCH: u32 = 500;

/// Facility 13 (log audit); severity 6 (informational), or 4 (warning) for what was refused.
const FACILITY: u32 = 13;

impl Registry {
    /// Sends for as long as the node runs, whenever an endpoint is configured.
    pub async fn forward_audit_regularly(&self) {
        let mut failing = false;
        loop {
            tokio::time::sleep(SENT_EVERY).await;
            let endpoint = self.configuration().text(&AUDIT_LOG_FORWARD_ENDPOINT);
            if endpoint.is_empty() {
                continue;
            }
            let outcome = self.forward_all(&endpoint).await;
            if let Err(error) = &outcome
                && !failing
            {
                tracing::warn!(%error, endpoint, "the audit log cannot be sent on; it will be tried again");
            }
            failing = outcome.is_err();
        }
    }

    /// Batch by batch, until all is sent or another node is at it.
    async fn forward_all(&self, endpoint: &str) -> Result<()> {
        while self.forward_audit(endpoint).await? == BATCH as usize {}
        Ok(())
    }

    /// Sends what is new to the endpoint, a batch at most and unless another node is at it; how many events.
    pub async fn forward_audit(&self, endpoint: &str) -> Result<usize> {
        let Some(fence) = self.take_forward_lease().await? else { return Ok(0) };
        let sent = self.send_new(endpoint).await;
        self.database.transaction(move |c| Box::pin(lease::release(c, LEASE, fence))).await?;
        sent
    }

    async fn take_forward_lease(&self) -> Result<Option<i64>> {
        let (node, now) = (self.options.node.clone(), clock::now());
        let until = now.saturating_add(clock::micros(LEASE_FOR));
        let taken = self
            .database
            .transaction(move |c| {
                let node = node.clone();
                Box::pin(async move { lease::take(c, LEASE, &node, until, now).await })
            })
            .await?;
        Ok(taken)
    }

    async fn send_new(&self, endpoint: &str) -> Result<usize> {
        let mut c = self.database.connect().await?;
        let cursor = setting::find(&mut c, CURSOR).await?.as_deref().and_then(parse_cursor).unwrap_or((0, 0));
        let events = audit::list_sealed(&mut c, cursor, BATCH).await?;
        drop(c);
        let Some(last) = events.last() else { return Ok(0) };
        let reached = format!("{} {}", last.seal.unwrap_or(0), last.id);
        let done =
            if self.configuration().truth(&SKIP_AUDIT_LOG_DATABASE) { sent_whole(&events) } else { 0..=0 };
        let messages: Vec<String> = events.iter().map(|event| message(event, &self.options.node)).collect();
        let sent = tokio::time::timeout(PATIENCE, send(endpoint, &messages)).await;
        sent.map_err(|_| unreachable(endpoint, "no answer in time".to_owned()))?
            .map_err(|error| unreachable(endpoint, error.to_string()))?;
        self.database
            .transaction(move |c| {
                let (reached, done) = (reached.clone(), done.clone());
                Box::pin(async move {
                    for seal in done.filter(|seal| *seal > 0) {
                        audit::purge(c, seal, &[], clock::now()).await?;
                    }
                    setting::put(c, CURSOR, &reached).await
                })
            })
            .await?;
        Ok(events.len())
    }
}

/// The seals all of whose events were sent, where events are kept no longer. The last seal of a full batch may go on in
/// the next one: it stays until the batch after it, so the seal before the first one is done too.
fn sent_whole(events: &[Event]) -> std::ops::RangeInclusive<i64> {
    let seal = |event: Option<&Event>| event.and_then(|event| event.seal).unwrap_or(0);
    let (first, last) = (seal(events.first()), seal(events.last()));
    let cut = events.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
    (first - 1).max(0)..=if cut { last - 1 } else { last }
}

async fn send(endpoint: &str, messages: &[String]) -> std::io::Result<()> {
    match endpoint.strip_prefix("tcp://") {
        Some(address) => {
            let mut stream = TcpStream::connect(address).await?;
            for message in messages {
                stream.write_all(format!("{} {message}", message.len()).as_bytes()).await?;
            }
            stream.shutdown().await
        }
        None => {
            let address = endpoint.strip_prefix("udp://").unwrap_or(endpoint);
            let found = tokio::net::lookup_host(address).await?.next();
            let peer = found.ok_or_else(|| std::io::Error::other("the name has no address"))?;
            let socket = UdpSocket::bind(if peer.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }).await?;
            for message in messages {
                socket.send_to(message.as_bytes(), peer).await?;
            }
            Ok(())
        }
    }
}

/// `<PRI>1 TIME HOST hythe - audit [sd] text` (RFC 5424 section 6).
fn message(row: &Event, node: &str) -> String {
    let event = &row.event;
    let severity = if event.succeeded { 6 } else { 4 };
    let time = jiff::Timestamp::from_microsecond(event.at).unwrap_or_default();
    let pairs = [
        ("id", row.id.to_string()),
        ("actor", event.actor.clone()),
        ("kind", event.actor_kind.clone()),
        ("through", event.through.clone()),
        ("address", event.address.clone()),
        ("agent", event.user_agent.clone()),
        ("request", event.request_id.clone()),
        ("operation", event.operation.clone()),
        ("type", event.resource_type.clone()),
        ("resource", event.resource.clone()),
        ("result", if event.succeeded { "success" } else { "refused" }.to_owned()),
    ];
    let data: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    format!(
        "<{}>1 {time:.6} {} hythe - audit [audit@32473 {}] {}",
        FACILITY * 8 + severity,
        header_word(node),
        data.join(" "),
        event.description.replace(char::is_control, " ")
    )
}

/// Section 6.3.3: a quotation mark, a backslash and a closing bracket stand behind a backslash.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for sign in value.chars() {
        if matches!(sign, '"' | '\\' | ']') {
            text.push('\\');
        }
        text.push(if sign.is_control() { ' ' } else { sign });
    }
    text
}

fn header_word(word: &str) -> String {
    let kept: String = word.chars().filter(char::is_ascii_graphic).take(255).collect();
    if kept.is_empty() { "-".to_owned() } else { kept }
}

fn parse_cursor(text: &str) -> Option<(i64, i64)> {
    let (seal, id) = text.split_once(' ')?;
    Some((seal.parse().ok()?, id.parse().ok()?))
}

fn unreachable(endpoint: &str, reason: String) -> Error {
    Error::new(
        Kind::Unavailable,
        hythe_oci::error_code::ErrorCode::Unavailable,
        format!("the syslog server {endpoint} cannot be reached: {reason}; check audit_log_forward_endpoint"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structured_data_cannot_be_broken_out_of() {
        assert_eq!(escaped("a\"]\\b\n"), "a\\\"\\]\\\\b ");
        assert_eq!(header_word("node one"), "nodeone");
        assert_eq!(parse_cursor("3 14"), Some((3, 14)));
    }
}
