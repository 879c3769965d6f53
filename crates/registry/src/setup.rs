//! The first start: the project `library`, the administrator, the first signing key.

use hythe_metadata::project::NewProject;
use hythe_metadata::user::NewUser;
use hythe_metadata::{project, setting, user};
use hythe_oci::name::ProjectName;

use crate::Registry;
use crate::clock;
use crate::error::{Error, Result};
use crate::passwords::random_secret;
use crate::users::validate_password;

/// The administrator made at the first start.
pub const ADMINISTRATOR: &str = "admin";

/// The project in which names of one part live, as in Harbor and on Docker Hub.
pub const LIBRARY: &str = "library";

/// The setting that tells that the first start is over, so that an administrator who was deleted or renamed on
/// purpose is not made again.
const SET_UP_AT: &str = "set_up_at";

/// What the first start made.
#[derive(Debug, PartialEq, Eq)]
pub enum SetUp {
    /// Everything was there already.
    Nothing,
    /// The administrator was made with the password the operator gave.
    AdministratorWithGivenPassword,
    /// The administrator was made with this random password, which is kept nowhere else.
    AdministratorWithRandomPassword(String),
}

impl Registry {
    /// Makes what a registry cannot be without. Safe to run at every start and on several nodes at once.
    pub async fn set_up(&self, given_password: Option<&str>) -> Result<SetUp> {
        self.follow_clock().await?;
        self.unlock_secrets().await?;
        self.rotate_keys_if_due().await?;
        self.schedule_collections_once().await?;
        self.schedule_recounts_once().await?;
        if self.is_set_up().await? {
            return Ok(SetUp::Nothing);
        }
        if let Some(password) = given_password {
            validate_password(password)?;
        }
        let password = given_password.map_or_else(random_secret, |given| Ok(given.to_owned()))?;
        let made = self.create_library_and_administrator(&password).await?;
        Ok(match (made, given_password) {
            (false, _) => SetUp::Nothing,
            (true, Some(_)) => SetUp::AdministratorWithGivenPassword,
            (true, None) => SetUp::AdministratorWithRandomPassword(password),
        })
    }

    async fn is_set_up(&self) -> Result<bool> {
        let mut connection = self.database.connect().await?;
        Ok(setting::find(&mut connection, SET_UP_AT).await?.is_some())
    }

    /// One transaction; of several nodes that start together one makes it, told apart by the setting.
    async fn create_library_and_administrator(&self, password: &str) -> Result<bool> {
        let now = clock::now();
        let library: ProjectName = LIBRARY
            .parse()
            .map_err(|error| Error::internal("the name of the first project is not valid", error))?;
        let administrator = NewUser {
            name: ADMINISTRATOR.to_owned(),
            email: None,
            full_name: "Administrator".to_owned(),
            password_hash: self.passwords.hash(password).await?,
            administrator: true,
            comment: String::new(),
            created_at: now,
        };
        let project =
            NewProject { name: library, public: true, internal: false, created_at: now, created_by: None };
        let token = format!("{now} {}", random_secret()?);
        let made = self
            .database
            .transaction(move |c| {
                let (administrator, project, token) = (administrator.clone(), project.clone(), token.clone());
                Box::pin(async move {
                    if setting::put_if_absent(c, SET_UP_AT, &token).await? != token {
                        return Ok(false);
                    }
                    user::create(c, &administrator).await?;
                    // A rebuild may have brought it back.
                    if project::find(c, &project.name).await?.is_none() {
                        project::create(c, &project).await?;
                    }
                    Ok(true)
                })
            })
            .await?;
        Ok(made)
    }
}
