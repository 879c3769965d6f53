//! Finding projects and repositories by a part of their names.

use hythe_metadata::Window;
use hythe_metadata::project::{self, Filter, FoundRepository, Text};

use crate::Registry;
use crate::access::Caller;
use crate::error::Result;
use crate::projects::{ProjectQuery, ProjectView, visible};

/// Of each kind; a search that finds more is not yet a search.
const MOST: u32 = 100;

/// A repository that was found, with what is in it.
#[derive(Clone, Debug)]
pub struct FoundView {
    /// The repository and its project.
    pub repository: FoundRepository,
    /// How many artifacts a list of it shows.
    pub artifacts: i64,
}

impl Registry {
    /// Projects and repositories whose names hold `part`, of those the caller may see, [`MOST`] of each.
    pub async fn search(&self, caller: &Caller, part: &str) -> Result<(Vec<ProjectView>, Vec<FoundView>)> {
        let filter = Filter { name: Text::Part(part.to_owned()), ..Filter::default() };
        let query = ProjectQuery { filter, ..ProjectQuery::default() };
        let (projects, _) = self.list_projects(caller, query, Window::behind("", MOST)).await?;
        let mut c = self.database.connect().await?;
        let found = project::search_repositories(&mut c, part, visible(caller), MOST).await?;
        drop(c);
        let mut repositories = Vec::new();
        // Who may see a project because of a grant may see a part of it only.
        for repository in found {
            if self.may_see(caller, &repository.name).await? {
                let artifacts = self.count_artifacts(repository.id).await?;
                repositories.push(FoundView { repository, artifacts });
            }
        }
        Ok((projects, repositories))
    }
}
