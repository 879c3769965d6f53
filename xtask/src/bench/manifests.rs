//! Manifests by tag: Hythe with a bearer token, docker-registry for anybody, 32 connections each.

use super::client::Client;
use super::peers::{Hythe, Registry};
use super::report::{Report, median};
use super::said;
use crate::command::Outcome;

const MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
/// The two bytes `{}`, which serve as config and as layer.
const EMPTY: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

pub(super) fn measure(hythe: &Hythe, registry: &Registry, rounds: usize, report: &mut Report) -> Outcome {
    let token = hythe.token("repository:library/manifest:pull,push")?;
    push(&hythe.client(Some(token.clone())), "library/manifest", "v1")?;
    push(&registry.client(), "library/manifest", "v1")?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        ours.push(load(hythe.port, "/v2/library/manifest/manifests/v1", Some(&token))?);
        theirs.push(load(registry.port, "/v2/library/manifest/manifests/v1", None)?);
    }
    let of = |loads: &[Load], part: fn(&Load) -> f64| median(&loads.iter().map(part).collect::<Vec<_>>());
    let (our_rate, their_rate) = (of(&ours, |l| l.rate), of(&theirs, |l| l.rate));
    let (our_p99, their_p99) = (of(&ours, |l| l.p99_ms), of(&theirs, |l| l.p99_ms));
    report.add(
        "manifest GET by tag, 32 connections: rate, of docker-registry's",
        our_rate / their_rate,
        "at least 10",
    );
    report.add(
        "manifest GET by tag, 32 connections: p99, of docker-registry's",
        our_p99 / their_p99,
        "at most 0.2",
    );
    report.note(format!(
        "manifest: Hythe {our_rate:.0}/s and p99 {our_p99:.1} ms, docker-registry {their_rate:.0}/s and p99 {their_p99:.1} ms"
    ));
    Ok(())
}

/// Pushes an image of one config and one layer, both `{}`.
pub(super) fn push(client: &Client, name: &str, reference: &str) -> Outcome {
    let begun = client
        .send_bytes("POST", &format!("/v2/{name}/blobs/uploads/"), "application/octet-stream", b"")?
        .expect(202)?;
    let location = super::client::path_of(begun.header("location").ok_or("no Location")?);
    let joint = if location.contains('?') { '&' } else { '?' };
    client
        .send_bytes("PUT", &format!("{location}{joint}digest={EMPTY}"), "application/octet-stream", b"{}")?
        .expect(201)?;
    client
        .send_bytes("PUT", &format!("/v2/{name}/manifests/{reference}"), MEDIA_TYPE, manifest().as_bytes())?
        .expect(201)?;
    Ok(())
}

pub(super) fn manifest() -> String {
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{MEDIA_TYPE}","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{EMPTY}","size":2}},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{EMPTY}","size":2}}]}}"#
    )
}

/// What wrk says.
pub(super) struct Load {
    pub(super) rate: f64,
    pub(super) p99_ms: f64,
}

/// Five seconds of wrk with one thread and 32 connections.
pub(super) fn load(port: u16, path: &str, token: Option<&str>) -> Outcome<Load> {
    let authorization = token.map(|token| format!("Authorization: Bearer {token}"));
    let url = format!("http://127.0.0.1:{port}{path}");
    let accept = format!("Accept: {MEDIA_TYPE}");
    let mut arguments = vec!["-t1", "-c32", "-d5s", "--latency", "-H", &accept];
    if let Some(authorization) = &authorization {
        arguments.extend(["-H", authorization]);
    }
    arguments.push(&url);
    let said = said("wrk", &arguments)?;
    if said.contains("Non-2xx") {
        return Err(format!("{url} was refused under load:\n{said}").into());
    }
    let after = |label: &str| {
        said.lines()
            .find_map(|line| line.trim().strip_prefix(label))
            .map(str::trim)
            .ok_or(format!("wrk did not say {label}"))
    };
    Ok(Load { rate: after("Requests/sec:")?.parse()?, p99_ms: milliseconds(after("99%")?)? })
}

/// wrk writes `812.00us`, `1.23ms` or `1.02s`.
fn milliseconds(text: &str) -> Outcome<f64> {
    let unit = text.find(|c: char| c.is_ascii_alphabetic()).ok_or("a time without a unit")?;
    let number: f64 = text[..unit].parse()?;
    Ok(match &text[unit..] {
        "us" => number / 1000.0,
        "ms" => number,
        _ => number * 1000.0,
    })
}
