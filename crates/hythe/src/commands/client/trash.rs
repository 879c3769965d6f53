//! `hythe trash`

use reqwest::Method;
use serde_json::{Value, json};

use super::words::count;
use super::{ALL, Desk, number, query, split_artifact};
use crate::cli::client::TrashCommand;
use crate::client::part;
use crate::failure::Failure;

pub(super) async fn run(command: &TrashCommand, desk: &Desk) -> Result<(), Failure> {
    match command {
        TrashCommand::List { place } => {
            let columns = [
                ("ID", "/id"),
                ("DELETED", "/deletion_time"),
                ("BY", "/deleted_by"),
                ("WITH ITS", "/reason"),
                ("REPOSITORY", "/repository"),
                ("TAGS", "/tags"),
                ("DIGEST", "/digest"),
                ("GOES", "/expiration_time"),
            ];
            desk.show_list(&desk.remote.list(&path(place.as_deref()), ALL).await?, &columns);
            Ok(())
        }
        TrashCommand::Restore { what, overwrite, deletion } => {
            restore(what, *overwrite, deletion.as_deref(), desk).await
        }
        TrashCommand::Empty { place, yes } => empty(place.as_deref(), *yes, desk).await,
    }
}

/// The trash of a project, of a repository, or all of it.
fn path(place: Option<&str>) -> String {
    match place.map(|place| (place, place.split_once('/'))) {
        None => "trash".to_owned(),
        Some((project, None)) => format!("projects/{}/trash", part(project)),
        Some((repository, Some((project, _)))) => {
            format!("projects/{}/trash?repository={}", part(project), query(repository))
        }
    }
}

async fn restore(what: &str, overwrite: bool, deletion: Option<&str>, desk: &Desk) -> Result<(), Failure> {
    let mut body = match split_artifact(what) {
        Ok((repository, digest)) if what.contains('@') => {
            json!({ "repository": repository, "digest": digest })
        }
        Ok((repository, tag)) => json!({ "repository": repository, "tag": tag }),
        Err(_) => json!({ "repository": what }),
    };
    body["overwrite"] = overwrite.into();
    body["deletion"] = deletion.into();
    let Some((project, _)) = what.split_once('/') else {
        return Err(Failure::usage(format!(
            "{what} is nothing to restore; write project/name, project/name:tag or project/name@digest"
        )));
    };
    let path = format!("projects/{}/trash/restore", part(project));
    let restored = desk.remote.update(Method::POST, &path, &body).await?;
    desk.tell(&sentence(&restored), &restored);
    Ok(())
}

fn sentence(restored: &Value) -> String {
    let listed = |name: &str| {
        let entries = restored.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        (entries.len(), entries.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
    };
    let (manifests, tags) = (listed("manifests").0, listed("tags").0);
    let mut text = format!("Put back {} and {}.", count(manifests, "manifest"), count(tags, "tag"));
    if let (1.., left) = listed("left") {
        text.push_str(&format!(" These tags point to something else by now and were left alone: {left}."));
    }
    if let (1.., missing) = listed("missing") {
        text.push_str(&format!(" These are neither in the repository nor in the trash: {missing}."));
    }
    text
}

async fn empty(place: Option<&str>, yes: bool, desk: &Desk) -> Result<(), Failure> {
    if !yes {
        return Err(Failure::usage("what goes from the trash is gone for good; say --yes to have it so"));
    }
    let emptied = desk.remote.update(Method::DELETE, &path(place), &Value::Null).await?;
    let went = match number(&emptied, "/entries") {
        1 => "1 entry".to_owned(),
        number => format!("{number} entries"),
    };
    desk.tell(&format!("{went} went for good."), &emptied);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_apart() {
        assert_eq!(path(None), "trash");
        assert_eq!(path(Some("team")), "projects/team/trash");
        assert_eq!(path(Some("team/a/b")), "projects/team/trash?repository=team%2Fa%2Fb");
    }

    #[test]
    fn what_was_left_is_told() {
        let restored = json!({ "manifests": ["d"], "tags": [], "left": ["v1", "v2"], "missing": [] });
        assert_eq!(
            sentence(&restored),
            "Put back 1 manifest and 0 tags. These tags point to something else by now and were left alone: v1, v2."
        );
    }
}
