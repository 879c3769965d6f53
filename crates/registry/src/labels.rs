//! Labels: words that people put on artifacts, of the system or of a project.

use hythe_metadata::label::{self, Filter, Label, Words};
use hythe_metadata::project::Project;
use hythe_metadata::{Connection, Window, manifest, repository, tag};
use hythe_oci::digest::Digest;
use hythe_oci::error_code::ErrorCode;
use hythe_oci::name::RepositoryName;
use hythe_oci::reference::Reference;

use crate::Registry;
use crate::access::rights::{artifact_label, label as right};
use crate::access::system_rights::label as system_right;
use crate::access::{Caller, Everywhere, Permit, ProjectRight, SystemRight};
use crate::audit::Entry;
use crate::clock;
use crate::error::{Error, Result};

/// Harbor's limits.
const LONGEST_NAME: usize = 128;
const LONGEST_WORDS: usize = 1024;

/// Proof of a right over labels: the system's by `S`, or a project's by `P`.
#[derive(Debug)]
pub enum LabelPermit<S, P> {
    /// The system's labels.
    System(Permit<S, Everywhere>),
    /// The labels of one project.
    Project(Permit<P, Project>),
}

impl<S, P> LabelPermit<S, P> {
    fn caller(&self) -> &Caller {
        match self {
            LabelPermit::System(permit) => permit.caller(),
            LabelPermit::Project(permit) => permit.caller(),
        }
    }

    fn project_id(&self) -> Option<i64> {
        match self {
            LabelPermit::System(_) => None,
            LabelPermit::Project(permit) => Some(permit.project().id),
        }
    }
}

impl Registry {
    /// The right over the labels of a project, or over the system's.
    pub async fn permit_labels<S: SystemRight, P: ProjectRight>(
        &self,
        caller: &Caller,
        project: Option<i64>,
    ) -> Result<LabelPermit<S, P>> {
        match project {
            None => Ok(LabelPermit::System(self.permit_everywhere(caller).await?)),
            Some(id) => Ok(LabelPermit::Project(self.permit_in_project_id(caller, id).await?)),
        }
    }

    /// A label and the right over it. Who may not is told the same whether it exists or not.
    async fn permit_label<S: SystemRight, P: ProjectRight>(
        &self,
        caller: &Caller,
        id: i64,
    ) -> Result<(Label, LabelPermit<S, P>)> {
        let mut c = self.database.connect().await?;
        let found = label::find(&mut c, id).await?;
        drop(c);
        if let Some(Label { project_id: Some(project), .. }) = found {
            let permitted = self.permit_in_project_id::<P>(caller, project).await;
            if let (Some(found), Ok(permit)) = (found, permitted) {
                return Ok((found, LabelPermit::Project(permit)));
            }
            let _: Permit<S, _> = self.permit_everywhere(caller).await?;
            return Err(unknown_label(id));
        }
        let permit = self.permit_everywhere::<S>(caller).await?;
        Ok((found.ok_or_else(|| unknown_label(id))?, LabelPermit::System(permit)))
    }

    /// Makes a label where the permit is good.
    pub async fn create_label(
        &self,
        permit: &LabelPermit<system_right::Create, right::Create>,
        words: Words,
    ) -> Result<Label> {
        check(&words)?;
        let (project, now) = (permit.project_id(), clock::now());
        let entry = Entry::new(permit.caller(), "create", "label", &words.name).in_project_if(project);
        self.database
            .try_transaction(move |c| {
                let (words, entry) = (words.clone(), entry.clone());
                Box::pin(async move {
                    let made = label::create(c, project, &words, now).await.map_err(taken)?;
                    entry.write(c).await?;
                    Ok(made)
                })
            })
            .await
    }

    /// The label of this id.
    pub async fn get_label(&self, caller: &Caller, id: i64) -> Result<Label> {
        Ok(self.permit_label::<system_right::Read, right::Read>(caller, id).await?.0)
    }

    /// A page of the system's labels, which whoever has signed in may see, and how many there are.
    pub async fn list_system_labels(
        &self,
        caller: &Caller,
        name: hythe_metadata::project::Text,
        window: Window<&str>,
    ) -> Result<(Vec<Label>, i64)> {
        if caller.is_anonymous() {
            let _: Permit<system_right::List, _> = self.permit_everywhere(caller).await?;
        }
        self.list_labels(Filter { project_id: None, name }, window).await
    }

    /// A page of a project's labels, and how many there are.
    pub async fn list_project_labels(
        &self,
        permit: &Permit<right::List, Project>,
        name: hythe_metadata::project::Text,
        window: Window<&str>,
    ) -> Result<(Vec<Label>, i64)> {
        self.list_labels(Filter { project_id: Some(permit.project().id), name }, window).await
    }

    async fn list_labels(&self, filter: Filter, window: Window<&str>) -> Result<(Vec<Label>, i64)> {
        let mut c = self.database.connect().await?;
        let labels = label::list(&mut c, &filter, window).await?;
        drop(c);
        let filter = &filter;
        let count = |most| async move {
            let mut c = self.database.connect().await?;
            Ok(label::count(&mut c, filter, most).await?)
        };
        Ok((labels, self.total(format!("label {filter:?}"), count).await?))
    }

    /// Changes a label.
    pub async fn update_label(&self, caller: &Caller, id: i64, words: Words) -> Result<()> {
        let (found, _) = self.permit_label::<system_right::Update, right::Update>(caller, id).await?;
        check(&words)?;
        let now = clock::now();
        let entry = Entry::new(caller, "update", "label", &found.name)
            .in_project_if(found.project_id)
            .after(serde_json::json!({ "name": words.name, "color": words.color }));
        self.database
            .try_transaction(move |c| {
                let (words, entry) = (words.clone(), entry.clone());
                Box::pin(async move {
                    entry.write(c).await?;
                    let updated = label::update(c, id, &words, now).await.map_err(taken)?;
                    if updated { Ok(()) } else { Err(unknown_label(id)) }
                })
            })
            .await
    }

    /// Deletes a label and takes it off every artifact.
    pub async fn delete_label(&self, caller: &Caller, id: i64) -> Result<()> {
        let (found, _) = self.permit_label::<system_right::Delete, right::Delete>(caller, id).await?;
        let entry = Entry::new(caller, "delete", "label", &found.name).in_project_if(found.project_id);
        self.database
            .try_transaction(move |c| {
                let entry = entry.clone();
                Box::pin(async move {
                    entry.write(c).await?;
                    let deleted = label::delete(c, id).await?;
                    if deleted { Ok(()) } else { Err(unknown_label(id)) }
                })
            })
            .await
    }

    /// Puts a label of the system or of the artifact's project on an artifact.
    pub async fn attach_label(
        &self,
        permit: &Permit<artifact_label::Create>,
        reference: &Reference,
        id: i64,
    ) -> Result<()> {
        let (name, reference, now) = (permit.repository().clone(), reference.clone(), clock::now());
        let entry = attached(permit.caller(), "create", &name, &reference, id);
        self.database
            .try_transaction(move |c| {
                let (name, reference, entry) = (name.clone(), reference.clone(), entry.clone());
                Box::pin(async move {
                    entry.write(c).await?;
                    let artifact = find_artifact(c, &name, &reference).await?;
                    let found = label::find(c, id).await?.filter(|found| artifact.may_have(found));
                    let found = found.ok_or_else(|| unknown_label(id))?;
                    let attached =
                        label::attach(c, artifact.repository_id, &artifact.digest, id, now).await?;
                    let there = || {
                        Error::conflict(format!("{name} {reference} has the label {} already", found.name))
                    };
                    if attached { Ok(()) } else { Err(there()) }
                })
            })
            .await
    }

    /// Takes a label off an artifact.
    pub async fn detach_label(
        &self,
        permit: &Permit<artifact_label::Delete>,
        reference: &Reference,
        id: i64,
    ) -> Result<()> {
        let (name, reference) = (permit.repository().clone(), reference.clone());
        let entry = attached(permit.caller(), "delete", &name, &reference, id);
        self.database
            .try_transaction(move |c| {
                let (name, reference, entry) = (name.clone(), reference.clone(), entry.clone());
                Box::pin(async move {
                    entry.write(c).await?;
                    let artifact = find_artifact(c, &name, &reference).await?;
                    let detached = label::detach(c, artifact.repository_id, &artifact.digest, id).await?;
                    let absent = || {
                        let message = format!("{name} {reference} has no label with the id {id}");
                        Error::unknown(ErrorCode::ManifestUnknown, message)
                    };
                    if detached { Ok(()) } else { Err(absent()) }
                })
            })
            .await
    }
}

/// What the audit log says of a label that is put on or taken off.
fn attached(
    caller: &Caller,
    operation: &str,
    repository: &RepositoryName,
    reference: &Reference,
    label: i64,
) -> Entry {
    let artifact = match reference {
        Reference::Tag(tag) => format!("{repository}:{tag}"),
        Reference::Digest(digest) => format!("{repository}@{digest}"),
    };
    let entry = Entry::new(caller, operation, "artifact-label", artifact);
    entry.after(serde_json::json!({ "label": label }))
}

/// What a label is put on.
struct Artifact {
    repository_id: i64,
    project_id: i64,
    digest: Digest,
}

impl Artifact {
    fn may_have(&self, label: &Label) -> bool {
        label.project_id.is_none_or(|project| project == self.project_id)
    }
}

async fn find_artifact(c: &mut Connection, name: &RepositoryName, reference: &Reference) -> Result<Artifact> {
    let unknown =
        || Error::unknown(ErrorCode::ManifestUnknown, format!("there is no artifact {reference} in {name}"));
    let repository = repository::find(c, name).await?.ok_or_else(unknown)?;
    let digest = match reference {
        Reference::Tag(tag) => tag::find(c, repository.id, tag).await?,
        Reference::Digest(digest) => {
            manifest::find(c, repository.id, digest).await?.map(|found| found.digest)
        }
    };
    Ok(Artifact {
        repository_id: repository.id,
        project_id: repository.project_id,
        digest: digest.ok_or_else(unknown)?,
    })
}

fn check(words: &Words) -> Result<()> {
    if words.name.is_empty() || words.name.len() > LONGEST_NAME {
        return Err(Error::bad_request(format!("a label's name has 1 to {LONGEST_NAME} bytes")));
    }
    if words.description.len() > LONGEST_WORDS || words.color.len() > LONGEST_NAME {
        return Err(Error::bad_request(format!(
            "a label's description has at most {LONGEST_WORDS} bytes and its color {LONGEST_NAME}"
        )));
    }
    Ok(())
}

fn taken(error: hythe_metadata::Error) -> Error {
    match error {
        hythe_metadata::Error::Conflict { what } => Error::conflict(what),
        other => other.into(),
    }
}

fn unknown_label(id: i64) -> Error {
    Error::unknown(ErrorCode::NameUnknown, format!("there is no label with the id {id}"))
}
