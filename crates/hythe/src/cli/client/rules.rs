//! What a project may hold, and what of it stays.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum QuotaCommand {
    /// List what projects hold and may hold
    #[command(after_long_help = "Example:\n  hythe quota list")]
    #[command(visible_alias = "ls")]
    List,
    /// Say how much a project may hold: a size, or none for no limit
    #[command(
        after_long_help = "Examples:\n  hythe quota set team 50GiB\n  hythe quota set team 500MiB\n  hythe quota set team none"
    )]
    Set {
        /// The project
        project: String,
        /// 50GiB, 500MiB, a number of bytes, or none
        size: String,
    },
    /// Count anew what a project holds
    #[command(after_long_help = "Example:\n  hythe quota recount team")]
    Recount {
        /// The project
        project: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RetentionCommand {
    /// Show the rules of a project's retention policy
    #[command(after_long_help = "Example:\n  hythe retention show team")]
    Show {
        /// The project
        project: String,
    },
    /// Say what is kept; the first rule makes the policy, and what no rule keeps is deleted when it is applied
    #[command(
        after_long_help = "Examples:\n  hythe retention add team latestPushedK 10\n  hythe retention add team nDaysSinceLastPull 30 --tags 'dev-*' --tagged\n  hythe retention add team always --tags '>=1.0' --kind semver --repositories 'app/**'"
    )]
    Add {
        /// The project
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
    #[command(after_long_help = "Example:\n  hythe retention remove team 2")]
    #[command(visible_aliases = ["rm", "delete"])]
    Remove {
        /// The project
        project: String,
        /// The number of the rule, as the list shows it
        rule: i64,
    },
    /// Say when the policy is applied by itself: five fields of cron, or none
    #[command(
        after_long_help = "Examples:\n  hythe retention schedule team '0 3 * * *' --time-zone Europe/Berlin\n  hythe retention schedule team none"
    )]
    Schedule {
        /// The project
        project: String,
        /// Five fields of cron, such as '0 3 * * *', or none
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
        /// The project
        project: String,
        /// Delete nothing; say of every tag which rule decides
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImmutableCommand {
    /// List a project's immutable tag rules
    #[command(after_long_help = "Example:\n  hythe immutable list team")]
    #[command(visible_alias = "ls")]
    List {
        /// The project
        project: String,
    },
    /// Keep tags that exist and match a pattern as they are
    #[command(
        after_long_help = "Examples:\n  hythe immutable add team 'v*'\n  hythe immutable add team '>=1.0' --kind semver --repositories 'app/**'"
    )]
    Add {
        /// The project
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
    #[command(after_long_help = "Example:\n  hythe immutable remove team 3")]
    #[command(visible_aliases = ["rm", "delete"])]
    Remove {
        /// The project
        project: String,
        /// The number of the rule, as the list shows it
        rule: i64,
    },
}
