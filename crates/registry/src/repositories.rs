//! Repositories: as the catalog lists them, and as people look at them.

use hythe_metadata::described_repository::{self, DescribedRepository, Filter, Order};
use hythe_metadata::project::{Project, Text};
use hythe_metadata::repository::{self, Repository, Visible};
use hythe_metadata::trash::Why;
use hythe_metadata::{Connection, Window, artifact};
use hythe_oci::digest::Digest;
use hythe_oci::error_code::ErrorCode;
use hythe_oci::name::RepositoryName;

use crate::Registry;
use crate::access::rights::{project as project_right, repository as right};
use crate::access::{Caller, Permit, visible};
use crate::audit::Entry;
use crate::clock;
use crate::error::{Error, Result};
use crate::immutable_rules::check_repository;

/// Repositories with a blob that are looked at for those the caller may pull from.
const BLOB_CANDIDATES: u32 = 200;

/// A page of text, and more than anybody reads.
const LONGEST_DESCRIPTION: usize = 16 * 1024;

/// Which repositories are wanted.
#[derive(Clone, Debug, Default)]
pub struct RepositoryQuery {
    /// By the whole name.
    pub name: Text,
    /// In which order.
    pub order: Order,
}

/// A repository as its readers see it.
#[derive(Clone, Debug)]
pub struct RepositoryView {
    /// The row.
    pub row: DescribedRepository,
    /// How many artifacts a list of it shows.
    pub artifacts: i64,
}

impl Registry {
    /// At most `limit` names of repositories that the caller may see, in bytewise order, those after `after`.
    pub async fn catalog(&self, caller: &Caller, after: Option<&str>, limit: u32) -> Result<Vec<String>> {
        let visible = self.visible_to(caller).await?;
        let mut connection = self.database.connect().await?;
        Ok(repository::catalog(&mut connection, visible, after, limit).await?)
    }

    /// A page of a project's repositories, and how many there are.
    pub async fn list_repositories(
        &self,
        permit: &Permit<right::List, Project>,
        query: RepositoryQuery,
        window: Window<&str>,
    ) -> Result<(Vec<RepositoryView>, i64)> {
        let project = Some(permit.project().name.clone());
        let filter = Filter { project, name: query.name, visible: Visible::All };
        self.list_visible(filter, query.order, window).await
    }

    /// As [`Registry::list_repositories`], for who may see the project because of a grant: what was granted.
    pub async fn list_granted_repositories(
        &self,
        permit: &Permit<project_right::Read, Project>,
        query: RepositoryQuery,
        window: Window<&str>,
    ) -> Result<(Vec<RepositoryView>, i64)> {
        let project = Some(permit.project().name.clone());
        let filter = Filter { project, name: query.name, visible: visible(permit.caller()) };
        self.list_visible(filter, query.order, window).await
    }

    /// A page of all repositories that the caller may see, and how many there are.
    pub async fn list_all_repositories(
        &self,
        caller: &Caller,
        query: RepositoryQuery,
        window: Window<&str>,
    ) -> Result<(Vec<RepositoryView>, i64)> {
        let filter = Filter { project: None, name: query.name, visible: visible(caller) };
        self.list_visible(filter, query.order, window).await
    }

    async fn list_visible(
        &self,
        filter: Filter,
        order: Order,
        window: Window<&str>,
    ) -> Result<(Vec<RepositoryView>, i64)> {
        let filter = &filter;
        let mut c = self.database.connect().await?;
        let rows = described_repository::list(&mut c, filter, order, window).await?;
        drop(c);
        let views = self.view_repositories(rows).await?;
        let count = |most| async move {
            let mut c = self.database.connect().await?;
            Ok(described_repository::count(&mut c, filter, most).await?)
        };
        Ok((views, self.total(format!("repository {filter:?}"), count).await?))
    }

    /// Repositories that have a blob and from which the caller may pull it, `limit` at most, the oldest first: where a
    /// mount can come from.
    pub async fn list_repositories_with_blob(
        &self,
        caller: &Caller,
        blob: &Digest,
        limit: u32,
    ) -> Result<Vec<RepositoryView>> {
        let mut c = self.database.connect().await?;
        let linked = described_repository::list_with_blob(&mut c, blob, 0, BLOB_CANDIDATES).await?;
        drop(c);
        let mut found = Vec::new();
        for row in linked {
            if found.len() < limit as usize && self.permit::<right::Pull>(caller, &row.name).await.is_ok() {
                found.push(row);
            }
        }
        self.view_repositories(found).await
    }

    /// What is known about a repository.
    pub async fn get_repository(&self, permit: &Permit<right::Read>) -> Result<RepositoryView> {
        let mut c = self.database.connect().await?;
        let found = described_repository::find(&mut c, permit.repository()).await?;
        drop(c);
        let row = found.ok_or_else(|| unknown_repository(permit.repository()))?;
        Ok(RepositoryView { artifacts: self.count_artifacts(row.id).await?, row })
    }

    async fn view_repositories(&self, rows: Vec<DescribedRepository>) -> Result<Vec<RepositoryView>> {
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            views.push(RepositoryView { artifacts: self.count_artifacts(row.id).await?, row });
        }
        Ok(views)
    }

    /// Artifacts that a list of the repository shows; as of some seconds ago where they are many.
    pub(crate) async fn count_artifacts(&self, id: i64) -> Result<i64> {
        let (place, filter) = (artifact::Place::Repository(id), &artifact::Filter::default());
        let count = |most| async move {
            let mut c = self.database.connect().await?;
            Ok(artifact::count(&mut c, place, filter, most).await?)
        };
        self.total(format!("artifact {place:?} {filter:?}"), count).await
    }

    /// Says something else about a repository.
    pub async fn describe_repository(&self, permit: &Permit<right::Update>, description: &str) -> Result<()> {
        if description.len() > LONGEST_DESCRIPTION {
            return Err(Error::bad_request(format!(
                "a description has at most {LONGEST_DESCRIPTION} bytes; this one has {}",
                description.len()
            )));
        }
        let (name, description, now) = (permit.repository().clone(), description.to_owned(), clock::now());
        let entry = Entry::new(permit.caller(), "update", "repository", name.as_str())
            .after(serde_json::json!({ "description": description }));
        self.database
            .try_transaction(move |c| {
                let (name, description, entry) = (name.clone(), description.clone(), entry.clone());
                Box::pin(async move {
                    let found = find(c, &name).await?;
                    described_repository::update_description(c, &name, &description, now).await?;
                    Ok(entry.in_project(found.project_id).write(c).await?)
                })
            })
            .await
    }

    /// Deletes a repository; its tags and manifests go to the trash. Blobs stay until they are collected.
    pub async fn delete_repository(&self, permit: &Permit<right::Delete>) -> Result<()> {
        let name = permit.repository().clone();
        let entry = Entry::new(permit.caller(), "delete", "repository", name.as_str());
        let deletion = self.deletion(permit.holder(), Why::Repository);
        self.database
            .try_transaction(move |c| {
                let (name, entry, deletion) = (name.clone(), entry.clone(), deletion.clone());
                Box::pin(async move {
                    let found = find(c, &name).await?;
                    check_repository(c, &found).await?;
                    repository::delete(c, found.id, &deletion).await.map_err(|error| match error {
                        hythe_metadata::Error::Conflict { .. } => Error::conflict(format!(
                            "somebody is pushing into {name}; try again when the uploads have ended or expired"
                        )),
                        other => other.into(),
                    })?;
                    Ok(entry.in_project(found.project_id).write(c).await?)
                })
            })
            .await
    }
}

async fn find(c: &mut Connection, name: &RepositoryName) -> Result<Repository> {
    repository::find(c, name).await?.ok_or_else(|| unknown_repository(name))
}

pub(crate) fn unknown_repository(name: &RepositoryName) -> Error {
    let message = format!("there is no repository {name}; the first push makes it");
    Error::unknown(ErrorCode::NameUnknown, message)
}
