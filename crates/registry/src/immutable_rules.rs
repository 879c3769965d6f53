//! Immutable tag rules: tags that exist and match one of a project's rules are neither moved nor deleted.

use hythe_metadata::immutable_rule::{self, ImmutableRule};
use hythe_metadata::project::Project;
use hythe_metadata::repository::Repository;
use hythe_metadata::{Connection, Window, tag};
use hythe_oci::digest::Digest;
use hythe_oci::error_code::ErrorCode;
use hythe_oci::name::RepositoryName;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Registry;
use crate::access::Permit;
use crate::access::rights::immutable_tag as right;
use crate::audit::Entry;
use crate::clock;
use crate::error::{Error, Kind, Result};
use crate::selectors::{Of, Selector, Selects};

/// A project with more of them has lost its overview.
const AT_MOST: i64 = 100;

/// Tags that are looked at together.
const PAGE: u32 = 1000;

/// Which tags of which repositories a rule protects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protects {
    /// Repositories, by their names without the project.
    pub repository: Selector,
    /// Tags.
    pub tag: Selector,
}

/// A rule as it is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedRule {
    /// Whether it protects nothing for now.
    pub disabled: bool,
    /// What it protects.
    pub protects: Protects,
}

/// A rule that there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its id.
    pub id: i64,
    /// The rest.
    pub wanted: WantedRule,
}

/// All rules of a project that protect something.
#[derive(Clone, Debug, Default)]
pub struct Immutability(Vec<(i64, Selects, Selects)>);

impl Immutability {
    /// Those of the project, as this transaction sees them.
    pub(crate) async fn of_project(c: &mut Connection, project_id: i64) -> Result<Immutability> {
        let rules = immutable_rule::list_enabled(c, project_id).await?;
        let compiled: Result<Vec<_>> = rules.into_iter().map(compiled).collect();
        Ok(Immutability(compiled?))
    }

    /// The rule that protects the tag, if one does.
    pub fn rule_of(&self, repository: &RepositoryName, tag: &str) -> Option<i64> {
        let name = without_project(repository);
        let found = self.0.iter().find(|(_, repositories, tags)| repositories.takes(name) && tags.takes(tag));
        found.map(|(id, _, _)| *id)
    }

    /// Refuses to move or delete the tag where a rule protects it.
    pub(crate) fn check(&self, repository: &RepositoryName, tag: &str, verb: &str) -> Result<()> {
        let Some(rule) = self.rule_of(repository, tag) else { return Ok(()) };
        Err(Error::new(
            Kind::Precondition,
            ErrorCode::Denied,
            format!(
                "the tag {tag} of {repository} is configured as immutable by rule {rule} of its project and cannot be \
                 {verb}"
            ),
        ))
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Refuses to move a tag that exists and is protected.
pub(crate) async fn check_moved(c: &mut Connection, repository: &Repository, tag: &str) -> Result<()> {
    Immutability::of_project(c, repository.project_id).await?.check(&repository.name, tag, "moved")
}

/// Refuses to delete a tag that is protected.
pub(crate) async fn check_deleted(
    c: &mut Connection,
    project_id: i64,
    repository: &RepositoryName,
    tag: &str,
) -> Result<()> {
    Immutability::of_project(c, project_id).await?.check(repository, tag, "deleted")
}

/// Refuses to delete a manifest with a protected tag.
pub(crate) async fn check_manifest(
    c: &mut Connection,
    project_id: i64,
    repository_id: i64,
    name: &RepositoryName,
    digest: &Digest,
) -> Result<()> {
    let rules = Immutability::of_project(c, project_id).await?;
    if rules.is_empty() {
        return Ok(());
    }
    let tags = tag::list_by_digest(c, repository_id, digest, u32::MAX).await?;
    tags.iter().try_for_each(|tag| rules.check(name, tag, "deleted"))
}

/// Refuses to delete a repository that holds a protected tag.
pub(crate) async fn check_repository(c: &mut Connection, repository: &Repository) -> Result<()> {
    let rules = Immutability::of_project(c, repository.project_id).await?;
    if rules.is_empty() {
        return Ok(());
    }
    let mut after = None;
    loop {
        let tags = tag::list(c, repository.id, after.as_deref(), PAGE).await?;
        tags.iter().try_for_each(|tag| rules.check(&repository.name, tag, "deleted"))?;
        let Some(last) = tags.into_iter().last() else { return Ok(()) };
        after = Some(last);
    }
}

pub(crate) fn without_project(repository: &RepositoryName) -> &str {
    repository.as_str().split_once('/').map_or(repository.as_str(), |(_, rest)| rest)
}

impl Protects {
    /// As it is kept, once it is known to make sense.
    fn text(&self) -> Result<String> {
        self.repository.compile(Of::Repositories)?;
        self.tag.compile(Of::Tags)?;
        serde_json::to_string(self).map_err(|error| Error::internal("the rule cannot be written down", error))
    }
}

impl Registry {
    /// A page of a project's rules in the order of their ids, and how many there are.
    pub async fn list_immutable_rules(
        &self,
        permit: &Permit<right::List, Project>,
        window: Window<i64>,
    ) -> Result<(Vec<Rule>, i64)> {
        let mut c = self.database.connect().await?;
        let rows = immutable_rule::list(&mut c, permit.project().id, window).await?;
        let total = immutable_rule::count(&mut c, permit.project().id).await?;
        let rules: Result<Vec<Rule>> = rows.into_iter().map(read).collect();
        Ok((rules?, total))
    }

    /// Makes a rule and tells its id.
    pub async fn create_immutable_rule(
        &self,
        permit: &Permit<right::Create, Project>,
        wanted: &WantedRule,
    ) -> Result<i64> {
        let (project, text, disabled) = (permit.project().clone(), wanted.protects.text()?, wanted.disabled);
        let (caller, after) =
            (permit.caller().clone(), json!({ "disabled": disabled, "protects": wanted.protects }));
        self.database
            .try_transaction(move |c| {
                let (project, text) = (project.clone(), text.clone());
                let (caller, after) = (caller.clone(), after.clone());
                Box::pin(async move {
                    if immutable_rule::count(c, project.id).await? >= AT_MOST {
                        return Err(too_many(&project));
                    }
                    let made = immutable_rule::create(c, project.id, disabled, &text, clock::now()).await;
                    let id = made.map_err(|error| or_same(error, &project))?;
                    let resource = format!("{}/{id}", project.name);
                    let entry = Entry::new(&caller, "create", "immutable-rule", resource);
                    entry.in_project(project.id).after(after).write(c).await?;
                    Ok(id)
                })
            })
            .await
    }

    /// Changes a rule; without selectors it keeps those that it has.
    pub async fn update_immutable_rule(
        &self,
        permit: &Permit<right::Update, Project>,
        id: i64,
        disabled: bool,
        protects: Option<&Protects>,
    ) -> Result<()> {
        let (project, text) = (permit.project().clone(), protects.map(Protects::text).transpose()?);
        let entry = Entry::new(permit.caller(), "update", "immutable-rule", format!("{}/{id}", project.name))
            .in_project(project.id)
            .after(json!({ "disabled": disabled, "protects": protects }));
        self.database
            .try_transaction(move |c| {
                let (project, text, entry) = (project.clone(), text.clone(), entry.clone());
                Box::pin(async move {
                    let found = immutable_rule::find(c, project.id, id).await?;
                    let found = found.ok_or_else(|| unknown_rule(&project, id))?;
                    let (text, now) = (text.unwrap_or(found.selectors), clock::now());
                    let updated = immutable_rule::update(c, project.id, id, disabled, &text, now).await;
                    updated.map_err(|error| or_same(error, &project))?;
                    Ok(entry.write(c).await?)
                })
            })
            .await
    }

    /// Deletes a rule.
    pub async fn delete_immutable_rule(
        &self,
        permit: &Permit<right::Delete, Project>,
        id: i64,
    ) -> Result<()> {
        let project = permit.project().clone();
        let entry = Entry::new(permit.caller(), "delete", "immutable-rule", format!("{}/{id}", project.name))
            .in_project(project.id);
        self.database
            .try_transaction(move |c| {
                let (project, entry) = (project.clone(), entry.clone());
                Box::pin(async move {
                    let found = immutable_rule::find(c, project.id, id).await?;
                    let found = found.ok_or_else(|| unknown_rule(&project, id))?;
                    immutable_rule::delete(c, project.id, id).await?;
                    Ok(entry.before(json!({ "protects": found.selectors })).write(c).await?)
                })
            })
            .await
    }
}

fn read(row: ImmutableRule) -> Result<Rule> {
    let protects = serde_json::from_str(&row.selectors).map_err(|error| damaged(row.id, error))?;
    Ok(Rule { id: row.id, wanted: WantedRule { disabled: row.disabled, protects } })
}

fn compiled(row: ImmutableRule) -> Result<(i64, Selects, Selects)> {
    let Rule { id, wanted } = read(row)?;
    let compiled = |selector: &Selector, of| selector.compile(of).map_err(|error| damaged(id, error));
    let repositories = compiled(&wanted.protects.repository, Of::Repositories)?;
    Ok((id, repositories, compiled(&wanted.protects.tag, Of::Tags)?))
}

fn damaged(id: i64, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::internal(format!("the immutable tag rule {id} is damaged; delete it and make it anew"), cause)
}

fn or_same(error: hythe_metadata::Error, project: &Project) -> Error {
    match error {
        hythe_metadata::Error::Conflict { .. } => Error::conflict(format!(
            "project {} has an immutable tag rule with these selectors",
            project.name
        )),
        other => other.into(),
    }
}

fn too_many(project: &Project) -> Error {
    Error::conflict(format!(
        "project {} has {AT_MOST} immutable tag rules, the most there may be; join some with {{a,b}}",
        project.name
    ))
}

fn unknown_rule(project: &Project, id: i64) -> Error {
    Error::unknown(
        ErrorCode::NameUnknown,
        format!("project {} has no immutable tag rule with the id {id}", project.name),
    )
}
