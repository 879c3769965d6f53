//! The command line of the commands that talk to a registry over its API.

use clap::{Args, Subcommand};

use super::admin::PasswordSource;
use crate::output::Format;

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

#[derive(Debug, Subcommand)]
pub(crate) enum ProjectCommand {
    /// List the projects you may see
    #[command(after_long_help = "Example:\n  hythe project list --name team")]
    List {
        /// Only those whose name contains this
        #[arg(long, value_name = "PART")]
        name: Option<String>,
    },
    /// Show a project with its numbers
    #[command(after_long_help = "Example:\n  hythe project show team")]
    Show { project: String },
    /// Make a project
    #[command(after_long_help = "Example:\n  hythe project create team --visibility internal")]
    Create {
        project: String,
        /// private, internal or public
        #[arg(long, value_name = "WHO", default_value = "private")]
        visibility: String,
    },
    /// Say who may pull without being a member: private, internal or public
    #[command(after_long_help = "Example:\n  hythe project visibility team public")]
    Visibility { project: String, visibility: String },
    /// Delete a project that holds no repositories
    #[command(after_long_help = "Example:\n  hythe project delete team")]
    Delete { project: String },
    /// Tell whether somebody may do something in a project, and which rule says so
    #[command(
        after_long_help = "Example:\n  hythe project explain team alice repository:push --repository team/app"
    )]
    Explain {
        project: String,
        /// A user's name, a robot's full name, or anonymous
        who: String,
        /// What: resource:action
        permission: String,
        /// In this repository
        #[arg(long, value_name = "NAME")]
        repository: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum QuotaCommand {
    /// List what projects hold and may hold
    #[command(visible_alias = "ls", after_long_help = "Example:\n  hythe quota list")]
    List,
    /// Say how much a project may hold: a size, or none for no limit
    #[command(
        after_long_help = "Examples:\n  hythe quota set team 50GiB\n  hythe quota set team 500MiB\n  hythe quota set team none"
    )]
    Set { project: String, size: String },
    /// Count anew what a project holds
    #[command(after_long_help = "Example:\n  hythe quota recount team")]
    Recount { project: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RetentionCommand {
    /// Show the rules of a project's retention policy
    #[command(after_long_help = "Example:\n  hythe retention show team")]
    Show { project: String },
    /// Say what is kept; the first rule makes the policy, and what no rule keeps is deleted when it is applied
    #[command(
        after_long_help = "Examples:\n  hythe retention add team latestPushedK 10\n  hythe retention add team nDaysSinceLastPull 30 --tags 'dev-*' --tagged\n  hythe retention add team always --tags '>=1.0' --kind semver --repositories 'app/**'"
    )]
    Add {
        project: String,
        /// latestPushedK, latestPulledN, latestActiveK, nDaysSinceLastPush, nDaysSinceLastPull, lastXDays or always
        template: String,
        /// How many, or for how many days; nothing for always
        number: Option<u32>,
        /// Which tags
        #[arg(long, value_name = "PATTERN", default_value = "**")]
        tags: String,
        /// doublestar (*, **, ?, {a,b}), regex or semver
        #[arg(long, value_name = "KIND", default_value = "doublestar")]
        kind: String,
        /// All tags but those that match
        #[arg(long)]
        except: bool,
        /// Artifacts without a tag are not kept by this rule
        #[arg(long)]
        tagged: bool,
        /// Which repositories, without the project's name
        #[arg(long, value_name = "PATTERN", default_value = "**")]
        repositories: String,
    },
    /// Take a rule away, by its number; with the last one the policy goes, and everything is kept
    #[command(visible_alias = "rm", after_long_help = "Example:\n  hythe retention remove team 2")]
    Remove { project: String, rule: i64 },
    /// Say when the policy is applied by itself: five fields of cron, or none
    #[command(
        after_long_help = "Examples:\n  hythe retention schedule team '0 3 * * *' --time-zone Europe/Berlin\n  hythe retention schedule team none"
    )]
    Schedule {
        project: String,
        cron: String,
        /// The zone that the hours are of, UTC if none is named
        #[arg(long, value_name = "ZONE")]
        time_zone: Option<String>,
    },
    /// Delete what no rule keeps, or tell what that would be
    #[command(
        after_long_help = "Examples:\n  hythe retention run team --dry-run\n  hythe retention run team"
    )]
    Run {
        project: String,
        /// Delete nothing; say of every tag which rule decides
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImmutableCommand {
    /// List a project's immutable tag rules
    #[command(visible_alias = "ls", after_long_help = "Example:\n  hythe immutable list team")]
    List { project: String },
    /// Keep tags that exist and match a pattern as they are
    #[command(
        after_long_help = "Examples:\n  hythe immutable add team 'v*'\n  hythe immutable add team '>=1.0' --kind semver --repositories 'app/**'"
    )]
    Add {
        project: String,
        /// Which tags
        pattern: String,
        /// doublestar (*, **, ?, {a,b}), regex or semver
        #[arg(long, value_name = "KIND", default_value = "doublestar")]
        kind: String,
        /// All tags but those that match
        #[arg(long)]
        except: bool,
        /// Which repositories, without the project's name
        #[arg(long, value_name = "PATTERN", default_value = "**")]
        repositories: String,
    },
    /// Take a rule away
    #[command(visible_alias = "rm", after_long_help = "Example:\n  hythe immutable remove team 3")]
    Remove { project: String, rule: i64 },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RepoCommand {
    /// List the repositories of a project
    #[command(after_long_help = "Example:\n  hythe repo list team")]
    List { project: String },
    /// Show a repository
    #[command(after_long_help = "Example:\n  hythe repo show team/app")]
    Show { repository: String },
    /// Delete a repository with all of its artifacts
    #[command(after_long_help = "Example:\n  hythe repo delete team/app")]
    Delete { repository: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ArtifactCommand {
    /// List the artifacts of a repository, the newest first
    #[command(after_long_help = "Example:\n  hythe artifact list team/app")]
    List { repository: String },
    /// Show an artifact
    #[command(
        after_long_help = "Example:\n  hythe artifact show team/app:v1\n  hythe artifact show team/app@sha256:…"
    )]
    Show { artifact: String },
    /// Delete an artifact with its tags
    #[command(after_long_help = "Example:\n  hythe artifact delete team/app@sha256:…")]
    Delete { artifact: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TagCommand {
    /// List the tags of an artifact
    #[command(after_long_help = "Example:\n  hythe tag list team/app:v1")]
    List { artifact: String },
    /// Give an artifact another tag
    #[command(after_long_help = "Example:\n  hythe tag add team/app:v1 stable")]
    Add { artifact: String, tag: String },
    /// Take a tag away; the artifact stays
    #[command(after_long_help = "Example:\n  hythe tag delete team/app:stable")]
    Delete { artifact: String },
    /// Show what a tag pointed to, the newest first
    #[command(after_long_help = "Example:\n  hythe tag history team/app:stable")]
    History { artifact: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum MemberCommand {
    /// List the members of a project
    #[command(after_long_help = "Example:\n  hythe member list team")]
    List { project: String },
    /// Make a user a member, or give a member another role
    #[command(after_long_help = "Example:\n  hythe member set team alice developer")]
    Set {
        project: String,
        user: String,
        /// project-admin, maintainer, developer, guest, limited-guest, or a custom role's id
        role: String,
    },
    /// Take a user out of a project
    #[command(after_long_help = "Example:\n  hythe member remove team alice")]
    Remove { project: String, user: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RobotCommand {
    /// List robots of a project, or of the system
    #[command(after_long_help = "Example:\n  hythe robot list --project team")]
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
        id: i64,
        /// Seconds that the old secret lives on
        #[arg(long, value_name = "SECONDS")]
        keep_old_for: Option<u32>,
    },
    /// Delete a robot
    #[command(after_long_help = "Example:\n  hythe robot delete 7")]
    Delete { id: i64 },
    /// Let a robot sign in without a secret, with tokens of its platform
    #[command(subcommand)]
    Trust(TrustCommand),
}

/// A lifetime in days. The registry knows the longest; none of no days at all is meant by anybody.
fn parse_days(text: &str) -> Result<i64, String> {
    let days = text.parse().ok().filter(|days| *days == -1 || *days > 0);
    days.ok_or_else(|| "write a number of days from 1 on, or -1 for ever".to_owned())
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
    #[command(visible_alias = "ls", after_long_help = "Example:\n  hythe robot trust list 7")]
    List { robot: i64 },
    /// Delete a trust rule
    #[command(visible_alias = "rm", after_long_help = "Example:\n  hythe robot trust delete 7 2")]
    Delete { robot: i64, rule: i64 },
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// List users
    #[command(after_long_help = "Example:\n  hythe user list --name ali")]
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
        name: String,
        /// yes or no
        #[arg(value_parser = ["yes", "no"])]
        wanted: String,
    },
    /// Delete a user
    #[command(after_long_help = "Example:\n  hythe user delete alice")]
    Delete { name: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// List your personal tokens
    #[command(after_long_help = "Example:\n  hythe token list")]
    List,
    /// Make a personal token and show it once
    #[command(
        after_long_help = "Example:\n  hythe token create laptop --days 90\n  hythe token create ci --project team --may repository:pull"
    )]
    Create {
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
    Delete { id: i64 },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TrashCommand {
    /// List what is in the trash, what was deleted last first
    #[command(
        after_long_help = "Examples:\n  hythe trash ls\n  hythe trash ls team\n  hythe trash ls team/app"
    )]
    Ls {
        /// A project or a repository; everything, for administrators, without
        place: Option<String>,
    },
    /// Put back what was deleted of a repository, or what a tag or a digest names
    #[command(
        after_long_help = "Examples:\n  hythe trash restore team/app:v1\n  hythe trash restore team/app@sha256:…\n  hythe trash restore team/app"
    )]
    Restore {
        /// project/name, project/name:tag or project/name@digest
        what: String,
        /// Take the tag from what it points to meanwhile
        #[arg(long)]
        overwrite: bool,
        /// Only what this act deleted, as `hythe trash ls --output json` names it
        #[arg(long, value_name = "ID")]
        deletion: Option<String>,
    },
    /// Let what is in the trash go for good
    #[command(after_long_help = "Example:\n  hythe trash empty team/app --yes")]
    Empty {
        /// A project or a repository; everything, for administrators, without
        place: Option<String>,
        /// Yes, for good
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum GcCommand {
    /// Collect garbage now, wait for the end and print what went and why
    #[command(after_long_help = "Examples:\n  hythe gc run --dry-run\n  hythe gc run --delete-untagged")]
    Run {
        /// Only print what would go, and why
        #[arg(long)]
        dry_run: bool,
        /// Artifacts without a tag too; they go to the trash
        #[arg(long)]
        delete_untagged: bool,
    },
    /// Show the last collections
    #[command(after_long_help = "Example:\n  hythe gc status")]
    Status {
        /// How many
        #[arg(long, value_name = "N", default_value_t = 10)]
        limit: usize,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Show the newest events
    #[command(after_long_help = "Example:\n  hythe audit list --project team --query operation=delete")]
    List {
        /// Of this project
        #[arg(long, value_name = "NAME")]
        project: Option<String>,
        /// Filters: username=…, resource_type=…, operation=…, op_time=[FROM~TO]; joined by commas
        #[arg(long, value_name = "Q")]
        query: Option<String>,
        /// How many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
    },
    /// Write all events out as JSON lines
    #[command(after_long_help = "Example:\n  hythe audit export > audit.ndjson")]
    Export {
        /// Filters, as for `list`
        #[arg(long, value_name = "Q")]
        query: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// List jobs, the newest first
    #[command(visible_alias = "ls")]
    #[command(after_long_help = "Example:\n  hythe job list --state running --state failed")]
    List {
        /// Of this kind, such as purge_audit_log
        #[arg(long, value_name = "KIND")]
        kind: Option<String>,
        /// In this state: pending, running, stopping, succeeded, failed or stopped; may be said again
        #[arg(long, value_name = "STATE")]
        state: Vec<String>,
        /// How many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
    },
    /// Show a job
    #[command(after_long_help = "Example:\n  hythe job show 17")]
    Show { id: i64 },
    /// Print a job's log
    #[command(after_long_help = "Example:\n  hythe job log 17")]
    Log { id: i64 },
    /// Stop a job: at once if it waits, else as soon as its node finds a good place
    #[command(after_long_help = "Example:\n  hythe job cancel 17")]
    Cancel { id: i64 },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ScheduleCommand {
    /// List the schedules
    #[command(visible_alias = "ls")]
    #[command(after_long_help = "Example:\n  hythe schedule list")]
    List,
}
