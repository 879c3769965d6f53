//! `hythe admin project`

use hythe_api::project::{Project as ProjectLine, ProjectMetadata};
use hythe_metadata::project::{Filter, Project};
use hythe_oci::name::ProjectName;

use super::{Desk, PAGE, refused, shown, timestamp};
use crate::cli::{ProjectCommand, Visibility};
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
    let project =
        desk.registry.create_project(&desk.permit, parse_name(name)?, public).await.map_err(refused)?;
    let who = in_words(project.public);
    output::print(&format!("Project {} was made: {who}.\n", project.name));
    Ok(())
}

async fn set_visibility(name: &str, visibility: Visibility, desk: &Desk) -> Result<(), Failure> {
    let public = visibility == Visibility::Public;
    desk.registry.set_project_public(&desk.permit, &parse_name(name)?, public).await.map_err(refused)?;
    output::print(&format!("Project {name} is {}.\n", in_words(public)));
    Ok(())
}

fn in_words(public: bool) -> &'static str {
    if public { "public, everybody may pull" } else { "private, only members may pull" }
}

async fn delete(name: &str, desk: &Desk) -> Result<(), Failure> {
    desk.registry.delete_project(&desk.permit, &parse_name(name)?).await.map_err(refused)?;
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

async fn all(desk: &Desk) -> Result<Vec<Project>, Failure> {
    let mut projects: Vec<Project> = Vec::new();
    loop {
        let after = projects.last().map(|project| project.name.as_str());
        let page = desk
            .registry
            .list_projects(&desk.permit, &Filter::default(), after, PAGE)
            .await
            .map_err(refused)?;
        let is_last = page.len() < PAGE as usize;
        projects.extend(page);
        if is_last {
            return Ok(projects);
        }
    }
}

fn table(projects: &[Project]) -> Table {
    let mut table = Table::new(&["NAME", "VISIBILITY", "MADE"]);
    for project in projects {
        let visibility = if project.public { "public" } else { "private" };
        table.row([project.name.to_string(), visibility.to_owned(), shown(project.created_at)]);
    }
    table
}

fn as_in_api(project: &Project) -> ProjectLine {
    ProjectLine {
        project_id: project.id,
        name: project.name.to_string(),
        metadata: ProjectMetadata { public: Some(project.public.to_string()) },
        creation_time: timestamp(project.created_at),
    }
}
