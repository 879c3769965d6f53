//! What is kept: projects, repositories, artifacts, tags and the trash.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum ProjectCommand {
    /// List the projects you may see
    #[command(after_long_help = "Example:\n  hythe project list --name team")]
    #[command(visible_alias = "ls")]
    List {
        /// Only those whose name contains this
        #[arg(long, value_name = "PART")]
        name: Option<String>,
    },
    /// Show a project with its numbers
    #[command(after_long_help = "Example:\n  hythe project show team")]
    Show {
        /// The project
        project: String,
    },
    /// Make a project
    #[command(after_long_help = "Example:\n  hythe project create team --visibility internal")]
    Create {
        /// The name of the new project
        project: String,
        /// private, internal or public
        #[arg(long, value_name = "WHO", default_value = "private")]
        visibility: String,
    },
    /// Say who may pull without being a member: private, internal or public
    #[command(after_long_help = "Example:\n  hythe project visibility team public")]
    Visibility {
        /// The project
        project: String,
        /// private, internal or public
        visibility: String,
    },
    /// Delete a project that holds no repositories
    #[command(after_long_help = "Example:\n  hythe project delete team")]
    #[command(visible_alias = "rm")]
    Delete {
        /// The project
        project: String,
    },
    /// Tell whether somebody may do something in a project, and which rule says so
    #[command(
        after_long_help = "Example:\n  hythe project explain team alice repository:push --repository team/app"
    )]
    Explain {
        /// The project
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
pub(crate) enum RepoCommand {
    /// List the repositories of a project
    #[command(after_long_help = "Example:\n  hythe repo list team")]
    #[command(visible_alias = "ls")]
    List {
        /// The project
        project: String,
    },
    /// Show a repository
    #[command(after_long_help = "Example:\n  hythe repo show team/app")]
    Show {
        /// The repository: project/name
        repository: String,
    },
    /// Delete a repository with all of its artifacts
    #[command(after_long_help = "Example:\n  hythe repo delete team/app")]
    #[command(visible_alias = "rm")]
    Delete {
        /// The repository: project/name
        repository: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ArtifactCommand {
    /// List the artifacts of a repository, the newest first
    #[command(after_long_help = "Example:\n  hythe artifact list team/app")]
    #[command(visible_alias = "ls")]
    List {
        /// The repository: project/name
        repository: String,
    },
    /// Show an artifact
    #[command(
        after_long_help = "Example:\n  hythe artifact show team/app:v1\n  hythe artifact show team/app@sha256:…"
    )]
    Show {
        /// The artifact: project/name:tag or project/name@digest
        artifact: String,
    },
    /// Delete an artifact with its tags
    #[command(after_long_help = "Example:\n  hythe artifact delete team/app@sha256:…")]
    #[command(visible_alias = "rm")]
    Delete {
        /// The artifact: project/name:tag or project/name@digest
        artifact: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TagCommand {
    /// List the tags of an artifact, or all of a repository
    #[command(after_long_help = "Examples:\n  hythe tag list team/app\n  hythe tag list team/app:v1")]
    #[command(visible_alias = "ls")]
    List {
        /// An artifact, project/name:tag or project/name@digest, or a repository, project/name
        artifact: String,
    },
    /// Give an artifact another tag
    #[command(after_long_help = "Example:\n  hythe tag add team/app:v1 stable")]
    Add {
        /// The artifact: project/name:tag or project/name@digest
        artifact: String,
        /// The new tag
        tag: String,
    },
    /// Take a tag away; the artifact stays
    #[command(after_long_help = "Example:\n  hythe tag delete team/app:stable")]
    #[command(visible_alias = "rm")]
    Delete {
        /// The tag to take away: project/name:tag
        artifact: String,
    },
    /// Show what a tag pointed to, the newest first
    #[command(after_long_help = "Example:\n  hythe tag history team/app:stable")]
    History {
        /// The tag: project/name:tag
        artifact: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TrashCommand {
    /// List what is in the trash, what was deleted last first
    #[command(
        after_long_help = "Examples:\n  hythe trash list\n  hythe trash list team\n  hythe trash list team/app"
    )]
    #[command(visible_alias = "ls")]
    List {
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
        /// Only what this act deleted, as `hythe trash list --output json` names it
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
