//! Repositories: as the catalog lists them, and as people look at them.

use hythe_metadata::described_repository::{self, DescribedRepository, Filter, Order};
use hythe_metadata::project::{Project, Text};
use hythe_metadata::repository::{self, Repository};
use hythe_metadata::{Connection, Window};
use hythe_oci::error_code::ErrorCode;
use hythe_oci::name::RepositoryName;

use crate::Registry;
use crate::access::rights::repository as right;
use crate::access::{Caller, Permit};
use crate::audit::Entry;
use crate::clock;
use crate::error::{Error, Result};

/// A page of text, and more than anybody reads.
const LONGEST_DESCRIPTION: usize = 16 * 1024;

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
        name: Text,
        order: Order,
        window: Window<&str>,
    ) -> Result<(Vec<DescribedRepository>, i64)> {
        let filter = &Filter { project_id: permit.project().id, name };
        let mut c = self.database.connect().await?;
        let repositories = described_repository::list(&mut c, filter, order, window).await?;
        drop(c);
        let count = |most| async move {
            let mut c = self.database.connect().await?;
            Ok(described_repository::count(&mut c, filter, most).await?)
        };
        Ok((repositories, self.total(format!("repository {filter:?}"), count).await?))
    }

    /// What is known about a repository.
    pub async fn get_repository(&self, permit: &Permit<right::Read>) -> Result<DescribedRepository> {
        let mut c = self.database.connect().await?;
        let found = described_repository::find(&mut c, permit.repository()).await?;
        found.ok_or_else(|| unknown_repository(permit.repository()))
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

    /// Deletes a repository with its tags and manifests. Blobs stay until they are collected.
    pub async fn delete_repository(&self, permit: &Permit<right::Delete>) -> Result<()> {
        let name = permit.repository().clone();
        let entry = Entry::new(permit.caller(), "delete", "repository", name.as_str());
        self.database
            .try_transaction(move |c| {
                let (name, entry) = (name.clone(), entry.clone());
                Box::pin(async move {
                    let found = find(c, &name).await?;
                    repository::delete(c, found.id).await.map_err(|error| match error {
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

fn unknown_repository(name: &RepositoryName) -> Error {
    let message = format!("there is no repository {name}; the first push makes it");
    Error::unknown(ErrorCode::NameUnknown, message)
}
