//! The nodes, by their rows: lost, in trouble, of different versions, with clocks that are apart, or with different keys.

use std::collections::BTreeMap;

use super::{Finding, words};
use crate::clock::Micros;
use crate::nodes::{Node, State};

const SECOND: Micros = 1_000_000;

/// Clocks of machines that follow a time server are nearer.
const TOLERABLE_OFFSET: Micros = 2 * SECOND;

/// `now` by the database's clock. Nodes that were stopped on purpose count no more.
pub(super) fn judge(nodes: &[Node], now: Micros) -> Vec<Finding> {
    let living: Vec<&Node> =
        nodes.iter().filter(|node| matches!(node.state, State::Serving | State::Troubled)).collect();
    let lost = nodes.iter().filter(|node| is_missed(node, &living)).map(|node| lost(node, now));
    let mut findings: Vec<Finding> = lost.chain(living.iter().flat_map(|node| troubles(node))).collect();
    findings.extend(living.iter().filter_map(|node| clock(node)));
    findings.extend(versions(&living));
    findings.extend(keys(&living));
    if findings.is_empty() {
        findings.extend(all_well(&living));
    }
    findings
}

/// A node that was lost and has been started again bears the name of its successor.
fn is_missed(node: &Node, living: &[&Node]) -> bool {
    let back = |other: &&Node| other.name == node.name && other.started_at > node.started_at;
    node.state == State::Lost && !living.iter().any(back)
}

fn lost(node: &Node, now: Micros) -> Finding {
    words::node_lost(&node.name, (now - node.seen_at) / SECOND)
}

fn troubles(node: &Node) -> impl Iterator<Item = Finding> {
    let troubled = node.report.parts.iter().filter_map(|part| Some((&part.name, part.trouble.as_ref()?)));
    troubled.map(|(part, trouble)| words::node_troubled(&node.name, part, trouble))
}

fn clock(node: &Node) -> Option<Finding> {
    let told = if node.clock_offset > 0 { words::clock_ahead } else { words::clock_behind };
    let apart = node.clock_offset.abs();
    (apart >= TOLERABLE_OFFSET).then(|| told(&node.name, apart / SECOND))
}

fn versions(living: &[&Node]) -> Option<Finding> {
    told_apart(living, |node| Some(&node.version)).map(words::versions_differ)
}

fn keys(living: &[&Node]) -> Option<Finding> {
    told_apart(living, |node| node.report.key.as_ref()).map(words::keys_differ)
}

/// `1.2 (one, two), 1.3 (three)`; nothing where all have the same, or do not say.
fn told_apart(living: &[&Node], what: impl Fn(&Node) -> Option<&String>) -> Option<String> {
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for node in living {
        if let Some(kind) = what(node) {
            kinds.entry(kind).or_default().push(&node.name);
        }
    }
    let told: Vec<String> =
        kinds.iter().map(|(kind, names)| format!("{kind} ({})", names.join(", "))).collect();
    (told.len() > 1).then(|| told.join(", "))
}

fn all_well(living: &[&Node]) -> Option<Finding> {
    let version = &living.first()?.version;
    Some(match living.len() {
        1 => words::one_node_serves(version),
        count => words::nodes_serve(count, version),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;
    use crate::nodes::{Part, Report};

    fn node(name: &str) -> Node {
        Node {
            id: name.to_owned(),
            name: name.to_owned(),
            version: "1.0".to_owned(),
            addresses: Vec::new(),
            state: State::Serving,
            started_at: 1,
            seen_at: 100 * SECOND,
            clock_offset: 0,
            report: Report { key: Some("aa".to_owned()), ..Report::default() },
            here: false,
        }
    }

    #[track_caller]
    fn assert_found(nodes: &[Node], expected: &[(Status, &str)]) {
        let found = judge(nodes, 130 * SECOND);
        let found: Vec<_> = found.iter().map(|found| (found.status, found.finding.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn nodes_that_agree_are_one_line() {
        assert_found(&[node("one"), node("two")], &[(Status::Ok, "2 nodes serve, with version 1.0")]);
        assert_found(&[], &[]);
    }

    #[test]
    fn a_lost_node_is_missed_until_it_is_back_or_was_stopped() {
        let lost = Node { state: State::Lost, ..node("two") };
        let missed = (Status::Warn, "node two is lost: it has not shown itself for 30 s");
        assert_found(&[node("one"), lost.clone()], &[missed]);
        let back = Node { started_at: 2, ..node("two") };
        assert_found(&[back, lost.clone()], &[(Status::Ok, "1 node serves, with version 1.0")]);
        let stopped = Node { state: State::Stopped, ..lost };
        assert_found(&[node("one"), stopped], &[(Status::Ok, "1 node serves, with version 1.0")]);
    }

    #[test]
    fn trouble_is_told_with_its_part_and_reason() {
        let part = Part { name: "storage".to_owned(), trouble: Some("/blobs is gone".to_owned()), since: 1 };
        let report = Report { parts: vec![part], ..node("two").report };
        let troubled = Node { state: State::Troubled, report, ..node("two") };
        let told = (Status::Fail, "node two cannot use its storage: /blobs is gone");
        assert_found(&[node("one"), troubled], &[told]);
    }

    #[test]
    fn what_nodes_must_have_in_common_is_told_apart() {
        let newer = Node { version: "1.1".to_owned(), ..node("two") };
        let told = (Status::Warn, "nodes have different versions: 1.0 (one), 1.1 (two)");
        assert_found(&[node("one"), newer], &[told]);
        let keyed = |key: Option<&str>| Report { key: key.map(str::to_owned), ..Report::default() };
        let other = Node { report: keyed(Some("bb")), ..node("two") };
        let told = (Status::Warn, "nodes have different key-encryption keys: aa (one), bb (two)");
        assert_found(&[node("one"), other], &[told]);
        let silent = Node { report: keyed(None), ..node("two") };
        assert_found(&[node("one"), silent], &[(Status::Ok, "2 nodes serve, with version 1.0")]);
    }

    #[test]
    fn a_wrong_clock_is_told_by_how_much() {
        for (offset, told) in [
            (180 * SECOND, "the clock of node two is 180 s ahead of the database's"),
            (-3 * SECOND, "the clock of node two is 3 s behind the database's"),
        ] {
            let wrong = Node { clock_offset: offset, ..node("two") };
            assert_found(&[node("one"), wrong], &[(Status::Warn, told)]);
        }
    }
}
