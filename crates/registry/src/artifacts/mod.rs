//! Artifacts: manifests as people see them, listed, read, copied and deleted.

pub mod about;
mod copy;
mod delete;
mod detail;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use hythe_metadata::artifact::{
    self, AccessoryOf, Artifact, Filter, Key, Order, PartOf, Place, Span, TagOf, Tagged,
};
use hythe_metadata::label::{self, Label};
use hythe_metadata::project::Project;
use hythe_metadata::repository::{self, Repository};
use hythe_metadata::{Connection, Window, tag};
use hythe_oci::digest::Digest;
use hythe_oci::error_code::ErrorCode;
use hythe_oci::name::RepositoryName;
use hythe_oci::reference::Reference;
use hythe_oci::tag::Tag;

pub(crate) use delete::delete_with_all;
pub use detail::{Detail, PartDetail};

use crate::Registry;
use crate::access::rights::{accessory as accessory_right, artifact as right};
use crate::access::{Permit, ProjectRight};
use crate::error::{Error, Result};
use crate::immutable_rules::Immutability;
use crate::manifests::tag_limit::check_digest;
use crate::repositories::unknown_repository;

/// Artifacts that are named one by one.
const MOST_NAMED: u32 = 1000;

/// Which artifacts are wanted, and in which order.
#[derive(Clone, Debug, Default)]
pub struct ArtifactQuery {
    /// By their tags.
    pub tags: WantedTags,
    /// These digests only.
    pub digests: Option<Vec<Digest>>,
    /// With all of these labels.
    pub labels: Vec<i64>,
    /// `IMAGE` and so on.
    pub kind: Option<String>,
    /// The config's media type.
    pub media_type: Option<String>,
    /// The type for the referrers API.
    pub artifact_type: Option<String>,
    /// When they were pushed.
    pub pushed: Span,
    /// When they were pulled last.
    pub pulled: Span,
    /// The untagged parts of indexes too.
    pub with_parts: bool,
    /// Of each repository only the newest.
    pub newest_only: bool,
    /// In which order.
    pub order: Order,
}

/// Artifacts by their tags.
#[derive(Clone, Debug, Default)]
pub enum WantedTags {
    /// Tagged or not.
    #[default]
    Any,
    /// With a tag.
    Tagged,
    /// Without one.
    Untagged,
    /// With a tag that holds this.
    Part(String),
    /// With one of these.
    AnyOf(Vec<Tag>),
    /// With all of these.
    AllOf(Vec<Tag>),
}

/// What is to be told beside the artifact itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct With {
    /// Its tags.
    pub tags: bool,
    /// Its labels.
    pub labels: bool,
    /// What belongs to it.
    pub accessories: bool,
}

/// An artifact as its readers see it.
#[derive(Clone, Debug)]
pub struct ArtifactView {
    /// The row.
    pub row: Artifact,
    /// What its config says.
    pub detail: Detail,
    /// The ids of its parts by their digests, as far as the repository has them.
    pub parts: HashMap<Digest, i64>,
    /// Its tags, where they were asked for.
    pub tags: Option<Vec<TagOf>>,
    /// Those of them that a rule keeps as they are.
    pub immutable: HashSet<String>,
    /// Its labels, where they were asked for.
    pub labels: Option<Vec<Label>>,
    /// What belongs to it, where that was asked for.
    pub accessories: Option<Vec<AccessoryOf>>,
}

impl Registry {
    /// A page of a repository's artifacts, and how many there are.
    pub async fn list_artifacts(
        &self,
        permit: &Permit<right::List>,
        query: ArtifactQuery,
        with: With,
        window: Window<Option<Key>>,
    ) -> Result<(Vec<ArtifactView>, i64)> {
        let mut c = self.database.connect().await?;
        let repository = find_repository(&mut c, permit.repository()).await?;
        let (filter, order) = resolve(&mut c, repository.id, query).await?;
        drop(c);
        self.list_in(Place::Repository(repository.id), &filter, order, with, window).await
    }

    /// A page of the artifacts of all repositories of a project, and how many there are.
    pub async fn list_project_artifacts(
        &self,
        permit: &Permit<right::List, Project>,
        query: ArtifactQuery,
        with: With,
        window: Window<Option<Key>>,
    ) -> Result<(Vec<ArtifactView>, i64)> {
        let (filter, order) = across_repositories(query)?;
        self.list_in(Place::Project(permit.project().id), &filter, order, with, window).await
    }

    async fn list_in(
        &self,
        place: Place,
        filter: &Filter,
        order: Order,
        with: With,
        window: Window<Option<Key>>,
    ) -> Result<(Vec<ArtifactView>, i64)> {
        let mut c = self.database.connect().await?;
        if filter.digests.is_some() {
            let few = Window { after: None, skip: 0, limit: MOST_NAMED };
            let rows = artifact::list(&mut c, place, filter, order, few).await?;
            drop(c);
            let total = i64::try_from(rows.len()).unwrap_or(i64::MAX);
            let page = rows.into_iter().skip(window.skip as usize).take(window.limit as usize).collect();
            return Ok((self.view_artifacts(page, with).await?, total));
        }
        let rows = artifact::list(&mut c, place, filter, order, window).await?;
        drop(c);
        let views = self.view_artifacts(rows, with).await?;
        let count = |most| async move {
            let mut c = self.database.connect().await?;
            Ok(artifact::count(&mut c, place, filter, most).await?)
        };
        Ok((views, self.total(format!("artifact {place:?} {filter:?}"), count).await?))
    }

    /// One artifact, by tag or digest.
    pub async fn get_artifact(
        &self,
        permit: &Permit<right::Read>,
        reference: &Reference,
        with: With,
    ) -> Result<ArtifactView> {
        let mut c = self.database.connect().await?;
        let row = find_artifact(&mut c, permit, reference).await?;
        drop(c);
        let mut views = self.view_artifacts(vec![row], with).await?;
        views.pop().ok_or_else(|| unknown_artifact(permit.repository(), reference))
    }

    /// A page of what belongs to an artifact in the order of its arrival, after the one with the id `window.after`, and
    /// how many there are. The artifact itself comes first.
    pub async fn list_accessories(
        &self,
        permit: &Permit<accessory_right::List>,
        reference: &Reference,
        window: Window<i64>,
    ) -> Result<(Artifact, Vec<AccessoryOf>, i64)> {
        let mut c = self.database.connect().await?;
        let subject = find_artifact(&mut c, permit, reference).await?;
        let accessories = artifact::list_accessories(&mut c, subject.id, window).await?;
        drop(c);
        let id = subject.id;
        let count = |most| async move {
            let mut c = self.database.connect().await?;
            Ok(artifact::count_accessories(&mut c, id, most).await?)
        };
        let total = self.total(format!("accessory {id}"), count).await?;
        Ok((subject, accessories, total))
    }

    async fn view_artifacts(&self, mut rows: Vec<Artifact>, with: With) -> Result<Vec<ArtifactView>> {
        let details = self.details(&mut rows).await?;
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let mut c = self.database.connect().await?;
        let mut parts = group(artifact::parts_of(&mut c, &ids).await?, |part: &PartOf| part.index_id);
        let (mut tags, mut rules) = (HashMap::new(), HashMap::new());
        if with.tags {
            rules = immutability_of(&mut c, &rows).await?;
            tags = group(artifact::tags_of(&mut c, &ids).await?, |tag| tag.artifact_id);
        }
        let mut labels = HashMap::new();
        if with.labels {
            labels = group(label::list_of_artifacts(&mut c, &ids).await?, |label| label.artifact_id);
        }
        let mut accessories = HashMap::new();
        if with.accessories {
            accessories = group(artifact::accessories_of(&mut c, &ids).await?, |one| one.subject_id);
        }
        let view = |(row, detail): (Artifact, Detail)| {
            let (id, tags) = (row.id, taken(&mut tags, row.id));
            ArtifactView {
                immutable: immutable_among(rules.get(&row.project_id), &row, &tags),
                parts: taken(&mut parts, id).into_iter().map(|part| (part.digest, part.id)).collect(),
                tags: with.tags.then_some(tags),
                labels: with
                    .labels
                    .then(|| taken(&mut labels, id).into_iter().map(|label| label.label).collect()),
                accessories: with.accessories.then(|| taken(&mut accessories, id)),
                row,
                detail,
            }
        };
        Ok(rows.into_iter().zip(details).map(view).collect())
    }
}

/// The rules of the projects that these artifacts are in, most often one.
async fn immutability_of(c: &mut Connection, rows: &[Artifact]) -> Result<HashMap<i64, Immutability>> {
    let mut rules = HashMap::new();
    for row in rows {
        if let Entry::Vacant(missing) = rules.entry(row.project_id) {
            missing.insert(Immutability::of_project(c, row.project_id).await?);
        }
    }
    Ok(rules)
}

fn immutable_among(rules: Option<&Immutability>, row: &Artifact, tags: &[TagOf]) -> HashSet<String> {
    let protected =
        |tag: &&TagOf| rules.is_some_and(|rules| rules.rule_of(&row.repository, &tag.name).is_some());
    tags.iter().filter(protected).map(|tag| tag.name.clone()).collect()
}

fn group<T>(all: Vec<T>, key: impl Fn(&T) -> i64) -> HashMap<i64, Vec<T>> {
    let mut groups: HashMap<i64, Vec<T>> = HashMap::new();
    for one in all {
        groups.entry(key(&one)).or_default().push(one);
    }
    groups
}

fn taken<T>(groups: &mut HashMap<i64, Vec<T>>, id: i64) -> Vec<T> {
    groups.remove(&id).unwrap_or_default()
}

/// Tags that are named are looked up, so that a list of one artifact does not walk past a hundred thousand.
async fn resolve(c: &mut Connection, repository_id: i64, query: ArtifactQuery) -> Result<(Filter, Order)> {
    let (named, all) = match &query.tags {
        WantedTags::AnyOf(tags) => (tags, false),
        WantedTags::AllOf(tags) => (tags, true),
        WantedTags::Any | WantedTags::Tagged | WantedTags::Untagged | WantedTags::Part(_) => {
            return Ok(filter(query, Tagged::Any));
        }
    };
    let mut found = Vec::new();
    for tag in named {
        found.push(tag::find(c, repository_id, tag).await?);
    }
    let agree = found.windows(2).all(|pair| pair[0] == pair[1]);
    let mut digests: Vec<Digest> =
        if all && !agree { Vec::new() } else { found.into_iter().flatten().collect() };
    if let Some(wanted) = &query.digests {
        digests.retain(|digest| wanted.contains(digest));
    }
    Ok(filter(ArtifactQuery { digests: Some(digests), ..query }, Tagged::Any))
}

fn across_repositories(query: ArtifactQuery) -> Result<(Filter, Order)> {
    if query.digests.is_some() {
        return Err(Error::bad_request("digests are looked for in a repository, not in a whole project"));
    }
    let exact = match &query.tags {
        WantedTags::AnyOf(tags) | WantedTags::AllOf(tags) => match tags.as_slice() {
            [tag] => Tagged::Whole(tag.to_string()),
            _ => {
                return Err(Error::bad_request(
                    "of a whole project artifacts are listed by one tag at a time",
                ));
            }
        },
        WantedTags::Any | WantedTags::Tagged | WantedTags::Untagged | WantedTags::Part(_) => Tagged::Any,
    };
    Ok(filter(query, exact))
}

fn filter(query: ArtifactQuery, exact: Tagged) -> (Filter, Order) {
    let tags = match query.tags {
        WantedTags::Any | WantedTags::AnyOf(_) | WantedTags::AllOf(_) => exact,
        WantedTags::Tagged => Tagged::Some,
        WantedTags::Untagged => Tagged::None,
        WantedTags::Part(part) => Tagged::Part(part),
    };
    let filter = Filter {
        tags,
        digests: query.digests,
        labels: query.labels,
        kind: query.kind,
        media_type: query.media_type,
        artifact_type: query.artifact_type,
        pushed: query.pushed,
        pulled: query.pulled,
        with_parts: query.with_parts,
        newest_only: query.newest_only,
    };
    (filter, query.order)
}

async fn find_repository(c: &mut Connection, name: &RepositoryName) -> Result<Repository> {
    repository::find(c, name).await?.ok_or_else(|| unknown_repository(name))
}

/// The artifact behind a tag or digest, if the permit is good for it.
pub(crate) async fn find_artifact<R: ProjectRight>(
    c: &mut Connection,
    permit: &Permit<R>,
    reference: &Reference,
) -> Result<Artifact> {
    let name = permit.repository();
    let repository = find_repository(c, name).await?;
    let digest = match reference {
        Reference::Tag(tag) => {
            permit.check_tag(tag)?;
            tag::find(c, repository.id, tag).await?
        }
        Reference::Digest(digest) => {
            check_digest(c, permit, digest).await?;
            Some(*digest)
        }
    };
    let unknown = || unknown_artifact(name, reference);
    artifact::find(c, repository.id, &digest.ok_or_else(unknown)?).await?.ok_or_else(unknown)
}

pub(crate) fn unknown_artifact(name: &RepositoryName, reference: &Reference) -> Error {
    Error::unknown(ErrorCode::ManifestUnknown, format!("there is no artifact {reference} in {name}"))
}
