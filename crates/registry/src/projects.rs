//! Projects: the first part of every repository's name, public or private.

use hythe_metadata::project::{self, NewProject, Project};
use hythe_oci::error_code::ErrorCode;
use hythe_oci::name::ProjectName;

use crate::Registry;
use crate::access::AdministratorPermit;
use crate::clock;
use crate::error::{Error, Result};

impl Registry {
    /// Makes a project.
    pub async fn create_project(
        &self,
        _permit: &AdministratorPermit,
        name: ProjectName,
        public: bool,
    ) -> Result<Project> {
        let new = NewProject {
            name: name.clone(),
            public,
            internal: false,
            created_at: clock::now(),
            created_by: None,
        };
        self.database
            .transaction(move |c| {
                let new = new.clone();
                Box::pin(async move { project::create(c, &new).await })
            })
            .await
            .map_err(|error| match error {
                hythe_metadata::Error::Conflict { .. } => {
                    Error::conflict(format!("project {name} exists already"))
                }
                other => other.into(),
            })
    }

    /// The project of this name.
    pub async fn get_project(&self, _permit: &AdministratorPermit, name: &ProjectName) -> Result<Project> {
        let mut connection = self.database.connect().await?;
        project::find(&mut connection, name).await?.ok_or_else(|| unknown_project(name))
    }

    /// Projects in the order of their names, those after `after`.
    pub async fn list_projects(
        &self,
        _permit: &AdministratorPermit,
        filter: &project::Filter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Project>> {
        let mut connection = self.database.connect().await?;
        Ok(project::list(&mut connection, filter, after, limit).await?)
    }

    /// Makes a project public or private.
    pub async fn set_project_public(
        &self,
        permit: &AdministratorPermit,
        name: &ProjectName,
        public: bool,
    ) -> Result<()> {
        let id = self.get_project(permit, name).await?.id;
        let now = clock::now();
        self.database
            .transaction(move |c| Box::pin(project::update_visibility(c, id, public, false, now)))
            .await?;
        Ok(())
    }

    /// Deletes a project that holds no repositories.
    pub async fn delete_project(&self, permit: &AdministratorPermit, name: &ProjectName) -> Result<()> {
        let id = self.get_project(permit, name).await?.id;
        let deleted =
            self.database.transaction(move |c| Box::pin(async move { project::delete(c, id).await })).await?;
        if deleted {
            return Ok(());
        }
        Err(Error::conflict(format!("project {name} still holds repositories; delete them first")))
    }
}

pub(crate) fn unknown_project(name: &ProjectName) -> Error {
    Error::unknown(
        ErrorCode::NameUnknown,
        format!("there is no project named {name}; an administrator can make it"),
    )
}
