//! Looking into the audit log.

use hythe_metadata::audit::{self, Event, Filter};
use hythe_metadata::project::Project;

use crate::Registry;
use crate::access::{Everywhere, Permit, rights, system_rights};
use crate::error::Result;

/// What the log tells of, in Harbor's form: what was done, and to what.
pub const EVENT_TYPES: &[&str] = &[
    "create_artifact",
    "delete_artifact",
    "pull_artifact",
    "create_tag",
    "delete_tag",
    "create_project",
    "update_project",
    "delete_project",
    "delete_repository",
    "restore_artifact",
    "restore_tag",
    "restore_repository",
    "delete_trash",
    "create_garbage-collection",
    "update_repository",
    "login_user",
    "logout_user",
    "create_user",
    "update_user",
    "delete_user",
    "create_robot",
    "update_robot",
    "delete_robot",
    "login_robot",
    "create_trust-rule",
    "update_trust-rule",
    "delete_trust-rule",
    "create_token",
    "delete_token",
    "create_member",
    "update_member",
    "delete_member",
    "create_grant",
    "delete_grant",
    "create_role",
    "update_role",
    "delete_role",
    "create_label",
    "update_label",
    "delete_label",
    "update_configuration",
    "create_identity-source",
    "update_identity-source",
    "delete_identity-source",
    "create_user-group",
    "update_user-group",
    "delete_user-group",
    "create_signing-key",
    "create_artifact-label",
    "delete_artifact-label",
    "create_immutable-rule",
    "update_immutable-rule",
    "delete_immutable-rule",
    "update_quota",
    "recount_quota",
    "update_schedule",
    "delete_schedule",
    "start_job",
    "stop_job",
    "stop_job-queue",
    "pause_job-queue",
    "resume_job-queue",
    "create_garbage-collection",
    "create_storage_audit",
    "delete_trash",
    "restore_artifact",
    "restore_tag",
    "restore_repository",
];

impl Registry {
    /// Events of the whole registry, the newest first, and how many there are.
    pub async fn list_audit(
        &self,
        _permit: &Permit<system_rights::audit_log::List, Everywhere>,
        filter: &Filter,
        before: Option<i64>,
        skip: u32,
        limit: u32,
    ) -> Result<(Vec<Event>, i64)> {
        self.search_audit(filter, before, skip, limit).await
    }

    /// As [`Registry::list_audit`], of one project.
    pub async fn list_project_audit(
        &self,
        permit: &Permit<rights::log::List, Project>,
        filter: &Filter,
        before: Option<i64>,
        skip: u32,
        limit: u32,
    ) -> Result<(Vec<Event>, i64)> {
        let filter = Filter { project_id: Some(permit.project().id), ..filter.clone() };
        self.search_audit(&filter, before, skip, limit).await
    }

    async fn search_audit(
        &self,
        filter: &Filter,
        before: Option<i64>,
        skip: u32,
        limit: u32,
    ) -> Result<(Vec<Event>, i64)> {
        let mut c = self.database.connect().await?;
        let events = audit::list(&mut c, filter, before.unwrap_or(i64::MAX), skip, limit).await?;
        drop(c);
        let count = |most| async move {
            let mut c = self.database.connect().await?;
            Ok(audit::count(&mut c, filter, most).await?)
        };
        Ok((events, self.total(format!("audit {filter:?}"), count).await?))
    }
}
