//! Roles that an administrator made, beside the five that are built in.

use hythe_metadata::Connection;
use hythe_metadata::custom_role::{self, CustomRole};
use hythe_oci::error_code::ErrorCode;
use serde_json::json;

use crate::Registry;
use crate::access::role::FIRST_CUSTOM_ID;
use crate::access::system_rights::role as right;
use crate::access::{BuiltIn, Everywhere, Permission, Permit, permission::project_rule};
use crate::audit::Entry;
use crate::clock;
use crate::error::{Error, Result};

const LONGEST_NAME: usize = 64;
const LONGEST_DESCRIPTION: usize = 1024;

/// A role to be made or changed.
#[derive(Clone, Debug)]
pub struct WantedRole {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it permits in a project.
    pub permissions: Vec<Permission>,
}

impl Registry {
    /// Makes a role.
    pub async fn create_role(
        &self,
        permit: &Permit<right::Create, Everywhere>,
        wanted: WantedRole,
    ) -> Result<CustomRole> {
        validate(&wanted)?;
        let now = clock::now();
        let entry =
            Entry::new(permit.caller(), "create", "role", &wanted.name).after(json!(wanted.permissions));
        self.database
            .try_transaction(move |c| {
                let (wanted, entry) = (wanted.clone(), entry.clone());
                Box::pin(async move {
                    let words = words(&wanted.permissions);
                    let made = custom_role::create(c, &wanted.name, &wanted.description, &words, now);
                    let made = made.await.map_err(|error| match error {
                        hythe_metadata::Error::Conflict { .. } => {
                            Error::conflict(format!("a role named {} exists already", wanted.name))
                        }
                        other => other.into(),
                    })?;
                    entry.write(c).await?;
                    Ok(made)
                })
            })
            .await
    }

    /// All roles that an administrator made.
    pub async fn list_roles(&self, _permit: &Permit<right::List, Everywhere>) -> Result<Vec<CustomRole>> {
        let mut c = self.database.connect().await?;
        Ok(custom_role::list(&mut c).await?)
    }

    /// The role of this id.
    pub async fn get_role(&self, _permit: &Permit<right::Read, Everywhere>, id: i64) -> Result<CustomRole> {
        let mut c = self.database.connect().await?;
        custom_role::find(&mut c, id).await?.ok_or_else(|| unknown_role(id))
    }

    /// Changes what a role is for and what it permits; its name stays.
    pub async fn update_role(
        &self,
        permit: &Permit<right::Update, Everywhere>,
        id: i64,
        wanted: WantedRole,
    ) -> Result<()> {
        validate(&wanted)?;
        let now = clock::now();
        let caller = permit.caller().clone();
        self.database
            .try_transaction(move |c| {
                let (wanted, caller) = (wanted.clone(), caller.clone());
                Box::pin(async move {
                    let found = custom_role::find(c, id).await?.ok_or_else(|| unknown_role(id))?;
                    let words = words(&wanted.permissions);
                    custom_role::update(c, id, &wanted.description, &words, now).await?;
                    let entry = Entry::new(&caller, "update", "role", &found.name);
                    let (was, is) = (json!(found.permissions), json!(wanted.permissions));
                    Ok(entry.before(was).after(is).write(c).await?)
                })
            })
            .await
    }

    /// Deletes a role that nobody holds.
    pub async fn delete_role(&self, permit: &Permit<right::Delete, Everywhere>, id: i64) -> Result<()> {
        let caller = permit.caller().clone();
        self.database
            .try_transaction(move |c| {
                let caller = caller.clone();
                Box::pin(async move {
                    let found = custom_role::find(c, id).await?.ok_or_else(|| unknown_role(id))?;
                    let entry = Entry::new(&caller, "delete", "role", &found.name);
                    match custom_role::delete(c, id).await {
                        Ok(true) => Ok(entry.before(json!(found.permissions)).write(c).await?),
                        Ok(false) => Err(unknown_role(id)),
                        Err(hythe_metadata::Error::Conflict { .. }) => Err(Error::conflict(format!(
                            "role {id} is held by members or grants; give them another role first"
                        ))),
                        Err(other) => Err(other.into()),
                    }
                })
            })
            .await
    }
}

/// Refuses a role's id that means nothing.
pub(crate) async fn check_role(c: &mut Connection, id: i64) -> Result<()> {
    if BuiltIn::from_id(id).is_some() || custom_role::find(c, id).await?.is_some() {
        return Ok(());
    }
    Err(Error::bad_request(format!(
        "role {id} is not known; 1 projectAdmin, 2 developer, 3 guest, 4 maintainer, 5 limitedGuest, \
             custom roles from {FIRST_CUSTOM_ID}"
    )))
}

fn validate(wanted: &WantedRole) -> Result<()> {
    let bad = |message: String| Err(Error::bad_request(message));
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if wanted.name.is_empty() || wanted.name.len() > LONGEST_NAME || !wanted.name.chars().all(allowed) {
        return bad(format!(
            "{:?} is no name for a role: use 1 to {LONGEST_NAME} of a-z A-Z 0-9 - _ .",
            wanted.name
        ));
    }
    if BuiltIn::ALL.iter().any(|role| role.name().eq_ignore_ascii_case(&wanted.name)) {
        return bad(format!("{} is the name of a built-in role", wanted.name));
    }
    if wanted.description.len() > LONGEST_DESCRIPTION {
        return bad(format!("a description has at most {LONGEST_DESCRIPTION} bytes"));
    }
    match wanted.permissions.iter().find(|permission| project_rule(**permission).is_none()) {
        Some(unknown) => bad(format!("{unknown} is no permission of a project")),
        None => Ok(()),
    }
}

fn words(permissions: &[Permission]) -> String {
    json!(permissions).to_string()
}

fn unknown_role(id: i64) -> Error {
    Error::unknown(
        ErrorCode::NameUnknown,
        format!("there is no role with the id {id} that an administrator made"),
    )
}
