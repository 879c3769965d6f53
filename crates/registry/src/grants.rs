//! Grants: a role on a part of a project, by repository and by tag.

use hythe_metadata::Window;
use hythe_metadata::grant::{self, NewGrant, RepositoryGrant};
use hythe_metadata::member::Entity;
use hythe_metadata::project::Project;
use hythe_oci::error_code::ErrorCode;
use hythe_oci::name::RepositoryName;
use hythe_oci::tag::Tag;
use serde_json::json;

use crate::Registry;
use crate::access::Permit;
use crate::access::rights::grant as right;
use crate::audit::Entry;
use crate::clock;
use crate::error::{Error, Result};
use crate::members::unknown_entity;
use crate::roles::check_role;

/// A grant to be made.
#[derive(Clone, Debug)]
pub struct WantedGrant {
    /// For whom.
    pub entity: Entity,
    /// For which repositories of the project: a whole name, or the beginning of names followed by `*`.
    pub repository: String,
    /// For which tags: one, or a beginning followed by `*`.
    pub tag: String,
    /// The role's id.
    pub role: i64,
}

impl Registry {
    /// Makes a grant and tells its id.
    pub async fn create_grant(
        &self,
        permit: &Permit<right::Create, Project>,
        wanted: WantedGrant,
    ) -> Result<i64> {
        let new = row(permit.project(), &wanted)?;
        let entry = Entry::new(permit.caller(), "create", "grant", &wanted.repository)
            .in_project(permit.project().id)
            .after(json!({ "role": wanted.role, "tag": wanted.tag, "for": format!("{:?}", wanted.entity) }));
        self.database
            .try_transaction(move |c| {
                let (new, entry) = (new.clone(), entry.clone());
                Box::pin(async move {
                    check_role(c, new.role).await?;
                    let id = grant::create(c, &new).await.map_err(|error| match error {
                        hythe_metadata::Error::Missing { .. } => unknown_entity(new.entity),
                        other => other.into(),
                    })?;
                    entry.write(c).await?;
                    Ok(id)
                })
            })
            .await
    }

    /// The grant of this id.
    pub async fn get_grant(&self, permit: &Permit<right::Read, Project>, id: i64) -> Result<RepositoryGrant> {
        let mut c = self.database.connect().await?;
        grant::find(&mut c, permit.project().id, id).await?.ok_or_else(|| unknown_grant(permit.project(), id))
    }

    /// The project's grants in the order of their ids, and how many there are.
    pub async fn list_grants(
        &self,
        permit: &Permit<right::List, Project>,
        window: Window<i64>,
    ) -> Result<(Vec<RepositoryGrant>, i64)> {
        let id = permit.project().id;
        let mut c = self.database.connect().await?;
        let grants = grant::list(&mut c, id, window).await?;
        drop(c);
        let count = |most| async move {
            let mut c = self.database.connect().await?;
            Ok(grant::count(&mut c, id, most).await?)
        };
        Ok((grants, self.total(format!("grant {id}"), count).await?))
    }

    /// Takes a grant back.
    pub async fn delete_grant(&self, permit: &Permit<right::Delete, Project>, id: i64) -> Result<()> {
        let project = permit.project().clone();
        let caller = permit.caller().clone();
        self.database
            .try_transaction(move |c| {
                let (project, caller) = (project.clone(), caller.clone());
                Box::pin(async move {
                    let found = grant::find(c, project.id, id).await?;
                    let found = found.ok_or_else(|| unknown_grant(&project, id))?;
                    grant::delete(c, project.id, id).await?;
                    let entry = Entry::new(&caller, "delete", "grant", found.part.pattern());
                    let was = json!({ "role": found.role, "tag": found.part.tag_pattern, "for": found.name });
                    Ok(entry.in_project(project.id).before(was).write(c).await?)
                })
            })
            .await
    }
}

fn row(project: &Project, wanted: &WantedGrant) -> Result<NewGrant> {
    let (repository, and_below) = match wanted.repository.strip_suffix('*') {
        Some(beginning) => (beginning, true),
        None => (wanted.repository.as_str(), false),
    };
    validate_repository(project, repository, and_below)?;
    validate_tag(&wanted.tag)?;
    Ok(NewGrant {
        project_id: project.id,
        entity: wanted.entity,
        repository: repository.to_owned(),
        and_below,
        tag_pattern: wanted.tag.clone(),
        role: wanted.role,
        created_at: clock::now(),
    })
}

/// A beginning may end in the middle of a name, so only what is before the last separator is held to the rules.
fn validate_repository(project: &Project, repository: &str, and_below: bool) -> Result<()> {
    let inside = repository.strip_prefix(project.name.as_str()).and_then(|rest| rest.strip_prefix('/'));
    let whole = if and_below { repository.trim_end_matches(['/', '-', '_', '.']) } else { repository };
    let named = inside.is_some_and(|rest| and_below || !rest.is_empty());
    if named && (whole == project.name.as_str() || whole.parse::<RepositoryName>().is_ok()) {
        return Ok(());
    }
    Err(Error::invalid(
        ErrorCode::NameInvalid,
        format!(
            "{repository:?} names no repository of project {0}: write {0}/app, or {0}/app-* for all that begin so",
            project.name
        ),
    ))
}

fn validate_tag(pattern: &str) -> Result<()> {
    let beginning = pattern.strip_suffix('*');
    if beginning == Some("") || beginning.unwrap_or(pattern).parse::<Tag>().is_ok() {
        return Ok(());
    }
    Err(Error::invalid(
        ErrorCode::TagInvalid,
        format!("{pattern:?} is no pattern for tags: write a tag, a beginning followed by *, or * for all"),
    ))
}

fn unknown_grant(project: &Project, id: i64) -> Error {
    Error::unknown(ErrorCode::NameUnknown, format!("project {} has no grant with the id {id}", project.name))
}
