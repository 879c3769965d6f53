//! The trash: what was deleted, listed, put back, and emptied.
//!
//! Whatever deletes makes a [`Deletion`] here; the rows are moved by `hythe_metadata`, in the transaction that deletes.

mod restore;

use hythe_metadata::Window;
use hythe_metadata::project::Project;
use hythe_metadata::trash::{self, Deletion, Filter, Trashed, Why};

pub use restore::{Restore, Restored, Wanted};

use crate::Registry;
use crate::access::rights::trash as right;
use crate::access::system_rights::trash as system_right;
use crate::access::{Caller, Everywhere, Permit};
use crate::audit::Entry;
use crate::clock;
use crate::error::{Error, Result};

/// Entries that go in one transaction.
const BATCH: u32 = 500;

impl Registry {
    /// An act of deleting that begins now.
    pub(crate) fn deletion(&self, by: String, why: Why) -> Deletion {
        let (at, kept) = (clock::now(), self.options.trash);
        Deletion {
            id: uuid::Uuid::now_v7().to_string(),
            at,
            by,
            why,
            keep_until: (!kept.is_zero()).then(|| at.saturating_add(clock::micros(kept))),
        }
    }

    /// A page of what is in the trash of a project, what was deleted last first, and how many entries there are.
    pub async fn list_project_trash(
        &self,
        permit: &Permit<right::List, Project>,
        filter: Filter,
        window: Window<Option<i64>>,
    ) -> Result<(Vec<Trashed>, i64)> {
        self.search_trash(Filter { project_id: Some(permit.project().id), ..filter }, window).await
    }

    /// The same of all projects, those that are gone included.
    pub async fn list_trash(
        &self,
        _permit: &Permit<system_right::List, Everywhere>,
        filter: Filter,
        window: Window<Option<i64>>,
    ) -> Result<(Vec<Trashed>, i64)> {
        self.search_trash(filter, window).await
    }

    async fn search_trash(&self, filter: Filter, window: Window<Option<i64>>) -> Result<(Vec<Trashed>, i64)> {
        let filter = &filter;
        let mut c = self.database.connect().await?;
        let entries = trash::list(&mut c, filter, window.after, window.skip, window.limit).await?;
        drop(c);
        let count = |most| async move {
            let mut c = self.database.connect().await?;
            Ok(trash::count(&mut c, filter, most).await?)
        };
        Ok((entries, self.total(format!("trash {filter:?}"), count).await?))
    }

    /// Puts something back into a project that was deleted from it.
    pub async fn restore_in_project(
        &self,
        permit: &Permit<right::Operate, Project>,
        wanted: Restore,
    ) -> Result<Restored> {
        let project = permit.project();
        if wanted.repository.project() != project.name {
            return Err(Error::bad_request(format!(
                "{} is no repository of project {}",
                wanted.repository, project.name
            )));
        }
        self.restore(permit.caller(), Some(project.id), wanted).await
    }

    /// The same, whichever project it was in; one of that name must exist.
    pub async fn restore_anywhere(
        &self,
        permit: &Permit<system_right::Operate, Everywhere>,
        wanted: Restore,
    ) -> Result<Restored> {
        self.restore(permit.caller(), None, wanted).await
    }

    /// Empties the trash of a project, or of one of its repositories; returns how many entries went.
    pub async fn empty_project_trash(
        &self,
        permit: &Permit<right::Delete, Project>,
        filter: Filter,
    ) -> Result<u64> {
        let id = permit.project().id;
        let entry = emptied(permit.caller(), &filter, permit.project().name.as_str()).in_project(id);
        self.empty(Filter { project_id: Some(id), ..filter }, entry).await
    }

    /// Empties the trash; returns how many entries went.
    pub async fn empty_trash(
        &self,
        permit: &Permit<system_right::Delete, Everywhere>,
        filter: Filter,
    ) -> Result<u64> {
        let entry = emptied(permit.caller(), &filter, "all projects");
        self.empty(filter, entry).await
    }

    /// Batch by batch, each with its line in the log: what went is told also where the rest failed.
    async fn empty(&self, filter: Filter, entry: Entry) -> Result<u64> {
        let mut all = 0;
        loop {
            let (filter, entry) = (filter.clone(), entry.clone());
            let gone = self
                .database
                .transaction(move |c| {
                    let (filter, entry) = (filter.clone(), entry.clone());
                    Box::pin(async move {
                        let gone = trash::delete_expired(c, &filter, clock::Micros::MAX, BATCH).await?;
                        if gone > 0 {
                            entry.after(serde_json::json!({ "entries": gone })).write(c).await?;
                        }
                        Ok(gone)
                    })
                })
                .await?;
            if gone == 0 {
                return Ok(all);
            }
            all += gone;
        }
    }

    /// Takes away what expired before `before`, one batch; returns how many entries went.
    pub(crate) async fn expire_trash(&self, before: clock::Micros) -> Result<u64> {
        let expired = self.database.transaction(move |c| {
            Box::pin(async move { trash::delete_expired(c, &Filter::default(), before, BATCH).await })
        });
        Ok(expired.await?)
    }
}

fn emptied(caller: &Caller, filter: &Filter, place: &str) -> Entry {
    let place = filter.repository.as_ref().map_or_else(|| place.to_owned(), ToString::to_string);
    Entry::new(caller, "delete", "trash", place)
}
