//! Repositories as the catalog lists them.

use hythe_metadata::repository;

use crate::Registry;
use crate::access::Caller;
use crate::error::Result;

impl Registry {
    /// At most `limit` names of repositories that the caller may see, in bytewise order, those after `after`.
    pub async fn catalog(&self, caller: &Caller, after: Option<&str>, limit: u32) -> Result<Vec<String>> {
        let visible = self.visible_to(caller).await?;
        let mut connection = self.database.connect().await?;
        Ok(repository::catalog(&mut connection, visible, after, limit).await?)
    }
}
