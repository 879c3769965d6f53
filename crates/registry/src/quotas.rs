//! Quotas, their read side: what projects may hold and what they hold. A quota has the id of its project.

use hythe_metadata::project::{self, Filter, Order, Project};
use hythe_metadata::{Connection, Window, usage, user};
use hythe_oci::error_code::ErrorCode;

use crate::Registry;
use crate::access::system_rights::quota as right;
use crate::access::{Everywhere, Permit};
use crate::error::{Error, Result};

/// The quota of a project.
#[derive(Clone, Debug)]
pub struct Quota {
    /// The project, with its limit.
    pub project: Project,
    /// The name of who made it.
    pub owner: Option<String>,
    /// Bytes that it holds.
    pub used: i64,
}

impl Registry {
    /// A page of quotas in the order of the projects' names, and how many there are.
    pub async fn list_quotas(
        &self,
        _: &Permit<right::List, Everywhere>,
        window: Window<&str>,
    ) -> Result<(Vec<Quota>, i64)> {
        let filter = Filter::default();
        let mut c = self.database.connect().await?;
        let mut quotas = Vec::new();
        for project in project::list(&mut c, &filter, Order::Name, window).await? {
            quotas.push(of(&mut c, project).await?);
        }
        drop(c);
        let filter = &filter;
        let count = |most| async move {
            let mut c = self.database.connect().await?;
            Ok(project::count(&mut c, filter, most).await?)
        };
        Ok((quotas, self.total(format!("project {filter:?}"), count).await?))
    }

    /// The quota of this id, which a list may ask for as well.
    pub async fn find_quota(&self, _: &Permit<right::List, Everywhere>, id: i64) -> Result<Option<Quota>> {
        self.quota(id).await
    }

    /// The quota of this id.
    pub async fn get_quota(&self, _: &Permit<right::Read, Everywhere>, id: i64) -> Result<Quota> {
        let unknown =
            || Error::unknown(ErrorCode::NameUnknown, format!("there is no quota with the id {id}"));
        self.quota(id).await?.ok_or_else(unknown)
    }

    async fn quota(&self, id: i64) -> Result<Option<Quota>> {
        let mut c = self.database.connect().await?;
        match project::find_by_id(&mut c, id).await? {
            Some(project) => Ok(Some(of(&mut c, project).await?)),
            None => Ok(None),
        }
    }
}

async fn of(c: &mut Connection, project: Project) -> Result<Quota> {
    let owner = match project.created_by {
        Some(id) => user::find(c, id).await?.map(|user| user.name),
        None => None,
    };
    let used = usage::of_project(c, project.id).await?;
    Ok(Quota { project, owner, used })
}
