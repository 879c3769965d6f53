//! Projects: the first part of every repository's name, private, internal or public.

use std::collections::{BTreeMap, HashMap};

use hythe_metadata::member::Entity;
use hythe_metadata::project::{self, Filter, NewProject, Order, Project, Visible};
use hythe_metadata::{Connection, Window, holding, member, project_metadata, repository, usage, user};
use hythe_oci::error_code::ErrorCode;
use hythe_oci::name::ProjectName;
use serde_json::json;

use crate::Registry;
use crate::access::rights::{metadata as metadata_right, project as right};
use crate::access::{BuiltIn, Caller, Everywhere, Permit, Principal, system_rights};
use crate::audit::Entry;
use crate::clock;
use crate::configuration::items::PROJECT_CREATION_RESTRICTION;
use crate::error::{Error, Result};
use crate::quotas::parse_limit;

/// Settings of Harbor's that are kept as they come; what they govern reads them.
const NAMES: &[&str] = &[
    "enable_content_trust",
    "enable_content_trust_cosign",
    "prevent_vul",
    "severity",
    "auto_scan",
    "auto_sbom_generation",
    "reuse_sys_cve_allowlist",
    "retention_id",
    "proxy_speed_kb",
    "max_upstream_conn",
    "proxy_cache_filter_pattern",
    "proxy_cache_filter_kind",
    "proxy_referrer_api",
    "proxy_cache_local_on_not_found",
];
const LONGEST_VALUE: usize = 1024;

/// Who may pull from a project without being a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Visibility {
    /// Nobody.
    #[default]
    Private,
    /// Whoever has signed in.
    Internal,
    /// Anybody.
    Public,
}

impl Visibility {
    /// Its word in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Visibility::Private => "private",
            Visibility::Internal => "internal",
            Visibility::Public => "public",
        }
    }

    /// That of a row.
    pub fn of(project: &Project) -> Visibility {
        match (project.public, project.internal) {
            (true, _) => Visibility::Public,
            (false, true) => Visibility::Internal,
            (false, false) => Visibility::Private,
        }
    }

    fn columns(self) -> (bool, bool) {
        (self == Visibility::Public, self == Visibility::Internal)
    }
}

/// Settings to be made: the visibility where it is set, and the rest by name.
#[derive(Clone, Debug, Default)]
struct Settings {
    visibility: Option<Visibility>,
    named: Vec<(String, String)>,
}

/// A project to be made.
#[derive(Clone, Debug)]
pub struct WantedProject {
    /// Its name.
    pub name: ProjectName,
    /// Its settings by Harbor's names.
    pub metadata: BTreeMap<String, String>,
    /// How many bytes it may hold, -1 for no limit; none for what the configuration says.
    pub storage_limit: Option<i64>,
}

/// A project as its readers see it.
#[derive(Clone, Debug)]
pub struct ProjectView {
    /// The row.
    pub project: Project,
    /// Its settings by name, the visibility among them.
    pub metadata: BTreeMap<String, String>,
    /// The name of who made it.
    pub owner: Option<String>,
    /// How many repositories it has.
    pub repositories: i64,
    /// The caller's roles in it, the strongest first.
    pub roles: Vec<i64>,
}

/// Numbers about a project.
#[derive(Clone, Debug, Default)]
pub struct ProjectSummary {
    /// Repositories.
    pub repositories: i64,
    /// How many members hold each role, by the role's id.
    pub members: HashMap<i64, i64>,
    /// Bytes that it holds; a blob in several of its repositories counts once.
    pub used: i64,
    /// Bytes that it may hold.
    pub limit: Option<i64>,
}

/// Which projects are wanted.
#[derive(Clone, Debug, Default)]
pub struct ProjectQuery {
    /// By name, visibility and owner.
    pub filter: Filter,
    /// In which order.
    pub order: Order,
}

impl Registry {
    /// Makes a project, for administrators, and for everybody else if the configuration lets them. Only administrators say
    /// how much it may hold; what others say about that is passed over, as in Harbor.
    pub async fn create_project(&self, caller: &Caller, wanted: WantedProject) -> Result<Project> {
        self.permit_creation(caller).await?;
        let limit = self.limit_of_new(caller, wanted.storage_limit).await?;
        let settings = parse_settings(&wanted.metadata)?;
        let (public, internal) = settings.visibility.unwrap_or_default().columns();
        let owner = caller.user_id();
        let new =
            NewProject { name: wanted.name, public, internal, created_at: clock::now(), created_by: owner };
        let entry = Entry::new(caller, "create", "project", &new.name).after(json!(wanted.metadata));
        self.database
            .try_transaction(move |c| {
                let (new, settings, entry) = (new.clone(), settings.clone(), entry.clone());
                Box::pin(async move {
                    let made = project::create(c, &new).await.map_err(|error| match error {
                        hythe_metadata::Error::Conflict { .. } => {
                            Error::conflict(format!("project {} exists already", new.name))
                        }
                        other => other.into(),
                    })?;
                    if limit.is_some() {
                        usage::limit(c, made.id, limit, new.created_at).await?;
                    }
                    put_named(c, made.id, &settings.named).await?;
                    if let Some(owner) = owner {
                        let role = BuiltIn::ProjectAdmin.id();
                        member::create(c, made.id, Entity::User(owner), role, new.created_at).await?;
                    }
                    entry.in_project(made.id).write(c).await?;
                    Ok(made)
                })
            })
            .await
    }

    async fn limit_of_new(&self, caller: &Caller, wanted: Option<i64>) -> Result<Option<i64>> {
        let Some(wanted) = wanted.filter(|limit| *limit != 0) else { return Ok(self.default_quota()) };
        let permitted: Result<Permit<system_rights::quota::Update, _>> = self.permit_everywhere(caller).await;
        if permitted.is_ok() { parse_limit(wanted) } else { Ok(self.default_quota()) }
    }

    async fn permit_creation(&self, caller: &Caller) -> Result<()> {
        let permitted: Result<Permit<system_rights::project::Create, Everywhere>> =
            self.permit_everywhere(caller).await;
        match permitted {
            Ok(_) => Ok(()),
            Err(_) if self.permit_self(caller).is_ok() && self.everyone_creates_projects() => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn everyone_creates_projects(&self) -> bool {
        self.configuration().text(&PROJECT_CREATION_RESTRICTION) == "everyone"
    }

    /// The project of the permit with what belongs to it.
    pub async fn view_project(&self, permit: &Permit<right::Read, Project>) -> Result<ProjectView> {
        let mut c = self.database.connect().await?;
        view(&mut c, permit.caller(), permit.project().clone()).await
    }

    /// Whether there is a project of this name. Whoever could make it would learn it anyway.
    pub async fn project_exists(&self, caller: &Caller, name: &ProjectName) -> Result<bool> {
        self.permit_self(caller)?;
        let mut c = self.database.connect().await?;
        Ok(project::find(&mut c, name).await?.is_some())
    }

    /// Projects that the caller may see, and how many there are.
    pub async fn list_projects(
        &self,
        caller: &Caller,
        query: ProjectQuery,
        window: Window<&str>,
    ) -> Result<(Vec<ProjectView>, i64)> {
        let filter = Filter { visible: visible(caller), ..query.filter };
        let mut c = self.database.connect().await?;
        let mut views = Vec::new();
        let named = |name: &ProjectName| caller.limit.as_ref().is_none_or(|limit| limit.names_project(name));
        let found = project::list(&mut c, &filter, query.order, window).await?;
        // A limited token does not tell of projects that its list does not name; the page is shorter then.
        for found in found.into_iter().filter(|found| named(&found.name)) {
            views.push(view(&mut c, caller, found).await?);
        }
        drop(c);
        let filter = &filter;
        let count = |most| async move {
            let mut c = self.database.connect().await?;
            Ok(project::count(&mut c, filter, most).await?)
        };
        Ok((views, self.total(format!("project {filter:?}"), count).await?))
    }

    /// Changes settings; those that are not named stay. The limit needs a right over the system.
    pub async fn update_project(
        &self,
        permit: &Permit<right::Update, Project>,
        metadata: &BTreeMap<String, String>,
        storage_limit: Option<i64>,
    ) -> Result<()> {
        if storage_limit.is_some() {
            let _: Permit<system_rights::quota::Update, _> = self.permit_everywhere(permit.caller()).await?;
        }
        self.change_settings(permit.caller(), permit.project(), metadata, storage_limit).await
    }

    /// Sets settings by name.
    pub async fn put_project_metadata(
        &self,
        permit: &Permit<metadata_right::Update, Project>,
        metadata: &BTreeMap<String, String>,
    ) -> Result<()> {
        self.change_settings(permit.caller(), permit.project(), metadata, None).await
    }

    /// The settings of a project by name.
    pub async fn list_project_metadata(
        &self,
        permit: &Permit<metadata_right::Read, Project>,
    ) -> Result<BTreeMap<String, String>> {
        let mut c = self.database.connect().await?;
        metadata_of(&mut c, permit.project()).await
    }

    /// Takes a setting away; the visibility cannot be.
    pub async fn delete_project_metadata(
        &self,
        permit: &Permit<metadata_right::Delete, Project>,
        name: &str,
    ) -> Result<()> {
        let (id, setting) = (permit.project().id, name.to_owned());
        let entry = Entry::new(permit.caller(), "update", "project", &permit.project().name)
            .in_project(id)
            .after(json!({ "metadata": { name: null } }));
        let deleted = self
            .database
            .transaction(move |c| {
                let (setting, entry) = (setting.clone(), entry.clone());
                Box::pin(async move {
                    let deleted = project_metadata::delete(c, id, &setting).await?;
                    if deleted {
                        entry.write(c).await?;
                    }
                    Ok(deleted)
                })
            })
            .await?;
        if deleted {
            return Ok(());
        }
        let project = &permit.project().name;
        Err(Error::unknown(
            ErrorCode::NameUnknown,
            format!("project {project} has no setting {}", name.escape_debug()),
        ))
    }

    async fn change_settings(
        &self,
        caller: &Caller,
        project: &Project,
        metadata: &BTreeMap<String, String>,
        storage_limit: Option<i64>,
    ) -> Result<()> {
        let settings = parse_settings(metadata)?;
        let limit = storage_limit.map(parse_limit).transpose()?;
        let (id, now) = (project.id, clock::now());
        let was =
            json!({ "visibility": Visibility::of(project).as_str(), "storage_limit": project.storage_limit });
        let is = json!({ "metadata": metadata, "storage_limit": storage_limit });
        let entry =
            Entry::new(caller, "update", "project", &project.name).in_project(id).before(was).after(is);
        self.database
            .transaction(move |c| {
                let (settings, entry) = (settings.clone(), entry.clone());
                Box::pin(async move {
                    if let Some(visibility) = settings.visibility {
                        let (public, internal) = visibility.columns();
                        project::update_visibility(c, id, public, internal, now).await?;
                    }
                    if let Some(limit) = limit {
                        usage::limit(c, id, limit, now).await?;
                    }
                    put_named(c, id, &settings.named).await?;
                    entry.write(c).await
                })
            })
            .await?;
        self.open_doors.forget(&project.name);
        Ok(())
    }

    /// Deletes a project that holds no repositories.
    pub async fn delete_project(&self, permit: &Permit<right::Delete, Project>) -> Result<()> {
        let (id, name) = (permit.project().id, permit.project().name.clone());
        let entry = Entry::new(permit.caller(), "delete", "project", &name).in_project(id);
        self.database
            .try_transaction(move |c| {
                let (name, entry) = (name.clone(), entry.clone());
                Box::pin(async move {
                    match project::delete(c, id).await {
                        Ok(true) => Ok(entry.write(c).await?),
                        Ok(false) => Err(unknown_project(&name)),
                        Err(hythe_metadata::Error::Conflict { .. }) => Err(not_empty(&name)),
                        Err(other) => Err(other.into()),
                    }
                })
            })
            .await
    }

    /// Why the project cannot be deleted; none if it can.
    pub async fn why_not_deletable(&self, permit: &Permit<right::Delete, Project>) -> Result<Option<Error>> {
        let mut c = self.database.connect().await?;
        let repositories = repository::count(&mut c, permit.project().id).await?;
        Ok((repositories > 0).then(|| not_empty(&permit.project().name)))
    }

    /// Numbers about a project.
    pub async fn summarize_project(&self, permit: &Permit<right::Read, Project>) -> Result<ProjectSummary> {
        let project = permit.project();
        let mut c = self.database.connect().await?;
        Ok(ProjectSummary {
            repositories: repository::count(&mut c, project.id).await?,
            members: member::count_by_role(&mut c, project.id).await?.into_iter().collect(),
            used: usage::of_project(&mut c, project.id).await?,
            limit: project.storage_limit,
        })
    }
}

/// Which projects a list may show a caller. A personal token's own list does not hide projects, only what is in them.
pub(crate) fn visible(caller: &Caller) -> Visible {
    match &caller.principal {
        _ if caller.is_administrator() => Visible::All,
        Principal::User(user) => Visible::User(user.id),
        Principal::Robot(robot) => robot.project_id.map_or(Visible::SignedIn, Visible::Project),
        Principal::Anonymous | Principal::Token(_) | Principal::Operator => Visible::Public,
    }
}

async fn view(c: &mut Connection, caller: &Caller, project: Project) -> Result<ProjectView> {
    let mut roles: Vec<i64> = match caller.user_id() {
        Some(user) => {
            let held = holding::list(c, project.id, user).await?;
            held.into_iter().filter(|holding| holding.grant.is_none()).map(|holding| holding.role).collect()
        }
        None => Vec::new(),
    };
    roles.sort_by_key(|role| strength(*role));
    roles.dedup();
    let owner = match project.created_by {
        Some(id) => user::find(c, id).await?.map(|user| user.name),
        None => None,
    };
    Ok(ProjectView {
        metadata: metadata_of(c, &project).await?,
        owner,
        repositories: repository::count(c, project.id).await?,
        roles,
        project,
    })
}

/// Harbor's order: project administrator, maintainer, developer, guest, limited guest; then an administrator's own.
fn strength(role: i64) -> (u8, i64) {
    let rank = match BuiltIn::from_id(role) {
        Some(BuiltIn::ProjectAdmin) => 0,
        Some(BuiltIn::Maintainer) => 1,
        Some(BuiltIn::Developer) => 2,
        Some(BuiltIn::Guest) => 3,
        Some(BuiltIn::LimitedGuest) => 4,
        None => 5,
    };
    (rank, role)
}

async fn metadata_of(c: &mut Connection, project: &Project) -> Result<BTreeMap<String, String>> {
    let entries = project_metadata::list(c, project.id).await?;
    let mut metadata: BTreeMap<String, String> =
        entries.into_iter().map(|entry| (entry.name, entry.value)).collect();
    metadata.insert("public".to_owned(), project.public.to_string());
    metadata.insert("visibility".to_owned(), Visibility::of(project).as_str().to_owned());
    Ok(metadata)
}

async fn put_named(
    c: &mut Connection,
    id: i64,
    named: &[(String, String)],
) -> std::result::Result<(), hythe_metadata::Error> {
    for (name, value) in named {
        project_metadata::put(c, id, name, value).await?;
    }
    Ok(())
}

/// `visibility` goes before `public`, which cannot say "internal".
fn parse_settings(metadata: &BTreeMap<String, String>) -> Result<Settings> {
    let mut settings = Settings::default();
    if let Some(public) = metadata.get("public") {
        settings.visibility = Some(match public.to_ascii_lowercase().as_str() {
            "true" | "1" => Visibility::Public,
            "false" | "0" | "" => Visibility::Private,
            other => return Err(bad_setting("public", "\"true\" or \"false\"", other)),
        });
    }
    if let Some(word) = metadata.get("visibility") {
        let known = [Visibility::Private, Visibility::Internal, Visibility::Public];
        let found = known.into_iter().find(|visibility| visibility.as_str() == word);
        settings.visibility =
            Some(found.ok_or_else(|| bad_setting("visibility", "private, internal or public", word))?);
    }
    for (name, value) in metadata.iter().filter(|(name, _)| !matches!(name.as_str(), "public" | "visibility"))
    {
        validate_setting(name, value)?;
        settings.named.push((name.clone(), value.clone()));
    }
    Ok(settings)
}

fn validate_setting(name: &str, value: &str) -> Result<()> {
    if !NAMES.contains(&name) {
        return Err(Error::bad_request(format!(
            "{:?} is no setting of a project; known are public, visibility, {}",
            name.get(..64).unwrap_or(name),
            NAMES.join(", ")
        )));
    }
    let (known, valid) = match name {
        "severity" => (
            "none, low, medium, high or critical",
            matches!(value, "none" | "low" | "medium" | "high" | "critical" | ""),
        ),
        "retention_id" | "proxy_speed_kb" | "max_upstream_conn" => {
            ("a number", value.is_empty() || value.parse::<i64>().is_ok())
        }
        "proxy_cache_filter_pattern" => ("at most 1024 bytes", value.len() <= LONGEST_VALUE),
        "proxy_cache_filter_kind" => ("doublestar or regex", matches!(value, "doublestar" | "regex" | "")),
        _ => ("\"true\" or \"false\"", matches!(value, "true" | "false" | "1" | "0" | "")),
    };
    if valid { Ok(()) } else { Err(bad_setting(name, known, value)) }
}

fn bad_setting(name: &str, known: &str, value: &str) -> Error {
    let value = value.get(..64).unwrap_or(value).escape_debug();
    Error::bad_request(format!("metadata.{name} must be {known}, not {value}"))
}

fn not_empty(name: &ProjectName) -> Error {
    Error::new(
        crate::error::Kind::Precondition,
        ErrorCode::Denied,
        format!("project {name} still holds repositories; delete them first"),
    )
}

pub(crate) fn unknown_project(name: &ProjectName) -> Error {
    Error::unknown(
        ErrorCode::NameUnknown,
        format!("there is no project named {name}; an administrator can make it"),
    )
}
