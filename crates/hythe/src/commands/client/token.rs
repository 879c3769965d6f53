//! `hythe token`

use serde_json::{Value, json};

use super::{Desk, permission_entry, text, words};
use crate::cli::client::TokenCommand;
use crate::failure::Failure;

pub(super) async fn run(command: &TokenCommand, desk: &Desk) -> Result<(), Failure> {
    match command {
        TokenCommand::List => {
            let tokens = desk.remote.get("users/current/tokens").await?;
            let columns = [
                ("ID", "/id"),
                ("NAME", "/name"),
                ("EXPIRES", "/expires_at"),
                ("LAST USED", "/last_used_time"),
                ("FROM", "/last_used_from"),
            ];
            let mut tokens = tokens.as_array().cloned().unwrap_or_default();
            if desk.is_text() {
                words::name_absent(&mut tokens, &["expires_at", "last_used_time"]);
            }
            desk.show_list(&tokens, &columns);
            Ok(())
        }
        TokenCommand::Create { name, days, project, may } => {
            let mut body = json!({ "name": name, "duration": days });
            if !may.is_empty() {
                let place = project.as_deref().unwrap_or("*");
                body["permissions"] = json!([permission_entry("project", place, may)?]);
            }
            let (made, _) = desk.remote.create("users/current/tokens", &body).await?;
            let secret = text(made.get("secret"));
            let end = words::expiry(&made);
            let sentence = format!(
                "Token {name} was made; {end}. It is shown this once and kept nowhere:\n\n  {secret}\n"
            );
            desk.tell(&sentence, &made);
            Ok(())
        }
        TokenCommand::Delete { id } => {
            desk.remote.delete(&format!("users/current/tokens/{id}")).await?;
            desk.tell(&format!("Token {id} was deleted."), &Value::Null);
            Ok(())
        }
    }
}
