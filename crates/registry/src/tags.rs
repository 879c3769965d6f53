//! Tags: listed page by page from an index, with the history of what each pointed to.

use hythe_metadata::repository;
use hythe_metadata::tag::{self, TagEvent};
use hythe_oci::error_code::ErrorCode;
use hythe_oci::tag::Tag;

use crate::Registry;
use crate::access::{Permit, Pull};
use crate::error::{Error, Result};

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
        match repository::find(&mut connection, permit.repository()).await? {
            Some(found) => Ok(found.id),
            None => Err(Error::unknown(
                ErrorCode::NameUnknown,
                format!("there is no repository {}; the first push makes it", permit.repository()),
            )),
        }
    }
}
