//! Tags: listed page by page from an index, made, deleted, with the history of what each pointed to.

use hythe_metadata::artifact::Artifact;
use hythe_metadata::project::Text;
use hythe_metadata::tag::{self, Expected, Order, Put, TagEvent, TagRow};
use hythe_metadata::trash::{Deletion, Why};
use hythe_metadata::{Connection, Window, repository};
use hythe_oci::error_code::ErrorCode;
use hythe_oci::reference::Reference;
use hythe_oci::tag::Tag;

use crate::Registry;
use crate::access::rights::tag as right;
use crate::access::{Permit, Pull};
use crate::artifacts::find_artifact;
use crate::audit::Entry;
use crate::clock;
use crate::error::{Error, Result};
use crate::immutable_rules::{Immutability, check_deleted};
use crate::repositories::unknown_repository;

/// A tag as a list shows it.
#[derive(Clone, Debug)]
pub struct ListedTag {
    /// The row.
    pub row: TagRow,
    /// Whether a rule keeps it as it is.
    pub immutable: bool,
}

impl Registry {
    /// At most `limit` tags in bytewise order, those after `after`.
    pub async fn list_tags(
        &self,
        permit: &Permit<Pull>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>> {
        let id = self.repository_id(permit).await?;
        let mut connection = self.database.connect().await?;
        Ok(tag::list(&mut connection, id, after, limit).await?)
    }

    /// A page of an artifact's tags, and how many there are. The artifact itself comes first.
    pub async fn list_tags_of_artifact(
        &self,
        permit: &Permit<right::List>,
        reference: &Reference,
        name: Text,
        order: Order,
        window: Window<&str>,
    ) -> Result<(Artifact, Vec<ListedTag>, i64)> {
        let mut c = self.database.connect().await?;
        let artifact = find_artifact(&mut c, permit, reference).await?;
        let (id, digest, name) = (artifact.repository_id, &artifact.digest, &name);
        let rows = tag::list_rows(&mut c, id, digest, name, order, window).await?;
        let rules = Immutability::of_project(&mut c, artifact.project_id).await?;
        drop(c);
        let listed = |row: TagRow| ListedTag {
            immutable: rules.rule_of(permit.repository(), &row.name).is_some(),
            row,
        };
        let rows = rows.into_iter().map(listed).collect();
        let count = |most| async move {
            let mut c = self.database.connect().await?;
            Ok(tag::count_rows(&mut c, id, digest, name, most).await?)
        };
        let total = self.total(format!("tag {} {name:?}", artifact.id), count).await?;
        Ok((artifact, rows, total))
    }

    /// Points a new tag to an artifact; one that is there already stays where it is.
    pub async fn create_tag(
        &self,
        permit: &Permit<right::Create>,
        reference: &Reference,
        tag: &Tag,
    ) -> Result<()> {
        permit.check_tag(tag)?;
        let (held, reference, tag) = (permit.clone(), reference.clone(), tag.clone());
        self.database
            .try_transaction(move |c| {
                let (permit, reference, tag) = (held.clone(), reference.clone(), tag.clone());
                Box::pin(async move { create(c, &permit, &reference, &tag).await })
            })
            .await
    }

    /// Deletes a tag of an artifact and leaves the artifact.
    pub async fn delete_tag(
        &self,
        permit: &Permit<right::Delete>,
        reference: &Reference,
        tag: &Tag,
    ) -> Result<()> {
        permit.check_tag(tag)?;
        let (held, reference, tag) = (permit.clone(), reference.clone(), tag.clone());
        let deletion = self.deletion(permit.holder(), Why::Tag);
        self.database
            .try_transaction(move |c| {
                let (permit, reference, tag) = (held.clone(), reference.clone(), tag.clone());
                let deletion = deletion.clone();
                Box::pin(async move { delete(c, &permit, &reference, &tag, &deletion).await })
            })
            .await
    }

    /// What a tag pointed to, newest first, those before `before`.
    pub async fn tag_history(
        &self,
        permit: &Permit<Pull>,
        tag: &Tag,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<TagEvent>> {
        let id = self.repository_id(permit).await?;
        let mut connection = self.database.connect().await?;
        Ok(tag::history(&mut connection, id, tag, before, limit).await?)
    }

    async fn repository_id(&self, permit: &Permit<Pull>) -> Result<i64> {
        let mut connection = self.database.connect().await?;
        let found = repository::find(&mut connection, permit.repository()).await?;
        found.map(|found| found.id).ok_or_else(|| unknown_repository(permit.repository()))
    }
}

async fn create(
    c: &mut Connection,
    permit: &Permit<right::Create>,
    reference: &Reference,
    tag: &Tag,
) -> Result<()> {
    let artifact = find_artifact(c, permit, reference).await?;
    let (id, digest, by) = (artifact.repository_id, &artifact.digest, permit.holder());
    match tag::put_if(c, id, tag, digest, clock::now(), &by, Expected::Absent).await? {
        Put::Done(_) => {
            let resource = format!("{}:{tag}", permit.repository());
            let entry = Entry::new(permit.caller(), "create", "tag", resource);
            let entry = entry.after(serde_json::json!({ "digest": digest.to_string() }));
            Ok(entry.in_project(artifact.project_id).write(c).await?)
        }
        Put::Conflict(_) => Err(Error::conflict(format!(
            "{} has the tag {tag} already; push to move it, or delete it first",
            permit.repository()
        ))),
    }
}

/// The tag is looked at again when it is locked: it may have moved since.
async fn delete(
    c: &mut Connection,
    permit: &Permit<right::Delete>,
    reference: &Reference,
    tag: &Tag,
    deletion: &Deletion,
) -> Result<()> {
    let artifact = find_artifact(c, permit, reference).await?;
    let (id, name) = (artifact.repository_id, permit.repository());
    let unknown = || {
        Error::unknown(
            ErrorCode::ManifestUnknown,
            format!("the artifact {reference} of {name} has no tag {tag}"),
        )
    };
    if tag::find(c, id, tag).await? != Some(artifact.digest) {
        return Err(unknown());
    }
    check_deleted(c, artifact.project_id, name, tag.as_str()).await?;
    if !tag::delete(c, id, tag, deletion).await? {
        return Err(unknown());
    }
    let entry = Entry::new(permit.caller(), "delete", "tag", format!("{name}:{tag}"));
    let entry = entry.before(serde_json::json!({ "digest": artifact.digest.to_string() }));
    Ok(entry.in_project(artifact.project_id).write(c).await?)
}
