//! What goes on and went on: garbage collection, the audit log, jobs and schedules.

use clap::Subcommand;

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
    #[command(visible_alias = "ls")]
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
    #[command(after_long_help = "Example:\n  hythe job list --state running --state failed")]
    #[command(visible_alias = "ls")]
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
    Show {
        /// The job's number
        id: i64,
    },
    /// Print a job's log
    #[command(after_long_help = "Example:\n  hythe job log 17")]
    Log {
        /// The job's number
        id: i64,
    },
    /// Stop a job: at once if it waits, else as soon as its node finds a good place
    #[command(after_long_help = "Example:\n  hythe job cancel 17")]
    Cancel {
        /// The job's number
        id: i64,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ScheduleCommand {
    /// List the schedules
    #[command(after_long_help = "Example:\n  hythe schedule list")]
    #[command(visible_alias = "ls")]
    List,
}
