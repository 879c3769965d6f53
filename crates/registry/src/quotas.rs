//! Quotas: what projects may hold and what they hold. A quota has the id of its project.

mod recount;

use hythe_metadata::project::{self, Filter, Order, Project};
use hythe_metadata::{Connection, Window, usage, user};
use hythe_oci::digest::Digest;
use hythe_oci::error_code::ErrorCode;
use hythe_oci::name::RepositoryName;
use serde_json::json;

use crate::Registry;
use crate::access::system_rights::quota as right;
use crate::access::{Everywhere, Permit};
use crate::audit::Entry;
use crate::clock;
use crate::configuration::items::{QUOTA_PER_PROJECT_ENABLE, STORAGE_PER_PROJECT};
use crate::error::{Error, Result};

pub use recount::Recount;

/// The most that a limit may be, 1 PiB, as in Harbor.
const MOST: i64 = 1 << 50;

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

/// A limit as the API writes it: a number of bytes, or -1 for none.
pub fn parse_limit(bytes: i64) -> Result<Option<i64>> {
    match bytes {
        -1 => Ok(None),
        1..=MOST => Ok(Some(bytes)),
        _ => Err(Error::bad_request(format!(
            "a quota is a number of bytes from 1 to {MOST}, or -1 for no limit, not {bytes}"
        ))),
    }
}

impl Registry {
    /// Changes what a project may hold. What it holds beyond that stays, and nothing is added.
    pub async fn update_quota(
        &self,
        permit: &Permit<right::Update, Everywhere>,
        id: i64,
        limit: Option<i64>,
    ) -> Result<()> {
        let project = self.project_of(id).await?;
        let entry = Entry::new(permit.caller(), "update", "quota", &project.name)
            .in_project(id)
            .before(json!({ "storage": project.storage_limit }))
            .after(json!({ "storage": limit }));
        let now = clock::now();
        self.database
            .transaction(move |c| {
                let entry = entry.clone();
                Box::pin(async move {
                    usage::limit(c, id, limit, now).await?;
                    entry.write(c).await
                })
            })
            .await?;
        Ok(())
    }

    /// Refuses what would bring a repository's project over its quota. A `digest` that the project has is no more.
    pub(crate) async fn check_quota(
        &self,
        repository: &RepositoryName,
        adding: u64,
        digest: Option<&Digest>,
    ) -> Result<()> {
        if adding == 0 || !self.configuration().truth(&QUOTA_PER_PROJECT_ENABLE) {
            return Ok(());
        }
        let project = repository.project();
        let mut c = self.database.connect().await?;
        match usage::standing(&mut c, &project, digest).await? {
            Some(standing) => Ok(standing.check(&project, adding)?),
            None => Ok(()),
        }
    }

    /// The limit of a new project where nobody says otherwise.
    pub(crate) fn default_quota(&self) -> Option<i64> {
        Some(self.configuration().number(&STORAGE_PER_PROJECT)).filter(|limit| *limit > 0)
    }

    async fn project_of(&self, id: i64) -> Result<Project> {
        let mut c = self.database.connect().await?;
        project::find_by_id(&mut c, id).await?.ok_or_else(|| unknown_quota(id))
    }

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
        self.quota(id).await?.ok_or_else(|| unknown_quota(id))
    }

    async fn quota(&self, id: i64) -> Result<Option<Quota>> {
        let mut c = self.database.connect().await?;
        match project::find_by_id(&mut c, id).await? {
            Some(project) => Ok(Some(of(&mut c, project).await?)),
            None => Ok(None),
        }
    }
}

fn unknown_quota(id: i64) -> Error {
    Error::unknown(ErrorCode::NameUnknown, format!("there is no quota with the id {id}"))
}

async fn of(c: &mut Connection, project: Project) -> Result<Quota> {
    let owner = match project.created_by {
        Some(id) => user::find(c, id).await?.map(|user| user.name),
        None => None,
    };
    let used = usage::of_project(c, project.id).await?;
    Ok(Quota { project, owner, used })
}
