//! The command line: what can be asked for, and the short manual that `--help` prints.

pub(crate) mod admin;
pub(crate) mod client;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use self::admin::AdminCommand;
use crate::config::Flags;
use crate::output::Format;
use crate::version::VERSION;

const ABOUT: &str = "A private container registry in one binary";

const LONG_ABOUT: &str = "\
A private container registry in one binary.

`hythe serve` alone is a whole registry: its rows in a SQLite file, its blobs in a folder, everything on port 5000, http \
and https alike. The first start makes the administrator `admin` and prints its password once. With database.url = \
\"postgres://…\" and a storage.url that all reach, the same binary on several machines is one registry that outlives any of \
them; there is nothing else to install and nothing to copy between them.";

const MANUAL: &str = "\
Start and push:
  hythe serve
  docker login localhost:5000 --username admin
  docker push localhost:5000/app

Settings come from flags, then HYTHE_ variables, then hythe.toml, then defaults:
  hythe config explain                what is set, and by whom
  hythe config explain database.url   one setting in full
  hythe config example > hythe.toml   a file with all of them

When something does not work:
  hythe doctor
  hythe doctor https://hub.example.com

Exit codes:
  0  done
  1  failed; the reason is on standard error, one line each
  2  the command line is wrong
  3  `doctor` or `config check` found something wrong
  4  not signed in, or not allowed
  5  it does not exist";

#[derive(Debug, Parser)]
#[command(name = "hythe", version = VERSION.version, about = ABOUT, long_about = LONG_ABOUT, after_long_help = MANUAL)]
#[command(after_help = "`hythe --help` is a short manual, with examples and exit codes.")]
#[command(max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) places: Places,
}

/// Where the configuration and the data are: asked of every command alike.
#[derive(Debug, Args)]
pub(crate) struct Places {
    /// Configuration file [default: ./hythe.toml, else hythe.toml in the data folder]
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<String>,
    /// Folder for the database and the blobs [default: ./hythe-data]
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<String>,
}

/// Where to listen.
#[derive(Debug, Args)]
pub(crate) struct Listen {
    /// Address to listen on, or :PORT for every address; may be given again [default: :5000]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Vec<String>,
}

impl Cli {
    /// What the command line says about the configuration.
    pub(crate) fn flags(&self) -> Flags {
        let listen = match &self.command {
            Command::Serve { listen } | Command::Doctor { listen, .. } => listen.listen.clone(),
            _ => Vec::new(),
        };
        Flags { config: self.places.config.clone(), data: self.places.data.clone(), listen }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a node of the registry
    ///
    /// Serves until Ctrl-C or SIGTERM, then lets running transfers end (server.drain_seconds) and exits with 0; a second
    /// signal ends it at once. An empty database is given its schema, and an older SQLite file brought up to date; an older
    /// PostgreSQL database, which other nodes may be serving, waits for `hythe migrate`.
    #[command(after_long_help = "\
Examples:
  hythe serve
  hythe serve --data /var/lib/hythe --listen :443 --listen 127.0.0.1:5000
  HYTHE_DATABASE_URL=postgres://hythe:PASSWORD@db/hythe HYTHE_STORAGE_URL=s3://hythe hythe serve")]
    Serve {
        #[command(flatten)]
        listen: Listen,
    },
    /// Bring the database to this version's schema
    ///
    /// All of it or nothing. Nodes of the version before go on serving meanwhile, and two nodes never migrate at once. A
    /// SQLite file that is not there is not made: `hythe serve` does that.
    #[command(after_long_help = "\
Examples:
  hythe migrate --plan
  hythe migrate")]
    Migrate {
        /// Say what would be done, and do nothing
        #[arg(long)]
        plan: bool,
        /// How to print the answer
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        output: Format,
    },
    /// Write every row of the database, keys too, to one file
    ///
    /// As they stand at one moment, while nodes go on serving. The file is gzip, readable by its owner alone, and fits
    /// either database: SQLite or PostgreSQL. An existing file is never replaced. Blobs are not in it: copy the storage
    /// after it, so that the copy holds all that the rows name.
    #[command(after_long_help = "\
Examples:
  hythe backup /backup/hythe-monday.gz
  hythe backup --config /etc/hythe/hythe.toml /backup/hythe-$(date +%F).gz")]
    Backup {
        /// The file to write
        file: PathBuf,
    },
    /// Fill an empty database from a file of `hythe backup`
    ///
    /// All of it or nothing. The database may be of the other kind than the one that was saved, and the file older than
    /// this version; a database that has rows is left alone.
    #[command(after_long_help = "\
Examples:
  hythe restore /backup/hythe-monday.gz --data /var/lib/hythe
  HYTHE_DATABASE_URL=postgres://hythe:PASSWORD@db/hythe hythe restore /backup/hythe-monday.gz")]
    Restore {
        /// The file to read
        file: PathBuf,
    },
    /// Move the rows to another database, as from SQLite to PostgreSQL
    ///
    /// Stop the nodes first: what they write meanwhile would stay behind. The other database must be empty; this one is
    /// left as it is. Blobs stay where they are.
    #[command(after_long_help = "\
Examples:
  hythe move --to postgres://hythe@db/hythe
  hythe move --to - < url.txt")]
    Move {
        /// The other database; - reads it from standard input, for a URL with a password
        #[arg(long, value_name = "URL")]
        to: String,
    },
    /// Look after the bytes: hold them against the rows
    #[command(subcommand)]
    Storage(StorageCommand),
    /// Find out what is wrong
    ///
    /// Checks the configuration, the data folder, whether storage keeps what it is given, the database and its schema, the
    /// clock and the port, and says what address clients would be told. With a URL it also asks a running registry as a
    /// client would, and says which setting of docker, podman or containerd is missing. Where `hythe login` keeps the login
    /// of an administrator there, it shows what the registry finds itself. Changes nothing. Exits with 3 if
    /// a check fails; a warning alone is no failure.
    #[command(after_long_help = "\
Examples:
  hythe doctor
  hythe doctor http://hub.example.com:5000
  hythe doctor --output json")]
    Doctor {
        /// Address of a running registry to ask, as a client would write it
        #[arg(value_name = "URL")]
        address: Option<String>,
        /// The same
        #[arg(long, value_name = "URL", hide = true, conflicts_with = "address")]
        url: Option<String>,
        #[command(flatten)]
        listen: Listen,
        /// How to print the findings
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        output: Format,
    },
    /// Explain, check and show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    #[command(flatten)]
    Client(ClientCommand),
    /// Print a script that completes commands in a shell
    #[command(after_long_help = "\
Example:
  hythe completions bash > /etc/bash_completion.d/hythe")]
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
    /// Manage users, projects, members, keys and the audit log
    ///
    /// Works on the database itself and asks for no password: whoever can read the configuration and reach the database is
    /// the administrator.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Print what this binary is
    #[command(after_long_help = "\
Examples:
  hythe version
  hythe version --output json")]
    Version {
        /// How to print it
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        output: Format,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum StorageCommand {
    /// Compare what lies in the storage with what the rows say, both ways
    ///
    /// Finds bytes that no row names, rows whose bytes are missing or of another size, and with --rehash bytes that have
    /// changed. Works beside running nodes. Broken off, it goes on where it was when it is started again with the same
    /// flags. Exits with 3 if faults are left.
    #[command(after_long_help = "\
Examples:
  hythe storage audit
  hythe storage audit --repair
  hythe storage audit --rehash --rate 100 --output json > audit.json
  hythe storage audit --rehash --rate 50 --schedule '0 4 * * 0' --time-zone Europe/Berlin
  hythe storage audit --schedule none")]
    Audit(AuditArguments),
    /// Bring repositories, manifests and tags back from the storage alone, after the database was lost
    ///
    /// Reads the journal that nodes keep beside the blobs and fills an empty database; what the last seconds brought may
    /// be missing. Users, members, robots, keys and settings are not in the storage: restore a backup where there is one.
    /// The storage is that of storage.url, which is looked for in the folder of --data where it is not set.
    /// Exits with 3 if something could not be brought back, and names it. Broken off, it is begun again.
    #[command(after_long_help = "\
Examples:
  HYTHE_STORAGE_URL=/var/lib/hythe/blobs hythe storage rebuild --data /var/lib/hythe-new
  HYTHE_DATABASE_URL=postgres://hythe:PASSWORD@db/new HYTHE_STORAGE_URL=s3://hythe hythe storage rebuild")]
    Rebuild,
}

#[derive(Debug, Args)]
pub(crate) struct AuditArguments {
    /// Repair what can be: what no row names goes to garbage collection, copies take the place of what is damaged, and
    /// bytes that have changed are removed, so that the next push brings them back
    #[arg(long)]
    pub(crate) repair: bool,
    /// Read every byte and hold it against its digest
    #[arg(long)]
    pub(crate) rehash: bool,
    /// MiB a second to read at most; 0 for as fast as it goes
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) rate: u32,
    /// Leave alone what is younger
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    pub(crate) min_age_hours: u64,
    /// Look at nothing now: have running nodes do this audit by themselves at the times of a cron expression, or no more
    /// with `none`
    #[arg(long, value_name = "CRON")]
    pub(crate) schedule: Option<String>,
    /// The zone whose clock the schedule means; UTC without
    #[arg(long, value_name = "ZONE", requires = "schedule")]
    pub(crate) time_zone: Option<String>,
    /// How to print the findings
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say what a setting is, what it is set to and where that was said
    #[command(after_long_help = "\
Examples:
  hythe config explain
  hythe config explain database.url
  hythe config explain HYTHE_DATABASE_URL
  hythe config explain storage.s3")]
    Explain {
        /// A setting, a section or a variable; all settings if left out
        #[arg(value_name = "SETTING")]
        key: Option<String>,
        /// How to print it
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        output: Format,
    },
    /// Read the configuration as `serve` would and name everything that is wrong
    ///
    /// Exits with 3 if anything is.
    #[command(after_long_help = "\
Examples:
  hythe config check
  hythe config check --config /etc/hythe/hythe.toml --output json")]
    Check {
        /// How to print the findings
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        output: Format,
    },
    /// Print a hythe.toml with every setting as a comment
    #[command(after_long_help = "\
Example:
  hythe config example > hythe.toml")]
    Example,
}

/// The commands of a registry's users.
#[derive(Debug, Subcommand)]
pub(crate) enum ClientCommand {
    /// Sign in to a registry; a personal token is kept, and never the password
    #[command(after_long_help = "\
Examples:
  hythe login https://hub.example.com --username alice
  hythe login http://localhost:5000 --username admin --password-stdin < password")]
    Login(client::LoginArguments),
    /// Sign out: the token is deleted here and at the registry
    #[command(after_long_help = "Example:\n  hythe logout")]
    Logout(client::Remote),
    /// Show who you are at the registry
    #[command(after_long_help = "Example:\n  hythe whoami")]
    Whoami(client::Remote),
    /// Projects: the first part of an image's name
    Project(client::With<client::ProjectCommand>),
    /// Repositories of a project
    Repo(client::With<client::RepoCommand>),
    /// Artifacts of a repository: images, charts, signatures
    Artifact(client::With<client::ArtifactCommand>),
    /// Tags of an artifact
    Tag(client::With<client::TagCommand>),
    /// Quotas: how much each project may hold, and holds
    Quota(client::With<client::QuotaCommand>),
    /// Retention: which artifacts of a project are kept
    Retention(client::With<client::RetentionCommand>),
    /// Immutable tag rules: tags that are neither moved nor deleted
    Immutable(client::With<client::ImmutableCommand>),
    /// Members of a project
    Member(client::With<client::MemberCommand>),
    /// Robots: accounts of machines
    Robot(client::With<client::RobotCommand>),
    /// Users, for administrators
    User(client::With<client::UserCommand>),
    /// Your personal tokens
    Token(client::With<client::TokenCommand>),
    /// What was deleted: list it, put it back, let it go for good
    Trash(client::With<client::TrashCommand>),
    /// Garbage collection: what nobody needs goes while everything goes on
    Gc(client::With<client::GcCommand>),
    /// The audit log
    Audit(client::With<client::AuditCommand>),
    /// Every node: state, version, since when, load, and what it cannot reach
    #[command(after_long_help = "\
Examples:
  hythe nodes
  hythe nodes --server https://hub.example.com --output json")]
    Nodes(client::Remote),
    /// Work in the background, for administrators
    Job(client::With<client::JobCommand>),
    /// What makes jobs again and again, for administrators
    Schedule(client::With<client::ScheduleCommand>),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        assert_has_example(&Cli::command(), "hythe");
    }

    #[test]
    fn lists_and_deletions_are_known_by_both_of_their_usual_names() {
        assert_names(&Cli::command(), "hythe");
    }

    fn assert_names(command: &clap::Command, path: &str) {
        for child in command.get_subcommands() {
            let path = format!("{path} {}", child.get_name());
            let known: Vec<&str> =
                [child.get_name()].into_iter().chain(child.get_visible_aliases()).collect();
            for (one, other) in [("list", "ls"), ("delete", "rm"), ("remove", "rm")] {
                assert!(known.contains(&other) || !known.contains(&one), "{path} is not known as {other}");
            }
            assert!(known.contains(&"list") || !known.contains(&"ls"), "{path} is not known as list");
            assert!(known.contains(&"delete") || !known.contains(&"rm"), "{path} is not known as delete");
            assert_names(child, &path);
        }
    }

    #[test]
    fn every_argument_is_explained() {
        assert_explained(&Cli::command(), "hythe");
    }

    fn assert_explained(command: &clap::Command, path: &str) {
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            assert!(argument.get_help().is_some(), "{path}: {} has no help", argument.get_id());
        }
        for child in command.get_subcommands() {
            assert_explained(child, &format!("{path} {}", child.get_name()));
        }
    }

    fn assert_has_example(command: &clap::Command, path: &str) {
        for child in command.get_subcommands() {
            let path = format!("{path} {}", child.get_name());
            if child.has_subcommands() {
                assert_has_example(child, &path);
            } else {
                let manual = child.get_after_long_help().map(ToString::to_string).unwrap_or_default();
                assert!(manual.contains(&path), "{path} shows no example of itself");
            }
        }
    }
}
