//! The two suites: where their programs come from and how each is told what to test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::junit::Tally;
use super::server::Server;
use crate::command::{self, Outcome};
use crate::places;

const MODULE: &str = "github.com/opencontainers/distribution-spec/conformance";

/// One suite at one commit.
pub(super) struct Suite {
    pub(super) name: &'static str,
    pub(super) commit: &'static str,
    /// The version by which the module proxy knows that commit.
    version: &'static str,
    /// Whether it is a test binary (`go test -c`) or a program (`go build`).
    test_binary: bool,
    pub(super) settings: &'static [Setting],
}

/// One way of running a suite; values name the server as in [`filled`].
pub(super) struct Setting {
    pub(super) name: &'static str,
    variables: &'static [(&'static str, &'static str)],
}

/// Whether a suite's program can be had on this machine.
pub(super) enum Availability {
    Ready(PathBuf),
    /// The module proxy said no: the reason, for the reader.
    Refused(String),
}

/// Both suites, with every test on. Sparse indexes (`OCI_DATA_SPARSE`) stay off, as the suite has them: a
/// registry may refuse them, and Hythe does.
pub(super) const SUITES: &[Suite] = &[
    Suite {
        name: "v1.1.1",
        commit: "a139cc423184",
        version: "v0.0.0-20250123160558-a139cc423184",
        test_binary: true,
        settings: &[Setting {
            name: "all workflows, automatic cross-mount",
            variables: &[
                ("OCI_ROOT_URL", "http://{address}"),
                ("OCI_NAMESPACE", "library/conformance/one"),
                ("OCI_CROSSMOUNT_NAMESPACE", "library/conformance/two"),
                ("OCI_USERNAME", "admin"),
                ("OCI_PASSWORD", "{password}"),
                ("OCI_TEST_PULL", "1"),
                ("OCI_TEST_PUSH", "1"),
                ("OCI_TEST_CONTENT_DISCOVERY", "1"),
                ("OCI_TEST_CONTENT_MANAGEMENT", "1"),
                ("OCI_HIDE_SKIPPED_WORKFLOWS", "0"),
                ("OCI_AUTOMATIC_CROSSMOUNT", "1"),
                ("OCI_REPORT_DIR", "{results}"),
            ],
        }],
    },
    Suite {
        name: "main",
        commit: "967efdc079b9",
        version: "v0.0.0-20260716174315-967efdc079b9",
        test_binary: false,
        settings: &[
            Setting { name: "spec 1.1, upload cancel on", variables: &main_variables("1.1") },
            Setting { name: "spec dev", variables: &main_variables("dev") },
        ],
    },
];

const fn main_variables(version: &'static str) -> [(&'static str, &'static str); 9] {
    [
        ("OCI_REGISTRY", "{address}"),
        ("OCI_TLS", "disabled"),
        ("OCI_VERSION", version),
        ("OCI_REPO1", "library/conformance/one"),
        ("OCI_REPO2", "library/conformance/two"),
        ("OCI_USERNAME", "admin"),
        ("OCI_PASSWORD", "{password}"),
        ("OCI_API_BLOBS_UPLOAD_CANCEL", "true"),
        ("OCI_RESULTS_DIR", "{results}"),
    ]
}

impl Suite {
    /// The program in `folder`, built from its module first where it is not there yet.
    pub(super) fn program(&self, folder: &Path) -> Outcome<Availability> {
        let program = folder.join(format!("conformance-{}", self.name));
        if program.is_file() {
            return Ok(Availability::Ready(program));
        }
        let workshop = self.workshop()?;
        if let Some(reason) = self.refusal(&workshop)? {
            return Ok(Availability::Refused(reason));
        }
        self.build(&workshop, &program)?;
        Ok(Availability::Ready(program))
    }

    /// A Go module of our own that requires the suite's.
    fn workshop(&self) -> Outcome<PathBuf> {
        let folder = places::cache()?.join("go").join(format!("conformance-{}", self.name));
        fs::create_dir_all(&folder)?;
        let text =
            format!("module tools.invalid/conformance\n\ngo 1.24\n\nrequire {MODULE} {}\n", self.version);
        fs::write(folder.join("go.mod"), text)?;
        Ok(folder)
    }

    /// What the proxy said, if it does not have the module; a network that fails is an error instead.
    fn refusal(&self, workshop: &Path) -> Outcome<Option<String>> {
        let module = format!("{MODULE}@{}", self.version);
        let mut go = Command::new("go");
        let asked = command::output(go.args(["mod", "download", &module]).current_dir(workshop));
        let Err(error) = asked else { return Ok(None) };
        let said = error.to_string();
        if !["403 Forbidden", "404 Not Found", "410 Gone"].iter().any(|answer| said.contains(answer)) {
            return Err(error);
        }
        Ok(Some(format!(
            "suite {}: the Go module proxy here does not have {module}; build it from a checkout of that commit \
             and name its folder with --suites",
            self.name
        )))
    }

    fn build(&self, workshop: &Path, program: &Path) -> Outcome {
        let verb: &[&str] = if self.test_binary { &["test", "-c"] } else { &["build"] };
        let mut go = Command::new("go");
        go.args(verb).args(["-mod=mod", "-o"]).arg(program).arg(MODULE);
        let log = places::cache()?.join("logs").join(format!("conformance-{}.log", self.name));
        command::logged(go.current_dir(workshop).env("CGO_ENABLED", "0"), &log)
    }

    /// Runs it once against a fresh server. Its exit code says no more than junit.xml does.
    pub(super) fn run(&self, program: &Path, setting: &Setting, server: &Server) -> Outcome<Tally> {
        let results = server.folder().join("results");
        fs::create_dir_all(&results)?;
        let mut suite = Command::new(program);
        suite.current_dir(&results);
        for (name, value) in setting.variables {
            suite.env(name, filled(value, server, &results));
        }
        let log = results.join("output.log");
        let ended = command::logged(&mut suite, &log);
        match (fs::read_to_string(results.join("junit.xml")), ended) {
            (Ok(report), _) => Ok(Tally::read(&report)),
            (Err(_), Err(error)) => Err(error),
            (Err(error), Ok(())) => {
                Err(format!("the suite ended well but left no junit.xml: {error}").into())
            }
        }
    }
}

fn filled(value: &str, server: &Server, results: &Path) -> String {
    value
        .replace("{address}", server.address())
        .replace("{password}", Server::PASSWORD)
        .replace("{results}", &results.to_string_lossy())
}
