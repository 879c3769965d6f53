//! Secrets among the rows: sealed, from the first start on, and readable to nodes with the right key alone.
#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

use std::sync::{Arc, Barrier};

use hythe_blobs::Memory;
use hythe_metadata::identity_source::{self, NewSource};
use hythe_metadata::{Database, setting, signing_key};
use hythe_registry::access::{Caller, Everywhere, Permit, SystemRight};
use hythe_registry::certificate::SelfMadeCertificate;
use hythe_registry::secrets::KeyEncryptionKey;
use hythe_registry::sources::SourceKind;
use hythe_registry::sources::manage::CreateSource;
use hythe_registry::{Options, Registry};
use serde_json::json;
use tempfile::TempDir;

const PASSWORD: &str = "bind-password-of-the-directory";

fn database(folder: &TempDir) -> Database {
    let url = format!("sqlite://{}/hythe.db", folder.path().display());
    Database::open(&hythe_metadata::Options { exclusive: false, ..hythe_metadata::Options::new(url) })
        .unwrap()
}

fn node(folder: &TempDir, key: &KeyEncryptionKey) -> Arc<Registry> {
    let options = Options { secrets_key: Some(key.clone()), ..Options::default() };
    Registry::new(database(folder), Arc::new(Memory::default()), options)
}

async fn permit<R: SystemRight>(registry: &Registry) -> Permit<R, Everywhere> {
    registry.permit_everywhere(&Caller::operator()).await.unwrap()
}

async fn make_source(registry: &Registry) {
    let settings =
        json!({ "url": "ldap://127.0.0.1", "base_dn": "dc=a", "bind_dn": "cn=s", "bind_password": PASSWORD });
    let wanted = CreateSource {
        name: "staff".to_owned(),
        kind: SourceKind::Ldap,
        position: None,
        enabled: false,
        settings: settings.as_object().cloned().unwrap(),
    };
    registry.create_source(&permit(registry).await, wanted).await.unwrap();
}

/// What the node makes of the source's settings.
async fn settings(registry: &Registry) -> Result<String, hythe_registry::Error> {
    let sources = registry.list_sources(&permit(registry).await).await?;
    Ok(sources.first().map(|source| source.settings.clone()).unwrap_or_default())
}

/// Every secret as it lies in its row.
async fn rows(folder: &TempDir) -> Vec<String> {
    let database = database(folder);
    let mut c = database.connect().await.unwrap();
    let keys = signing_key::list_live(&mut c, 0).await.unwrap();
    let sources = identity_source::list(&mut c, 50).await.unwrap();
    let mut rows: Vec<String> =
        keys.into_iter().map(|key| String::from_utf8_lossy(&key.private_der).into_owned()).collect();
    rows.extend(sources.into_iter().map(|source| source.settings));
    for name in ["self_made_certificate", "sign_in_sealing_key"] {
        rows.extend(setting::find(&mut c, name).await.unwrap());
    }
    rows
}

async fn started(folder: &TempDir, key: &KeyEncryptionKey) -> Arc<Registry> {
    database(folder).migrate().await.unwrap();
    let registry = node(folder, key);
    registry.set_up(Some("correct horse")).await.unwrap();
    registry
}

/// Signs and checks, so that the signing key must be readable.
async fn signs(registry: &Registry) -> bool {
    match registry.issue_token(&Caller::operator(), &[], false).await {
        Ok(issued) => registry.verify_token(&issued.token).await.is_ok(),
        Err(_) => false,
    }
}

#[tokio::test]
async fn nothing_lies_open_in_the_rows_and_another_key_is_refused_with_words() {
    let folder = tempfile::tempdir().unwrap();
    let (right, wrong) = (KeyEncryptionKey::generate().unwrap(), KeyEncryptionKey::generate().unwrap());
    let registry = started(&folder, &right).await;
    make_source(&registry).await;
    let rows = rows(&folder).await;
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row.starts_with("sealed:") && !row.contains(PASSWORD)), "{rows:?}");
    assert!(settings(&registry).await.unwrap().contains(PASSWORD));
    assert!(signs(&node(&folder, &right)).await);
    let error = node(&folder, &wrong).set_up(None).await.unwrap_err().to_string();
    assert!(
        error.contains(wrong.id()) && error.contains(right.id()) && !error.contains(&right.reveal()),
        "{error}"
    );
    assert!(settings(&node(&folder, &wrong)).await.is_err());
    let keyless = Options { secrets_key: None, ..Options::default() };
    let keyless = Registry::new(database(&folder), Arc::new(Memory::default()), keyless);
    assert!(keyless.set_up(None).await.unwrap_err().to_string().contains("secrets.key_file"));
}

#[tokio::test]
async fn what_an_older_version_left_open_is_sealed_by_the_first_start() {
    let folder = tempfile::tempdir().unwrap();
    let key = KeyEncryptionKey::generate().unwrap();
    database(&folder).migrate().await.unwrap();
    let open = NewSource {
        name: "staff".to_owned(),
        kind: "ldap".to_owned(),
        position: 1,
        enabled: false,
        settings: json!({ "bind_password": PASSWORD }).to_string(),
        created_at: 1,
    };
    let unsealed = database(&folder);
    let write = unsealed.transaction(move |c| {
        let open = open.clone();
        Box::pin(async move {
            identity_source::create(c, &open).await?;
            setting::put(c, "self_made_certificate", "{}").await
        })
    });
    write.await.unwrap();
    let registry = started(&folder, &key).await;
    let rows = rows(&folder).await;
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row.starts_with("sealed:")), "{rows:?}");
    assert!(settings(&registry).await.unwrap().contains(PASSWORD));
    registry.set_up(None).await.unwrap();
}

#[tokio::test]
async fn a_sealed_value_opens_in_its_own_row_only() {
    let folder = tempfile::tempdir().unwrap();
    let key = KeyEncryptionKey::generate().unwrap();
    let registry = started(&folder, &key).await;
    make_source(&registry).await;
    let database = database(&folder);
    let moved = identity_source::list(&mut database.connect().await.unwrap(), 50).await.unwrap().remove(0);
    let new = NewSource {
        name: "other".to_owned(),
        kind: moved.kind,
        position: 2,
        enabled: false,
        settings: moved.settings,
        created_at: 1,
    };
    let copy = database.transaction(move |c| {
        let new = new.clone();
        Box::pin(async move { identity_source::create(c, &new).await })
    });
    copy.await.unwrap();
    let error = settings(&registry).await.unwrap_err().to_string();
    assert!(error.contains("the secret of identity source other cannot be read"), "{error}");
}

#[tokio::test]
async fn another_key_is_brought_to_all_nodes_without_a_moment_in_which_one_cannot_read() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (KeyEncryptionKey::generate().unwrap(), KeyEncryptionKey::generate().unwrap());
    let first = started(&folder, &old).await;
    make_source(&first).await;
    first.add_opener(&permit(&first).await, &new).await.unwrap();
    let second = node(&folder, &new);
    second.set_up(None).await.unwrap();
    for registry in [&first, &second] {
        assert!(settings(registry).await.unwrap().contains(PASSWORD));
        assert!(signs(registry).await);
    }
    let before = rows(&folder).await;
    assert_eq!(second.retire_openers(&permit(&second).await).await.unwrap(), 1);
    assert!(rows(&folder).await.iter().all(|row| row.starts_with("sealed:") && !before.contains(row)));
    let third = node(&folder, &new);
    third.set_up(None).await.unwrap();
    for registry in [&second, &third] {
        assert!(settings(registry).await.unwrap().contains(PASSWORD));
        assert!(signs(registry).await);
    }
    let error = settings(&first).await.unwrap_err().to_string();
    assert!(error.contains("does not open the secrets"), "{error}");
    let openers = third.list_openers(&permit(&third).await).await.unwrap();
    assert_eq!(
        openers.iter().map(|opener| (opener.id.as_str(), opener.here)).collect::<Vec<_>>(),
        [(new.id(), true)]
    );
}

/// Each is made before either is kept, as by nodes that start at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_at_once_show_one_certificate() {
    let (folder, key) = (tempfile::tempdir().unwrap(), KeyEncryptionKey::generate().unwrap());
    let first = started(&folder, &key).await;
    let both_made = Arc::new(Barrier::new(2));
    let start = |name: &'static str, registry: Arc<Registry>| {
        let both_made = both_made.clone();
        tokio::spawn(async move {
            let make = || {
                both_made.wait();
                Ok(SelfMadeCertificate::new(name.to_owned(), String::new()))
            };
            registry.keep_self_made_certificate(make).await.unwrap().certificate_pem
        })
    };
    let (one, other) = (start("one", first.clone()), start("other", node(&folder, &key)));
    let shown = one.await.unwrap();
    assert_eq!(other.await.unwrap(), shown);
    let kept = first.find_self_made_certificate().await.unwrap().unwrap();
    assert_eq!(kept.certificate_pem, shown);
}
