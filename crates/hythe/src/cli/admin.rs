//! `hythe admin …`: what a node's own administrator does beside the server, on its database.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::output::Format;

#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Manage who may sign in
    #[command(subcommand)]
    User(UserCommand),
    /// Manage projects: the first part of an image's name
    #[command(subcommand)]
    Project(ProjectCommand),
    /// Manage what a user may do in a project
    #[command(subcommand)]
    Member(MemberCommand),
    /// Manage the keys that sign tokens
    #[command(subcommand)]
    Key(KeyCommand),
    /// Change the key that opens the secrets in the database, while nodes serve
    #[command(subcommand)]
    Secrets(SecretsCommand),
    /// Read, check and shorten the audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Print the certificate that the nodes made for themselves, for clients to trust
    ///
    /// Nodes show it while tls.cert names none.
    #[command(after_long_help = "\
Examples:
  hythe admin certificate > /etc/docker/certs.d/hub.example.com:5000/ca.crt
  hythe admin certificate | openssl x509 -noout -text")]
    Certificate,
    /// Tell whether somebody may do something, and which rule says so
    #[command(after_long_help = "\
Examples:
  hythe admin explain alice repository:push team/app
  hythe admin explain anonymous repository:pull library/busybox --tag v1")]
    Explain {
        /// A user's name, a robot's full name, or anonymous
        who: String,
        /// What: resource:action, such as repository:push or member:list
        permission: String,
        /// Where: a project or a repository; the whole system if not given
        place: Option<String>,
        /// For which tag
        #[arg(long)]
        tag: Option<String>,
    },
}

/// Where a new password comes from: never from the command line, where every process could read it.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct PasswordSource {
    /// Read the password from standard input
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Make a random password and print it once
    #[arg(long)]
    pub(crate) random_password: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Make a user
    ///
    /// Asks for the password on the terminal, unless one of the flags says where to take it from.
    #[command(after_long_help = "\
Examples:
  hythe admin user create alice --email alice@example.com
  hythe admin user create ci --random-password
  hythe admin user create root --administrator --password-stdin < password.txt")]
    Create {
        /// The name to sign in with
        name: String,
        /// Address for mail
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        /// The name of the person
        #[arg(long, value_name = "NAME")]
        full_name: Option<String>,
        /// Make an administrator, who may do everything everywhere
        #[arg(long)]
        administrator: bool,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// List the users
    #[command(after_long_help = "\
Examples:
  hythe admin user list
  hythe admin user list --output json")]
    #[command(visible_alias = "ls")]
    List {
        /// How to print them
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        output: Format,
    },
    /// Give a user a new password, and end what the old one began
    #[command(after_long_help = "\
Examples:
  hythe admin user password alice
  hythe admin user password admin --random-password")]
    Password {
        /// The user's name
        name: String,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Keep a user from signing in
    #[command(after_long_help = "\
Example:
  hythe admin user disable alice")]
    Disable {
        /// The user's name
        name: String,
    },
    /// Let a disabled user sign in again
    #[command(after_long_help = "\
Example:
  hythe admin user enable alice")]
    Enable {
        /// The user's name
        name: String,
    },
    /// Remove a user
    #[command(after_long_help = "\
Example:
  hythe admin user delete alice")]
    #[command(visible_alias = "rm")]
    Delete {
        /// The user's name
        name: String,
    },
}

/// Who may pull from a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Visibility {
    /// Everybody may pull, without signing in.
    Public,
    /// Whoever has signed in may pull.
    Internal,
    /// Only members may pull.
    Private,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProjectCommand {
    /// Make a project
    #[command(after_long_help = "\
Examples:
  hythe admin project create team
  hythe admin project create tools --public")]
    Create {
        /// The name of the new project
        name: String,
        /// Let everybody pull from it, without signing in
        #[arg(long)]
        public: bool,
    },
    /// List the projects
    #[command(after_long_help = "\
Examples:
  hythe admin project list
  hythe admin project list --output json")]
    #[command(visible_alias = "ls")]
    List {
        /// How to print them
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        output: Format,
    },
    /// Say who may pull from a project
    #[command(after_long_help = "\
Example:
  hythe admin project visibility team private")]
    Visibility {
        /// The project
        name: String,
        /// private, internal or public
        visibility: Visibility,
    },
    /// Remove a project that holds no repository
    #[command(after_long_help = "\
Example:
  hythe admin project delete team")]
    #[command(visible_alias = "rm")]
    Delete {
        /// The project
        name: String,
    },
}

/// What a member may do. The names and numbers are those of Harbor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// May do everything in the project, and choose its members
    #[value(alias = "projectAdmin")]
    ProjectAdmin,
    /// May push, pull and delete, and manage tags
    Maintainer,
    /// May push and pull
    Developer,
    /// May pull, and see the project
    Guest,
    /// May pull, and see neither members nor settings
    #[value(alias = "limitedGuest")]
    LimitedGuest,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MemberCommand {
    /// Make a user a member of a project, or change the member's role
    #[command(after_long_help = "\
Example:
  hythe admin member set team alice developer")]
    #[command(visible_alias = "add")]
    Set {
        /// The project
        project: String,
        /// The user's name
        user: String,
        /// What the user may do there
        role: Role,
    },
    /// Take a member out of a project
    #[command(after_long_help = "\
Example:
  hythe admin member remove team alice")]
    #[command(visible_aliases = ["rm", "delete"])]
    Remove {
        /// The project
        project: String,
        /// The user's name
        user: String,
    },
    /// List the members of a project
    #[command(after_long_help = "\
Example:
  hythe admin member list team")]
    #[command(visible_alias = "ls")]
    List {
        /// The project
        project: String,
        /// How to print them
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        output: Format,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Show the newest events
    #[command(after_long_help = "\
Example:
  hythe admin audit list --limit 100")]
    #[command(visible_alias = "ls")]
    List {
        /// How many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
    },
    /// Recompute the chain of seals: an event that is missing, altered or added is named
    #[command(after_long_help = "\
Example:
  hythe admin audit verify")]
    Verify,
    /// Remove events that are older than some days; their seals stay
    #[command(after_long_help = "\
Example:
  hythe admin audit purge --days 365")]
    Purge {
        /// Events older than this
        #[arg(long, value_name = "N")]
        days: u32,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Sign with a new key from now on; what the old one signed stays good until it expires
    #[command(after_long_help = "\
Example:
  hythe admin key rotate")]
    Rotate,
    /// List the keys that tokens are checked with
    #[command(after_long_help = "\
Example:
  hythe admin key list")]
    #[command(visible_alias = "ls")]
    List {
        /// How to print them
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        output: Format,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretsCommand {
    /// Make a file with a new key
    #[command(after_long_help = "\
Example:
  hythe admin secrets new-key /etc/hythe/secrets.key")]
    NewKey {
        /// The file, which must not be there yet
        file: PathBuf,
    },
    /// List the keys that open the secrets
    #[command(after_long_help = "\
Example:
  hythe admin secrets list")]
    #[command(visible_alias = "ls")]
    List {
        /// How to print them
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        output: Format,
    },
    /// Let another key open the secrets too, beside the one that this node has
    #[command(after_long_help = "\
Example:
  hythe admin secrets new-key /etc/hythe/secrets-2027.key
  hythe admin secrets add-key /etc/hythe/secrets-2027.key")]
    AddKey {
        /// The file that holds it
        file: PathBuf,
    },
    /// Seal everything anew, so that only the key that this node has opens it
    #[command(after_long_help = "\
Example:
  hythe admin secrets retire-keys")]
    RetireKeys,
}
