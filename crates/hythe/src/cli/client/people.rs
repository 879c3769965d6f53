//! Whoever signs in: members, robots, users and their tokens.

use clap::Subcommand;

use crate::cli::admin::PasswordSource;

#[derive(Debug, Subcommand)]
pub(crate) enum MemberCommand {
    /// List the members of a project
    #[command(after_long_help = "Example:\n  hythe member list team")]
    #[command(visible_alias = "ls")]
    List {
        /// The project
        project: String,
    },
    /// Make a user a member, or give a member another role
    #[command(after_long_help = "Example:\n  hythe member set team alice developer")]
    #[command(visible_alias = "add")]
    Set {
        /// The project
        project: String,
        /// The user's name
        user: String,
        /// project-admin, maintainer, developer, guest, limited-guest, or a custom role's id
        role: String,
    },
    /// Take a user out of a project
    #[command(after_long_help = "Example:\n  hythe member remove team alice")]
    #[command(visible_aliases = ["rm", "delete"])]
    Remove {
        /// The project
        project: String,
        /// The user's name
        user: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RobotCommand {
    /// List robots of a project, or of the system
    #[command(after_long_help = "Example:\n  hythe robot list --project team")]
    #[command(visible_alias = "ls")]
    List {
        /// The project; robots of the system if not given
        #[arg(long, value_name = "NAME")]
        project: Option<String>,
    },
    /// Make a robot and show its secret once
    #[command(
        after_long_help = "Example:\n  hythe robot create ci --project team --may repository:pull --may repository:push --days 90"
    )]
    Create {
        /// The robot's name, without prefix and project
        name: String,
        /// Its project; a robot of the system if not given
        #[arg(long, value_name = "NAME")]
        project: Option<String>,
        /// What it may do there (in all projects, for a robot of the system); may be given again
        #[arg(long = "may", value_name = "RESOURCE:ACTION", required = true)]
        may: Vec<String>,
        /// Days it lives, -1 for ever [default: what the registry sets as robot_token_duration, 30 at first]
        #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = parse_days)]
        days: Option<i64>,
        /// What it is for
        #[arg(long, value_name = "TEXT", default_value = "")]
        description: String,
    },
    /// Give a robot another secret and show it once
    #[command(after_long_help = "Example:\n  hythe robot refresh 7 --keep-old-for 3600")]
    Refresh {
        /// The robot's id
        id: i64,
        /// Seconds that the old secret lives on
        #[arg(long, value_name = "SECONDS")]
        keep_old_for: Option<u32>,
    },
    /// Delete a robot
    #[command(after_long_help = "Example:\n  hythe robot delete 7")]
    #[command(visible_alias = "rm")]
    Delete {
        /// The robot's id
        id: i64,
    },
    /// Let a robot sign in without a secret, with tokens of its platform
    #[command(subcommand)]
    Trust(TrustCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum TrustCommand {
    /// Let in whoever shows a token that this issuer signed, made for this audience, with these claims
    #[command(
        after_long_help = "Examples:\n  hythe robot trust add 7 deploy --issuer https://token.actions.githubusercontent.com \\\n    --audience https://hub.example.com --claim repository=team/app --claim ref=refs/heads/main\n  hythe robot trust add 7 nodes --issuer https://kubernetes.default.svc --audience https://hub.example.com \\\n    --claim sub=system:serviceaccount:team:builder --keys keys.json"
    )]
    Add {
        /// The robot's id
        robot: i64,
        /// What the rule is called
        name: String,
        /// The address of whoever signs the tokens
        #[arg(long, value_name = "URL")]
        issuer: String,
        /// Whom the tokens are made for, such as this registry's address
        #[arg(long, value_name = "TEXT")]
        audience: String,
        /// A claim and what it has to be, where * stands for any text; may be given again
        #[arg(long = "claim", value_name = "CLAIM=PATTERN", required = true)]
        claims: Vec<String>,
        /// Trust the issuer by this certificate authority too (PEM)
        #[arg(long, value_name = "FILE")]
        ca_file: Option<String>,
        /// The issuer's keys (a JWK set), where the registry cannot ask for them
        #[arg(long, value_name = "FILE")]
        keys: Option<String>,
    },
    /// List the trust rules of a robot
    #[command(after_long_help = "Example:\n  hythe robot trust list 7")]
    #[command(visible_alias = "ls")]
    List {
        /// The robot's id
        robot: i64,
    },
    /// Delete a trust rule
    #[command(after_long_help = "Example:\n  hythe robot trust delete 7 2")]
    #[command(visible_alias = "rm")]
    Delete {
        /// The robot's id
        robot: i64,
        /// The number of the rule, as the list shows it
        rule: i64,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// List users
    #[command(after_long_help = "Example:\n  hythe user list --name ali")]
    #[command(visible_alias = "ls")]
    List {
        /// Only those whose name contains this
        #[arg(long, value_name = "PART")]
        name: Option<String>,
    },
    /// Make a user
    ///
    /// Asks for the password on the terminal, unless one of the flags says where to take it from.
    #[command(
        after_long_help = "Examples:\n  hythe user create alice --email alice@example.com\n  hythe user create ci --random-password\n  hythe user create bob --password-stdin < password"
    )]
    Create {
        /// The name to sign in with
        name: String,
        /// Address for mail
        #[arg(long, value_name = "ADDRESS", default_value = "")]
        email: String,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Make a user an administrator, or one no more
    #[command(after_long_help = "Example:\n  hythe user administrator alice yes")]
    Administrator {
        /// The user's name
        name: String,
        /// yes or no
        #[arg(value_parser = ["yes", "no"])]
        wanted: String,
    },
    /// Delete a user
    #[command(after_long_help = "Example:\n  hythe user delete alice")]
    #[command(visible_alias = "rm")]
    Delete {
        /// The user's name
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// List your personal tokens
    #[command(after_long_help = "Example:\n  hythe token list")]
    #[command(visible_alias = "ls")]
    List,
    /// Make a personal token and show it once
    #[command(
        after_long_help = "Example:\n  hythe token create laptop --days 90\n  hythe token create ci --project team --may repository:pull"
    )]
    Create {
        /// What to call it
        name: String,
        /// Days it lives, -1 for ever [default: for ever]
        #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = parse_days)]
        days: Option<i64>,
        /// Only for this project
        #[arg(long, value_name = "NAME", requires = "may")]
        project: Option<String>,
        /// Only for this; may be given again
        #[arg(long = "may", value_name = "RESOURCE:ACTION")]
        may: Vec<String>,
    },
    /// Delete a personal token
    #[command(after_long_help = "Example:\n  hythe token delete 3")]
    #[command(visible_alias = "rm")]
    Delete {
        /// The token's id
        id: i64,
    },
}

/// A lifetime in days. The registry knows the longest; none of no days at all is meant by anybody.
fn parse_days(text: &str) -> Result<i64, String> {
    let days = text.parse().ok().filter(|days| *days == -1 || *days > 0);
    days.ok_or_else(|| "write a number of days from 1 on, or -1 for ever".to_owned())
}
