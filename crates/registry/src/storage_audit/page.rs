//! One page of blobs: the list and the rows side by side.

use std::collections::{BTreeMap, HashSet};

use hythe_blobs::{Error as StorageError, Location, Stored};
use hythe_metadata::blob::{self, Blob};
use hythe_metadata::{garbage, upload};
use hythe_oci::upload_id::UploadId;

use super::finding::{Fault, Finding, Outcome, REPOSITORIES};
use super::{Audit, listed_end};
use crate::clock;
use crate::error::Result;

/// Rows that are read at once.
const ROWS: u32 = 1000;

/// What has no row of a blob, by name.
type Unnamed = BTreeMap<String, Stored>;

impl Audit {
    /// What the list has behind the position and up to `end`, and the rows that should be there.
    pub(super) async fn blobs(&mut self, listed: Vec<Stored>, end: Option<&str>) -> Result<Vec<Finding>> {
        let mut unnamed: Unnamed = listed.into_iter().map(|stored| (stored.name.clone(), stored)).collect();
        let end = end.map_or_else(listed_end, str::to_owned);
        let (mut after, mut findings) = (self.position.after.clone(), Vec::new());
        loop {
            let mut c = self.registry.database.connect().await?;
            let rows = blob::located(&mut c, &after, &end, ROWS).await?;
            drop(c);
            let Some(last) = rows.last() else { break };
            after.clone_from(&last.location);
            let found: Vec<Option<Stored>> = rows.iter().map(|row| unnamed.remove(&row.location)).collect();
            for (row, stored) in rows.iter().zip(found) {
                findings.extend(self.row(row, stored, &mut unnamed).await?);
            }
        }
        findings.extend(self.orphans(unnamed).await?);
        Ok(findings)
    }

    /// A row against what lies where it says.
    async fn row(
        &mut self,
        row: &Blob,
        stored: Option<Stored>,
        unnamed: &mut Unnamed,
    ) -> Result<Option<Finding>> {
        let found = stored.map(|stored| stored.size);
        if found != Some(row.size) {
            return self.damaged(row, unnamed).await;
        }
        // Twice, because a fault of this machine's memory is not one of the storage.
        if !self.options.rehash || self.is_whole(row).await? || self.is_whole(row).await? {
            return Ok(None);
        }
        self.rotten(row, unnamed).await.map(Some)
    }

    /// The list is older than the row, or the row than the list: the storage is asked about this one alone.
    async fn damaged(&mut self, row: &Blob, unnamed: &mut Unnamed) -> Result<Option<Finding>> {
        let found = match self.registry.blobs.open(&Location::new(row.location.as_str()), row.size).await {
            Ok(_) => return Ok(None),
            Err(StorageError::Damaged { found, .. }) => found,
            Err(error) => return Err(error.into()),
        };
        let mut c = self.registry.database.connect().await?;
        let now = blob::find(&mut c, &row.digest).await?;
        drop(c);
        if now.as_ref() != Some(row) {
            return Ok(None);
        }
        let fault = if found.is_some() { Fault::WrongSize } else { Fault::Missing };
        let outcome = match self.use_copy(row, unnamed).await? {
            Some(outcome) => outcome,
            None => Outcome::left("push the image again, or restore the file from a copy of the storage"),
        };
        self.finding(fault, row, found, outcome).await.map(Some)
    }

    /// Bytes of the right number that are others. They are no use to anybody, and as long as they are there clients are
    /// told that the blob exists: without them the next push brings it back.
    async fn rotten(&mut self, row: &Blob, unnamed: &mut Unnamed) -> Result<Finding> {
        let outcome = match self.use_copy(row, unnamed).await? {
            Some(outcome) => outcome,
            None if self.options.repair => {
                self.registry.blobs.remove(&Location::new(row.location.as_str())).await?;
                Outcome::left(
                    "its bytes were removed; push the image again, or restore the file from a copy of the storage",
                )
            }
            None => Outcome::left(
                "restore the file from a copy of the storage; or `--repair`, and push the image again",
            ),
        };
        self.finding(Fault::Rotten, row, None, outcome).await
    }

    async fn finding(
        &self,
        fault: Fault,
        row: &Blob,
        found: Option<u64>,
        outcome: Outcome,
    ) -> Result<Finding> {
        let mut c = self.registry.database.connect().await?;
        let needed_by = blob::linked_in(&mut c, &row.digest, REPOSITORIES).await?;
        Ok(Finding::new(fault, &row.location, row.size, outcome).of(row.digest, found, &needed_by))
    }

    /// Another upload of the same digest may have left its bytes: they are as good, and lie beside where the names tell
    /// the digest.
    async fn use_copy(&mut self, row: &Blob, unnamed: &mut Unnamed) -> Result<Option<Outcome>> {
        let is_copy = |stored: &&Stored| stored.digest == Some(row.digest) && stored.size == row.size;
        let copies: Vec<String> =
            unnamed.values().filter(is_copy).map(|stored| stored.name.clone()).collect();
        for location in copies {
            let copy = Blob { location, ..row.clone() };
            if !self.is_whole(&copy).await? {
                continue;
            }
            if !self.options.repair {
                return Ok(Some(Outcome::Left(format!(
                    "`--repair` puts the copy at {} in its place",
                    copy.location
                ))));
            }
            if self.relocate(row, &copy).await? {
                unnamed.remove(&copy.location);
                return Ok(Some(Outcome::Repaired(format!("the copy at {} is in its place", copy.location))));
            }
        }
        Ok(None)
    }

    async fn relocate(&self, row: &Blob, copy: &Blob) -> Result<bool> {
        let (row, location, now) = (row.clone(), copy.location.clone(), clock::now());
        let moved = self.registry.database.transaction(move |c| {
            let (row, location) = (row.clone(), location.clone());
            Box::pin(async move { blob::relocate(c, &row, &location, now).await })
        });
        Ok(moved.await?)
    }

    /// What no blob names, but for what is garbage already and what an upload is about to name.
    async fn orphans(&mut self, unnamed: Unnamed) -> Result<Vec<Finding>> {
        let old: Vec<Stored> = unnamed.into_values().filter(|stored| self.is_old(stored)).collect();
        let names: Vec<&str> = old.iter().map(|stored| stored.name.as_str()).collect();
        let ids: Vec<UploadId> = old.iter().filter_map(|stored| stored.upload).collect();
        let mut c = self.registry.database.connect().await?;
        let garbage: HashSet<String> = garbage::known(&mut c, &names).await?.into_iter().collect();
        let uploads = upload::known(&mut c, &ids).await?;
        drop(c);
        let is_known = |stored: &Stored| {
            garbage.contains(&stored.name) || stored.upload.is_some_and(|id| uploads.contains(&id))
        };
        let mut findings = Vec::new();
        for stored in old.iter().filter(|stored| !is_known(stored)) {
            if stored.upload.is_none() || self.is_there(stored).await? {
                findings.extend(self.orphan(stored).await?);
            }
        }
        Ok(findings)
    }

    /// Garbage collection removes bytes before their row of garbage: what was listed, and has no such row now, may be gone.
    async fn is_there(&self, stored: &Stored) -> Result<bool> {
        match self.registry.blobs.open(&Location::new(stored.name.as_str()), stored.size).await {
            Ok(_) => Ok(true),
            Err(StorageError::Damaged { found, .. }) => Ok(found.is_some()),
            Err(error) => Err(error.into()),
        }
    }

    async fn orphan(&self, stored: &Stored) -> Result<Option<Finding>> {
        let outcome = match stored.upload {
            None => Outcome::left("its name is none that a registry gives; look whose it is"),
            Some(_) if !self.options.repair => Outcome::left("`--repair` hands it to garbage collection"),
            Some(_) if self.condemn(stored).await? => Outcome::repaired("handed to garbage collection"),
            // Somebody named it this very moment.
            Some(_) => return Ok(None),
        };
        let finding = Finding::new(Fault::Orphan, &stored.name, stored.size, outcome);
        Ok(Some(match stored.digest {
            Some(digest) => finding.of(digest, None, &[]),
            None => finding,
        }))
    }

    async fn condemn(&self, stored: &Stored) -> Result<bool> {
        let (stored, now) = (stored.clone(), clock::now());
        let condemned = self.registry.database.transaction(move |c| {
            let stored = stored.clone();
            Box::pin(async move {
                garbage::create_if_unnamed(c, &stored.name, stored.size, stored.upload, now).await
            })
        });
        Ok(condemned.await?)
    }
}
