//! `hythe admin user`

use hythe_api::user::UserResp;
use hythe_metadata::Window;
use hythe_metadata::project::Text;
use hythe_metadata::user::User;
use hythe_registry::users::CreateUser;

use super::{Desk, PAGE, refused, shown, timestamp};
use crate::cli::admin::{PasswordSource, UserCommand};
use crate::failure::Failure;
use crate::output::{self, Format, Table, terminal_width};
use crate::passwords;

pub(super) async fn run(command: &UserCommand, desk: &Desk) -> Result<(), Failure> {
    match command {
        UserCommand::Create { name, email, full_name, administrator, password } => {
            let wanted = CreateUser {
                name: name.clone(),
                email: email.clone().unwrap_or_default(),
                full_name: full_name.clone().unwrap_or_default(),
                password: String::new(),
                administrator: *administrator,
                comment: String::new(),
            };
            create(wanted, password, desk).await
        }
        UserCommand::List { output } => list(*output, desk).await,
        UserCommand::Password { name, password } => change_password(name, password, desk).await,
        UserCommand::Disable { name } => set_disabled(name, true, desk).await,
        UserCommand::Enable { name } => set_disabled(name, false, desk).await,
        UserCommand::Delete { name } => delete(name, desk).await,
    }
}

async fn create(wanted: CreateUser, source: &PasswordSource, desk: &Desk) -> Result<(), Failure> {
    let password = passwords::obtain(source, &wanted.name)?;
    let wanted = CreateUser { password: password.reveal().to_owned(), ..wanted };
    let user = desk.registry.create_user(&desk.permit().await?, wanted).await.map_err(refused)?;
    let what = if user.administrator { "Administrator" } else { "User" };
    output::print(&format!("{what} {} was made.\n{}", user.name, password.to_tell()));
    Ok(())
}

async fn change_password(name: &str, source: &PasswordSource, desk: &Desk) -> Result<(), Failure> {
    // A name that is wrong is said before anybody has thought up a password.
    let id = id_of(name, desk).await?;
    let password = passwords::obtain(source, name)?;
    let changed = desk.registry.change_password(&desk.caller, id, None, password.reveal()).await;
    changed.map_err(refused)?;
    output::print(&format!("User {name} has a new password.\n{}", password.to_tell()));
    Ok(())
}

async fn id_of(name: &str, desk: &Desk) -> Result<i64, Failure> {
    let user = desk.registry.get_user_by_name(&desk.permit().await?, name).await.map_err(refused)?;
    Ok(user.id)
}

async fn set_disabled(name: &str, disabled: bool, desk: &Desk) -> Result<(), Failure> {
    let id = id_of(name, desk).await?;
    desk.registry.set_user_disabled(&desk.permit().await?, id, disabled).await.map_err(refused)?;
    let now = if disabled { "can no longer sign in" } else { "can sign in again" };
    output::print(&format!("User {name} {now}.\n"));
    Ok(())
}

async fn delete(name: &str, desk: &Desk) -> Result<(), Failure> {
    let id = id_of(name, desk).await?;
    desk.registry.delete_user(&desk.permit().await?, id).await.map_err(refused)?;
    output::print(&format!("User {name} was deleted; what they pushed stays.\n"));
    Ok(())
}

async fn list(format: Format, desk: &Desk) -> Result<(), Failure> {
    let users = all(desk).await?;
    match format {
        Format::Json => output::print_json(&users.into_iter().map(as_in_api).collect::<Vec<_>>()),
        Format::Text => output::print(&table(&users).render(terminal_width())),
    }
    Ok(())
}

async fn all(desk: &Desk) -> Result<Vec<User>, Failure> {
    let mut users: Vec<User> = Vec::new();
    loop {
        let after = users.last().map(|user| user.name.as_str());
        let window = Window::behind(after.unwrap_or_default(), PAGE);
        let (page, _) =
            desk.registry.list_users(&desk.permit().await?, &Text::Any, window).await.map_err(refused)?;
        let is_last = page.len() < PAGE as usize;
        users.extend(page);
        if is_last {
            return Ok(users);
        }
    }
}

fn table(users: &[User]) -> Table {
    let mut table = Table::new(&["NAME", "ADMINISTRATOR", "STATE", "EMAIL", "FULL NAME", "MADE"]);
    for user in users {
        let yes_or_no = if user.administrator { "yes" } else { "no" };
        let state = if user.disabled { "disabled" } else { "active" };
        let email = user.email.clone().unwrap_or_default();
        let words = [yes_or_no, state].map(str::to_owned);
        let [administrator, state] = words;
        table.row([
            user.name.clone(),
            administrator,
            state,
            email,
            user.full_name.clone(),
            shown(user.created_at),
        ]);
    }
    table
}

/// A user as the API tells it.
fn as_in_api(user: User) -> UserResp {
    UserResp {
        user_id: user.id,
        username: user.name,
        email: user.email.unwrap_or_default(),
        realname: user.full_name,
        sysadmin_flag: user.administrator,
        admin_role_in_auth: user.administrator_by_group,
        comment: user.comment,
        source: user.source,
        disabled: user.disabled,
        creation_time: timestamp(user.created_at),
        update_time: timestamp(user.updated_at),
    }
}
