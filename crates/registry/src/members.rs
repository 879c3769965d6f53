//! Members: which user has which role in which project.

use hythe_metadata::member::{self, Member};
use hythe_oci::name::ProjectName;

use crate::Registry;
use crate::access::{AdministratorPermit, Role};
use crate::clock;
use crate::error::{Error, Result};

impl Registry {
    /// Gives a user a role in a project, in place of the one they had.
    pub async fn set_member(
        &self,
        permit: &AdministratorPermit,
        project: &ProjectName,
        user: &str,
        role: Role,
    ) -> Result<()> {
        let project_id = self.get_project(permit, project).await?.id;
        let user_id = self.get_user(permit, user).await?.id;
        let now = clock::now();
        self.database
            .transaction(move |c| {
                Box::pin(async move { member::set(c, project_id, user_id, role.id(), now).await })
            })
            .await?;
        Ok(())
    }

    /// Takes a user out of a project.
    pub async fn remove_member(
        &self,
        permit: &AdministratorPermit,
        project: &ProjectName,
        user: &str,
    ) -> Result<()> {
        let project_id = self.get_project(permit, project).await?.id;
        let user_id = self.get_user(permit, user).await?.id;
        let removed = self
            .database
            .transaction(move |c| Box::pin(async move { member::remove(c, project_id, user_id).await }))
            .await?;
        if removed {
            return Ok(());
        }
        Err(Error::unknown(
            hythe_oci::error_code::ErrorCode::NameUnknown,
            format!("user {user} is no member of project {project}"),
        ))
    }

    /// The members of a project.
    pub async fn list_members(
        &self,
        permit: &AdministratorPermit,
        project: &ProjectName,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Member>> {
        let project_id = self.get_project(permit, project).await?.id;
        let mut connection = self.database.connect().await?;
        Ok(member::list(&mut connection, project_id, after, limit).await?)
    }
}
