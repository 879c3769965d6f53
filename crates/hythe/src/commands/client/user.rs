//! `hythe user`

use reqwest::Method;
use serde_json::{Value, json};

use super::{ALL, Desk, number, query};
use crate::cli::admin::PasswordSource;
use crate::cli::client::UserCommand;
use crate::failure::{Code, Failure};
use crate::passwords::{self, NewPassword};

pub(super) async fn run(command: &UserCommand, desk: &Desk) -> Result<(), Failure> {
    match command {
        UserCommand::List { name } => {
            let filter = name
                .as_ref()
                .map(|name| format!("?q={}", query(&format!("username=~{name}"))))
                .unwrap_or_default();
            let columns = [
                ("ID", "/user_id"),
                ("NAME", "/username"),
                ("ADMINISTRATOR", "/sysadmin_flag"),
                ("DISABLED", "/disabled"),
                ("SOURCE", "/source"),
                ("EMAIL", "/email"),
            ];
            desk.show_list(&desk.remote.list(&format!("users{filter}"), ALL).await?, &columns);
            Ok(())
        }
        UserCommand::Create { name, email, password } => create(name, email, password, desk).await,
        UserCommand::Administrator { name, wanted } => {
            let path = format!("users/{}/sysadmin", id_of(name, desk).await?);
            let body = json!({ "sysadmin_flag": wanted == "yes" });
            let answer = desk.remote.update(Method::PUT, &path, &body).await?;
            let now = if wanted == "yes" { "an administrator" } else { "no administrator" };
            desk.tell(&format!("User {name} is {now}."), &answer);
            Ok(())
        }
        UserCommand::Delete { name } => {
            desk.remote.delete(&format!("users/{}", id_of(name, desk).await?)).await?;
            desk.tell(&format!("User {name} was deleted; what they pushed stays."), &Value::Null);
            Ok(())
        }
    }
}

async fn create(name: &str, email: &str, source: &PasswordSource, desk: &Desk) -> Result<(), Failure> {
    let password = passwords::obtain(source, name)?;
    let body = json!({ "username": name, "password": password.reveal(), "email": email, "realname": name });
    let (_, location) = desk.remote.create("users", &body).await?;
    let mut answer = json!({ "location": location });
    if let NewPassword::Random(made) = &password {
        answer["password"] = made.reveal().into();
    }
    desk.tell(format!("User {name} was made.\n{}", password.to_tell()).trim_end(), &answer);
    Ok(())
}

async fn id_of(name: &str, desk: &Desk) -> Result<i64, Failure> {
    let path = format!("users?q={}", query(&format!("username={name}")));
    let users = desk.remote.list(&path, 2).await?;
    let found = users.iter().find(|user| user["username"] == name).map(|user| number(user, "/user_id"));
    found.ok_or_else(|| Failure::new(format!("there is no user named {name}")).with_code(Code::Missing))
}
