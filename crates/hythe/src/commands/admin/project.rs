//! `hythe admin project`

use std::collections::BTreeMap;

use clap::ValueEnum;
use hythe_api::project::Project as ProjectLine;
use hythe_metadata::Window;
use hythe_oci::name::ProjectName;
use hythe_registry::projects::{ProjectQuery, ProjectView, WantedProject};

use super::{Desk, PAGE, refused, shown, timestamp};
use crate::cli::admin::{ProjectCommand, Visibility};
use crate::failure::Failure;
use crate::output::{self, Format, Table, terminal_width};

pub(super) async fn run(command: &ProjectCommand, desk: &Desk) -> Result<(), Failure> {
    match command {
        ProjectCommand::Create { name, public } => create(name, *public, desk).await,
        ProjectCommand::List { output } => list(*output, desk).await,
        ProjectCommand::Visibility { name, visibility } => set_visibility(name, *visibility, desk).await,
        ProjectCommand::Delete { name } => delete(name, desk).await,
    }
}

/// A project's name from the command line.
pub(super) fn parse_name(name: &str) -> Result<ProjectName, Failure> {
    name.parse().map_err(|error: hythe_oci::name::NameError| Failure::usage(error.to_string()))
}

async fn create(name: &str, public: bool, desk: &Desk) -> Result<(), Failure> {
    let visibility = if public { Visibility::Public } else { Visibility::Private };
    let wanted =
        WantedProject { name: parse_name(name)?, metadata: metadata(visibility), storage_limit: None };
    let project = desk.registry.create_project(&desk.caller, wanted).await.map_err(refused)?;
    output::print(&format!("Project {} was made: {}.\n", project.name, in_words(visibility)));
    Ok(())
}

async fn set_visibility(name: &str, visibility: Visibility, desk: &Desk) -> Result<(), Failure> {
    let permit = desk.registry.permit_in_project(&desk.caller, &parse_name(name)?).await.map_err(refused)?;
    desk.registry.update_project(&permit, &metadata(visibility), None).await.map_err(refused)?;
    output::print(&format!("Project {name} is {}.\n", in_words(visibility)));
    Ok(())
}

fn metadata(visibility: Visibility) -> BTreeMap<String, String> {
    let word = visibility.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    BTreeMap::from([("visibility".to_owned(), word)])
}

fn in_words(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Public => "public, everybody may pull",
        Visibility::Internal => "internal, whoever has signed in may pull",
        Visibility::Private => "private, only members may pull",
    }
}

async fn delete(name: &str, desk: &Desk) -> Result<(), Failure> {
    let permit = desk.registry.permit_in_project(&desk.caller, &parse_name(name)?).await.map_err(refused)?;
    desk.registry.delete_project(&permit).await.map_err(refused)?;
    output::print(&format!("Project {name} was deleted.\n"));
    Ok(())
}

async fn list(format: Format, desk: &Desk) -> Result<(), Failure> {
    let projects = all(desk).await?;
    match format {
        Format::Json => output::print_json(&projects.iter().map(as_in_api).collect::<Vec<_>>()),
        Format::Text => output::print(&table(&projects).render(terminal_width())),
    }
    Ok(())
}

async fn all(desk: &Desk) -> Result<Vec<ProjectView>, Failure> {
    let mut projects: Vec<ProjectView> = Vec::new();
    loop {
        let after = projects.last().map(|view| view.project.name.to_string()).unwrap_or_default();
        let window = Window::behind(after.as_str(), PAGE);
        let listed = desk.registry.list_projects(&desk.caller, ProjectQuery::default(), window).await;
        let (page, _) = listed.map_err(refused)?;
        let is_last = page.len() < PAGE as usize;
        projects.extend(page);
        if is_last {
            return Ok(projects);
        }
    }
}

fn table(projects: &[ProjectView]) -> Table {
    let mut table = Table::new(&["NAME", "VISIBILITY", "REPOSITORIES", "MADE"]);
    for view in projects {
        let visibility = hythe_registry::projects::Visibility::of(&view.project).as_str().to_owned();
        let repositories = view.repositories.to_string();
        table.row([view.project.name.to_string(), visibility, repositories, shown(view.project.created_at)]);
    }
    table
}

fn as_in_api(view: &ProjectView) -> ProjectLine {
    let project = &view.project;
    ProjectLine {
        project_id: project.id,
        owner_id: project.created_by.unwrap_or(0),
        owner_name: view.owner.clone().unwrap_or_default(),
        name: project.name.to_string(),
        metadata: view.metadata.clone(),
        repo_count: view.repositories,
        current_user_role_id: 0,
        current_user_role_ids: Vec::new(),
        togglable: true,
        deleted: false,
        creation_time: timestamp(project.created_at),
        update_time: timestamp(project.updated_at),
    }
}
