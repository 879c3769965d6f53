//! Every finding that a registry sends of itself, once: its kind, how bad it is, its words and its values.
//!
//! Other languages are made from kind and values (`doctor.finding.KIND` and `doctor.remedy.KIND` in `console/src/i18n`, which
//! a test here holds against this table). A kind keeps its values: who knows it fills them in. What says something else is
//! another kind.

use std::fmt::Display;

use super::{Finding, Status};

/// A function a kind, so that what its words fill in is what it takes, and what it takes is what it sends.
macro_rules! findings {
    ($($kind:ident($($value:ident),*): $check:literal $status:ident $finding:literal $(=> $remedy:literal)?;)*) => {
        $(
            #[doc = concat!("`", $check, "`: ", $finding)]
            pub fn $kind($($value: impl Display),*) -> Finding {
                $(let $value = $value.to_string();)*
                Finding {
                    check: $check,
                    status: Status::$status,
                    finding: format!($finding),
                    remedy: findings!(@remedy $($remedy)?),
                    kind: Some(stringify!($kind)),
                    values: vec![$((stringify!($value), $value)),*],
                }
            }
        )*

        #[cfg(test)]
        const TABLE: &[(&str, &str, Option<&str>)] =
            &[$((stringify!($kind), $finding, findings!(@text $($remedy)?))),*];
    };
    (@remedy) => { None };
    (@remedy $remedy:literal) => { Some(format!($remedy)) };
    (@text) => { None };
    (@text $remedy:literal) => { Some($remedy) };
}

findings! {
    one_node_serves(version): "nodes" Ok
        "1 node serves, with version {version}";
    nodes_serve(count, version): "nodes" Ok
        "{count} nodes serve, with version {version}";
    node_lost(node, seconds): "nodes" Warn
        "node {node} is lost: it has not shown itself for {seconds} s"
        => "see on its machine whether it runs, reaches the database, and what its log says last; if it was taken away, it \
            is forgotten after a day";
    node_troubled(node, part, error): "nodes" Fail
        "node {node} cannot use its {part}: {error}"
        => "run `hythe doctor` on its machine; it answers 503 until then";
    clock_ahead(node, seconds): "nodes" Warn
        "the clock of node {node} is {seconds} s ahead of the database's"
        => "set it right: run chrony or systemd-timesyncd there; until then the node goes by the database's clock, and \
            its certificates and logs do not";
    clock_behind(node, seconds): "nodes" Warn
        "the clock of node {node} is {seconds} s behind the database's"
        => "set it right: run chrony or systemd-timesyncd there; until then the node goes by the database's clock, and \
            its certificates and logs do not";
    versions_differ(versions): "nodes" Warn
        "nodes have different versions: {versions}"
        => "finish the upgrade: two versions work side by side, and what the newer one adds is not there on the older";
    keys_differ(keys): "nodes" Warn
        "nodes have different key-encryption keys: {keys}"
        => "give every node the same secrets.key_file and restart it; then `hythe admin secrets retire-keys` ends the \
            change of the key";
    nodes_silent(seconds): "nodes" Fail
        "no answer within {seconds} s"
        => "see whether the database's server is overloaded; `hythe doctor` on the node looks without haste";

    schema_current(database, schema): "database" Ok
        "{database} answers, with schema {schema}, which is this version's";
    schema_newer(database, schema, expected): "database" Ok
        "{database} answers, with schema {schema}; this version is made for {expected} and can serve it";
    schema_none(database, expected): "database" Ok
        "{database} answers and is empty; `hythe serve` makes schema {expected}";
    schema_old(database, schema, expected): "database" Warn
        "{database} answers, with schema {schema}, and this version needs {expected}"
        => "`hythe migrate --plan` shows what is missing; `hythe migrate` does it, and on SQLite `hythe serve` too";
    database_fast(milliseconds): "database" Ok
        "a question to the database takes {milliseconds} ms";
    database_slow(milliseconds): "database" Warn
        "a question to the database takes {milliseconds} ms, and every push waits for many"
        => "put the database nearer to its nodes, or see what it is busy with; database.pool_size may be too small";
    database_away(database, error): "database" Fail
        "{database}: {error}"
        => "check that the server runs, that this machine may reach it, and database.url";
    database_locked(database, error): "database" Fail
        "{database}: {error}"
        => "stop the other server, or give each a database of its own, or use PostgreSQL for both";
    schema_too_new(database, error): "database" Fail
        "{database}: {error}"
        => "run the newer version of hythe that made it";
    database_read_only(database, error): "database" Fail
        "{database}: {error}"
        => "make the file and its folder writable for this user";
    database_full(database, error): "database" Fail
        "{database}: {error}"
        => "make room on its disk";
    database_failed(database, error): "database" Fail
        "{database}: {error}"
        => "`hythe config explain database.url` says where the address comes from";
    database_silent(seconds): "database" Fail
        "no answer within {seconds} s"
        => "see whether its server is overloaded; `hythe doctor` on the node looks without haste";

    file_durable(storage, write, sync): "storage" Ok
        "a test file was written to {storage} in {write} ms, was durable after {sync} ms and read back right";
    file_slow(storage, write, sync): "storage" Warn
        "a test file was written to {storage} in {write} ms, was durable after {sync} ms and read back right"
        => "use a faster disk: every push waits for several such syncs";
    object_kept(storage, write): "storage" Ok
        "{storage} took, kept and gave back a test object in {write} ms";
    object_slow(storage, write): "storage" Warn
        "{storage} took, kept and gave back a test object in {write} ms"
        => "use storage that is nearer or less busy: every push waits for it";
    storage_nearly_full(storage, used, free, total): "storage" Warn
        "{storage} is {used} % full: {free} MiB are left of {total} MiB"
        => "make room, by `hythe gc run` and a retention policy, or use a larger disk: pushes will soon be refused";
    little_room(folder, free): "storage" Warn
        "{folder} has only {free} MiB left: pushes will soon be refused"
        => "make room, or use a larger disk";
    few_files(folder, filesystem, files): "storage" Warn
        "{folder} on {filesystem} can hold only {files} more files"
        => "make room for files (inodes): pushes will soon be refused";
    storage_fleeting(folder, filesystem): "storage" Warn
        "{folder} is on {filesystem}: everything in it is lost with this machine or container"
        => "mount a disk or a volume there";
    mount_careless(folder, option): "storage" Warn
        "{folder} is mounted with {option}: a power cut may lose what was pushed"
        => "mount it without this option";
    sync_disarmed(): "storage" Warn
        "libeatmydata is loaded, and syncing does nothing: a power cut loses what was pushed"
        => "start without LD_PRELOAD";
    storage_in_memory(): "storage" Warn
        "blobs are kept in memory and are lost when this process ends"
        => "name a folder or a bucket as storage.url";
    bucket_failed(error): "storage" Fail
        "the bucket of this node cannot be used: {error}"
        => "see what the object store's own log says, and whether its key may still write";
    folder_failed(error): "storage" Fail
        "the storage folder of this node cannot be used: {error}"
        => "check the disk or the mount, and the rights of the node's user";
    storage_failed(error): "storage" Fail
        "the storage of this node cannot be used: {error}"
        => "see the log of the node";
    storage_silent(seconds): "storage" Fail
        "no answer within {seconds} s"
        => "see whether its server is overloaded or its mount hangs; `hythe doctor` on the node looks without haste";

    blobs_present(storage, count): "belonging" Ok
        "the {count} newest blobs of the database are in {storage}";
    blobs_elsewhere(storage, count): "belonging" Fail
        "none of the {count} newest blobs of the database is in {storage}: other nodes write to another place"
        => "mount the same folder on every node and name it as storage.url, or name the same bucket; a copy of the \
            database needs a copy of its storage";
    blobs_missing(storage, count, missing): "belonging" Warn
        "{missing} of the {count} newest blobs of the database are not in {storage}"
        => "check that all nodes have the same storage mounted; `hythe storage audit` names all that is missing";
    belonging_silent(seconds): "belonging" Fail
        "no answer within {seconds} s"
        => "see whether the storage's server is overloaded or its mount hangs; `hythe doctor` on the node looks without \
            haste";

    link_failed(error): "link" Fail
        "no object can be put into the storage to link to: {error}"
        => "see what the checks of the storage say";
    link_silent(seconds): "link" Fail
        "no object can be put into the storage to link to: no answer within {seconds} s"
        => "see what the checks of the storage say";

    address_returned(asked): "address" Ok
        "clients that ask {asked} are sent back there";
    address_told(told): "address" Ok
        "who asks as this request did is told {told}; ?url= holds the address that clients use against it";
    address_disbelieved(peer, told): "address" Warn
        "{peer} says which address the client asked, and is not believed: clients are told {told}"
        => "if {peer} is your proxy, name it or its network in server.trusted_proxies";
    address_not_one(text): "address" Fail
        "{text} is not the address of a registry"
        => "write it as a client would, for example https://hub.example.com:5000";
    address_configured(asked, told, purpose): "address" Warn
        "clients that ask {asked} are sent to {told} {purpose}, because server.external_url says so"
        => "correct server.external_url, or leave it out: clients are then told the address that they ask";
    address_untrusted(asked, told, purpose, peer): "address" Warn
        "clients that ask {asked} are sent to {told} {purpose}, because {peer} says otherwise and is not in \
         server.trusted_proxies"
        => "if {peer} is your proxy, name it or its network in server.trusted_proxies";
    scheme_hidden(asked, told, purpose, peer): "address" Warn
        "clients that ask {asked} are sent to {told} {purpose}, because {peer} says no X-Forwarded-Proto"
        => "let the proxy tell what the client asked; nginx: proxy_set_header X-Forwarded-Proto $scheme;";
    scheme_wrong(asked, told, purpose, peer, said): "address" Warn
        "clients that ask {asked} are sent to {told} {purpose}, because {peer} says X-Forwarded-Proto: {said}"
        => "let the proxy tell what the client asked; nginx: proxy_set_header X-Forwarded-Proto $scheme;";
    host_hidden(asked, told, purpose, peer, host): "address" Warn
        "clients that ask {asked} are sent to {told} {purpose}, because {peer} says no X-Forwarded-Host, and Host: {host}"
        => "let the proxy tell what the client asked; nginx: proxy_set_header Host $http_host;";
    host_wrong(asked, told, purpose, peer, host, said): "address" Warn
        "clients that ask {asked} are sent to {told} {purpose}, because {peer} says X-Forwarded-Host: {said}, and Host: \
         {host}"
        => "let the proxy tell what the client asked; nginx: proxy_set_header Host $http_host;";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;

    #[test]
    fn a_finding_carries_what_its_words_fill_in() {
        let found = node_lost("two", 30);
        assert_eq!(found.finding, "node two is lost: it has not shown itself for 30 s");
        assert_eq!(found.kind, Some("node_lost"));
        assert_eq!(found.values, [("node", "two".to_owned()), ("seconds", "30".to_owned())]);
    }

    /// What the console says of the doctor's kinds, by the names of its texts.
    fn console(language: &str) -> BTreeMap<String, String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../console/src/i18n").join(language);
        let texts: BTreeMap<String, String> =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let of_kinds =
            |name: &String| name.starts_with("doctor.finding.") || name.starts_with("doctor.remedy.");
        texts.into_iter().filter(|(name, _)| of_kinds(name)).collect()
    }

    /// That both languages have the same names and places, the console's own test sees to.
    #[test]
    fn the_console_has_every_kind_in_these_words_and_in_chinese() {
        let words = TABLE.iter().flat_map(|(kind, finding, remedy)| {
            let remedy = remedy.map(|remedy| (format!("doctor.remedy.{kind}"), remedy.to_owned()));
            [Some((format!("doctor.finding.{kind}"), (*finding).to_owned())), remedy]
        });
        let words: BTreeMap<String, String> = words.flatten().collect();
        assert_eq!(console("en.json"), words);
        assert!(console("zh-CN.json").keys().eq(words.keys()), "{:?}", words.keys());
    }
}
