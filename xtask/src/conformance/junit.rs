//! The part of junit.xml that both suites write alike: one `testcase` element with name and status a test.

/// What one run came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    /// Names of tests that failed or ended in an error.
    pub(crate) failed: Vec<String>,
    /// Names of tests that were skipped.
    pub(crate) skipped: Vec<String>,
}

/// Skips that no registry can avoid, each with the reason that stands in the report.
pub(super) const UNAVOIDABLE: &[(&str, &str)] = &[
    ("Get tag name from environment", "for read-only registries: the suite pushes its own tag here"),
    (
        "Populate registry with test tags (no push)",
        "for read-only registries: the suite pushes its own tags here",
    ),
    (
        "Cross-mounting without from, and automatic content discovery disabled",
        "the suite's alternative to automatic discovery, which Hythe has",
    ),
    (
        "Cross-mounting of nonexistent blob should yield session id",
        "runs only where the mount before it was refused; Hythe mounts",
    ),
];

impl Tally {
    /// Reads a report. An unknown status counts as a failure, so that nothing is lost by a new word.
    pub(super) fn read(xml: &str) -> Tally {
        let mut tally = Tally::default();
        for element in xml.split("<testcase ").skip(1) {
            let head = element.split('>').next().unwrap_or_default();
            let name = attribute(head, "name").unwrap_or_default();
            match attribute(head, "status").as_deref() {
                Some("passed") => tally.passed += 1,
                Some("skipped" | "disabled") => tally.skipped.push(name),
                _ => tally.failed.push(name),
            }
        }
        tally
    }

    /// Skipped tests that are not in the list of the unavoidable.
    pub(super) fn avoidable_skips(&self) -> impl Iterator<Item = &String> {
        self.skipped.iter().filter(|name| !UNAVOIDABLE.iter().any(|(part, _)| name.contains(part)))
    }
}

fn attribute(head: &str, key: &str) -> Option<String> {
    let rest = &head[head.find(&format!("{key}=\""))? + key.len() + 2..];
    let value = &rest[..rest.find('"')?];
    Some(
        value
            .replace("&#39;", "'")
            .replace("&#34;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&"),
    )
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn counts_every_status() {
        let xml = r#"<testsuites><testsuite name="s" status="failure">
            <testcase name="a &#34;b&#34;" classname="" status="passed" time="1"><system-out>x</system-out></testcase>
            <testcase name="c" classname="" time="1" status="failure"></testcase>
            <testcase name="d" status="error"/>
            <testcase name="Pull Setup Get tag name from environment" status="skipped"/>
            <testcase name="e" status="skipped"/></testsuite></testsuites>"#;
        let tally = Tally::read(xml);
        assert_eq!(tally.passed, 1);
        assert_eq!(tally.failed, ["c", "d"]);
        assert_eq!(tally.avoidable_skips().collect::<Vec<_>>(), ["e"]);
    }
}
