//! The command line of the commands that talk to a registry over its API.

mod content;
mod people;
mod rules;
mod work;

use clap::{Args, Subcommand};

use crate::output::Format;

pub(crate) use content::{ArtifactCommand, ProjectCommand, RepoCommand, TagCommand, TrashCommand};
pub(crate) use people::{MemberCommand, RobotCommand, TokenCommand, TrustCommand, UserCommand};
pub(crate) use rules::{ImmutableCommand, QuotaCommand, RetentionCommand};
pub(crate) use work::{AuditCommand, GcCommand, JobCommand, ScheduleCommand};

/// Which registry, and how to print its answer: asked of every command here.
#[derive(Debug, Args)]
pub(crate) struct Remote {
    /// Address of the registry [default: the one signed in to last]
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) server: Option<String>,
    /// How to print the answer
    #[arg(long, value_name = "FORMAT", default_value = "text", global = true)]
    pub(crate) output: Format,
}

/// A command and which registry it is for.
#[derive(Debug, Args)]
pub(crate) struct With<C: Subcommand> {
    #[command(subcommand)]
    pub(crate) command: C,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

/// How to sign in.
#[derive(Debug, Args)]
pub(crate) struct LoginArguments {
    /// Address of the registry, such as https://hub.example.com
    pub(crate) server: String,
    /// The name to sign in with
    #[arg(long, short, value_name = "NAME")]
    pub(crate) username: String,
    /// Read the password or personal token from standard input
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Trust this certificate authority too (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<String>,
}
