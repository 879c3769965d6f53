//! Tests of the whole configuration: layers, origins, and the error texts as a person reads them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::explain::paragraph;
use super::settings::{FLAGS, SECTIONS, SHORT_VARIABLES, SPECIAL_VARIABLES, keys};
use super::*;

/// A folder to start the program in, with what it is told.
struct Start {
    folder: TempDir,
    flags: Flags,
    variables: Vec<(String, OsString)>,
}

impl Start {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), flags: Flags::default(), variables: Vec::new() }
    }

    fn file(self, name: &str, text: &str) -> Self {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    fn flags(mut self, flags: Flags) -> Self {
        self.flags = flags;
        self
    }

    fn load(&self) -> Loaded {
        load(&Inputs {
            flags: self.flags.clone(),
            variables: self.variables.clone(),
            here: self.folder.path().to_owned(),
            hostname: "host-1".to_owned(),
            colour: false,
        })
    }

    fn config(&self) -> Config {
        let loaded = self.load();
        assert_eq!(loaded.problems, []);
        loaded.config().unwrap().clone()
    }

    /// The problems as lines, without the folder that changes with each run.
    fn problems(&self) -> Vec<String> {
        let folder = format!("{}/", self.folder.path().display());
        let loaded = self.load();
        assert!(loaded.config().is_none());
        loaded.problems.iter().map(|problem| problem.to_string().replace(&folder, "")).collect()
    }

    fn origin(&self, path: &str) -> String {
        self.load().sources.effective(path).unwrap().origin.to_string()
    }
}

/// What is said about a file with these lines.
#[track_caller]
fn assert_refused(text: &str, expected: &[&str]) {
    assert_eq!(Start::new().file("hythe.toml", text).problems(), expected);
}

#[track_caller]
fn assert_variable_refused(name: &str, value: &str, expected: &str) {
    assert_eq!(Start::new().variable(name, value).problems(), [expected]);
}

#[test]
fn nothing_at_all_is_a_whole_configuration() {
    let start = Start::new();
    let config = start.config();
    let data = start.folder.path().join("hythe-data");
    assert_eq!(config.root.data, data);
    assert_eq!(config.root.node, "host-1");
    assert_eq!(config.database.url.sqlite_path().unwrap(), data.join("hythe.db"));
    assert_eq!(config.storage.url, StorageUrl::Folder(data.join("blobs")));
    assert_eq!(config.server.listen[0].to_string(), ":5000");
    assert_eq!(start.origin("server.listen"), "default");
}

#[test]
fn a_flag_wins_over_a_variable_and_that_over_the_file_and_that_over_the_default() {
    let listen = |port: &str| Flags { listen: vec![port.to_owned()], ..Flags::default() };
    let file = || Start::new().file("hythe.toml", "[server]\nlisten = \":1\"\n");
    let port = |start: &Start| start.config().server.listen[0].port;
    assert_eq!((port(&file()), file().origin("server.listen")), (1, "hythe.toml:2:10".to_owned()));
    let variable = || file().variable("HYTHE_LISTEN", ":2");
    assert_eq!(
        (port(&variable()), variable().origin("server.listen")),
        (2, "variable HYTHE_LISTEN".to_owned())
    );
    let flag = || variable().flags(listen(":3"));
    assert_eq!((port(&flag()), flag().origin("server.listen")), (3, "flag --listen".to_owned()));
}

#[test]
fn what_was_overridden_is_remembered() {
    let loaded = Start::new()
        .file("hythe.toml", "[database]\nurl = \"sqlite:///a.db\"\n")
        .variable("HYTHE_DATABASE_URL", "postgres://u:secret@h/d")
        .load();
    let Ok(Topic::Key(key)) = Topic::find(Some("database.url")) else { panic!("no such key") };
    let explained = Explained::new(key, &loaded.sources);
    assert_eq!(explained.value.as_deref(), Some("\"postgres://u:********@h/d\""));
    assert_eq!(explained.overrides[0].value, "\"sqlite:///a.db\"");
    assert_eq!(explained.overrides[0].origin.to_string(), "hythe.toml:2:7");
}

#[test]
fn the_file_is_found_by_flag_then_variable_then_here_then_in_the_data_folder() {
    let mut start = Start::new().file("hythe-data/hythe.toml", "node = \"data\"");
    assert_eq!(start.config().root.node, "data");
    start = start.file("hythe.toml", "node = \"here\"");
    assert_eq!(start.config().root.node, "here");
    start = start.file("variable.toml", "node = \"variable\"").variable("HYTHE_CONFIG", "variable.toml");
    assert_eq!(start.config().root.node, "variable");
    let flags = Flags { config: Some("flag.toml".to_owned()), ..Flags::default() };
    start = start.file("flag.toml", "node = \"flag\"").flags(flags);
    assert_eq!(start.config().root.node, "flag");
}

#[test]
fn defaults_lie_in_the_data_folder_wherever_that_was_said() {
    let flags = Flags { data: Some("elsewhere".to_owned()), ..Flags::default() };
    let start = Start::new().flags(flags);
    let data = start.folder.path().join("elsewhere");
    assert_eq!(start.config().storage.url, StorageUrl::Folder(data.join("blobs")));
    let start =
        Start::new().file("etc/hythe.toml", "data = \"../data\"").variable("HYTHE_CONFIG", "etc/hythe.toml");
    let data = start.folder.path().join("etc/../data");
    assert_eq!(start.config().storage.url, StorageUrl::Folder(data.join("blobs")));
}

#[test]
fn the_file_in_the_data_folder_cannot_move_it() {
    let start = Start::new().file("hythe-data/hythe.toml", "data = \"/elsewhere\"");
    assert_eq!(
        start.problems(),
        ["data is set by the file that was found in the data folder at hythe-data/hythe.toml:1:8; \
          hint: give it by --data or HYTHE_DATA, or move the file to ./hythe.toml"]
    );
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let flags = Flags { config: Some("none.toml".to_owned()), ..Flags::default() };
    assert_eq!(
        Start::new().flags(flags).problems(),
        ["cannot read none.toml named in flag --config, there is no such file; \
          hint: `hythe config example > hythe.toml` writes one"]
    );
}

#[test]
fn who_may_not_read_the_data_folder_is_told_so() {
    let candidate = Candidate { path: "/srv/hythe.toml".into(), named_by: None, in_data: true };
    assert_eq!(
        unreadable(&candidate, &std::io::ErrorKind::PermissionDenied.into()).to_string(),
        "cannot read /srv/hythe.toml, permission denied; \
         hint: run this as a user who may read the data folder, or name another by --data"
    );
}

#[test]
fn unknown_names_are_refused_with_the_nearest_known_one() {
    assert_refused(
        "lisen = 1\n[server]\ndrain = 1\nlisen = \":1\"\n[databse]\nurl = \"x\"\n[colours]\n",
        &[
            "unknown setting lisen at hythe.toml:1:1; hint: did you mean server.listen?",
            "unknown setting server.drain at hythe.toml:3:1; hint: did you mean server.drain_seconds?",
            "unknown setting server.lisen at hythe.toml:4:1; hint: did you mean server.listen?",
            "unknown section [databse] at hythe.toml:5:2; hint: did you mean [database]?",
            "unknown section [colours] at hythe.toml:7:2; hint: `hythe config explain` lists every section",
        ],
    );
}

#[test]
fn unknown_variables_are_refused_with_the_nearest_known_one() {
    assert_variable_refused(
        "HYTHE_DATABSE_URL",
        "x",
        "unknown variable HYTHE_DATABSE_URL; hint: did you mean HYTHE_DATABASE_URL?",
    );
    assert_variable_refused(
        "HYTHE_GC_GRACE",
        "1",
        "unknown variable HYTHE_GC_GRACE; hint: did you mean HYTHE_GC_GRACE_HOURS?",
    );
    assert_variable_refused(
        "HYTHE_GC_LISTEN",
        "x",
        "unknown variable HYTHE_GC_LISTEN; hint: unset it, or see `hythe config explain` for the known ones",
    );
    assert_variable_refused(
        "HYTHE_COLOURS",
        "x",
        "unknown variable HYTHE_COLOURS; hint: unset it, or see `hythe config explain` for the known ones",
    );
}

#[test]
fn values_of_the_wrong_type_say_what_was_found_and_what_is_expected() {
    assert_refused(
        "node = 5\n[server]\nlisten = [\"localhost:5000\"]\ndrain_seconds = \"soon\"\n[log]\nformat = \"xml\"\n",
        &[
            "node is the number 5 at hythe.toml:1:8, expected a text; hint: for example node = \"registry-1\"",
            "server.listen holds the string \"localhost:5000\" at hythe.toml:3:10, a host name, and only an address can \
             be listened on; expected ADDRESS:PORT, or :PORT for every address; hint: for example listen = [\":5000\"]",
            "server.drain_seconds is the string \"soon\" at hythe.toml:4:17, expected a whole number; \
             hint: for example drain_seconds = 30",
            "log.format is the string \"xml\" at hythe.toml:6:10, expected auto, text or json; \
             hint: for example format = \"auto\"",
        ],
    );
    assert_variable_refused(
        "HYTHE_SERVER_DRAIN_SECONDS",
        "soon",
        "server.drain_seconds is \"soon\" in variable HYTHE_SERVER_DRAIN_SECONDS, expected a whole number; \
         hint: for example HYTHE_SERVER_DRAIN_SECONDS=30",
    );
    let flags = Flags { listen: vec!["5000".to_owned()], ..Flags::default() };
    assert_eq!(
        Start::new().flags(flags).problems(),
        [
            "server.listen holds \"5000\" in flag --listen, a port without the colon before it; expected ADDRESS:PORT, or \
          :PORT for every address; hint: for example --listen :5000"
        ]
    );
}

#[test]
fn a_section_that_is_a_value_is_named() {
    assert_refused(
        "storage = 5\n",
        &["storage is the number 5 at hythe.toml:1:11, expected the section [storage]"],
    );
}

#[test]
fn every_broken_line_is_named_and_nothing_is_guessed_from_it() {
    assert_refused(
        "[tls]\ncert = /etc/x\n[server]\ndrain_seconds = 1\ndrain_seconds = 2\n[token]\nlifetime_seconds = 10\n",
        &[
            "not valid TOML at hythe.toml:2:8, string values must be quoted, expected literal string",
            "not valid TOML at hythe.toml:5:1, duplicate key",
            "token.lifetime_seconds is 10 at hythe.toml:7:20, expected 60 to 86400: clients take less for 60, and a right \
             that was withdrawn lives on in tokens; hint: for example lifetime_seconds = 1800",
        ],
    );
}

#[test]
fn values_that_make_no_sense_together_are_refused() {
    assert_refused(
        "[tls]\ncert = \"a\"\n[storage]\nredirect = true\n[storage.s3]\naccess_key = \"a\"\n",
        &[
            "tls.cert is set without tls.key at hythe.toml:2:8; hint: name the private key's file as tls.key",
            "storage.redirect is true at hythe.toml:4:12, and only a bucket can be redirected to; \
             hint: for example redirect = false",
            "storage.s3.access_key is set without storage.s3.secret_key at hythe.toml:6:14; \
             hint: give the secret key by HYTHE_STORAGE_S3_SECRET_KEY_FILE",
        ],
    );
}

#[test]
fn columns_count_letters_and_not_bytes() {
    assert_refused(
        "node = 5 # ä\n\"ä\" = 1\n",
        &[
            "node is the number 5 at hythe.toml:1:8, expected a text; hint: for example node = \"registry-1\"",
            "unknown setting ä at hythe.toml:2:1; hint: `hythe config explain` lists every setting",
        ],
    );
}

#[test]
fn an_empty_variable_is_a_mistake_and_not_a_default() {
    assert_variable_refused(
        "HYTHE_DATABASE_URL",
        "",
        "an empty value in variable HYTHE_DATABASE_URL; hint: unset HYTHE_DATABASE_URL, or give it a value",
    );
}

#[test]
fn two_names_of_one_setting_are_refused() {
    let start = Start::new().variable("HYTHE_LISTEN", ":1").variable("HYTHE_SERVER_LISTEN", ":2");
    assert_eq!(
        start.problems(),
        [
            "server.listen is set twice in variable HYTHE_SERVER_LISTEN, the first time in variable HYTHE_LISTEN; \
          hint: unset one of the two"
        ]
    );
}

#[test]
fn a_secret_may_be_in_a_file_and_is_never_shown() {
    let start = Start::new()
        .file("secret", "postgres://u:hidden@h/d\n")
        .variable("HYTHE_DATABASE_URL_FILE", "secret");
    assert_eq!(start.config().database.url.reveal(), "postgres://u:hidden@h/d");
    assert!(!format!("{:?}", start.config()).contains("hidden"));
    assert!(start.origin("database.url").ends_with("secret named by HYTHE_DATABASE_URL_FILE"));
    assert_variable_refused(
        "HYTHE_DATABASE_URL_FILE",
        "none",
        "cannot read none named in variable HYTHE_DATABASE_URL_FILE, No such file or directory (os error 2)",
    );
    assert_variable_refused(
        "HYTHE_DATABASE_URL",
        "postgre://u:hidden@h/d",
        "database.url is \"postgre://u:********@h/d\" in variable HYTHE_DATABASE_URL, expected sqlite://PATH or \
         postgres://USER:PASSWORD@HOST/DATABASE; \
         hint: for example HYTHE_DATABASE_URL=postgres://hythe:PASSWORD@db.example.com/hythe",
    );
}

#[test]
fn the_first_password_comes_from_one_of_two_variables() {
    let given = Start::new().variable("HYTHE_ADMIN_PASSWORD", "correct horse");
    assert_eq!(given.load().admin_password.unwrap().reveal(), "correct horse");
    let in_file =
        Start::new().file("password", "correct horse\n").variable("HYTHE_ADMIN_PASSWORD_FILE", "password");
    assert_eq!(in_file.load().admin_password.unwrap().reveal(), "correct horse");
    assert_eq!(
        in_file.variable("HYTHE_ADMIN_PASSWORD", "x").problems(),
        [
            "HYTHE_ADMIN_PASSWORD and HYTHE_ADMIN_PASSWORD_FILE are both set in variable HYTHE_ADMIN_PASSWORD; \
          hint: unset one of the two"
        ]
    );
}

#[test]
fn the_trace_variable_sets_several() {
    let trace = Start::new().variable("HYTHE_TRACE", "sched=1000,watchdog=50").config().trace;
    assert_eq!((trace.sched_ms, trace.watchdog_ms), (1000, 50));
    let start = Start::new().variable("HYTHE_TRACE", "sched=x,gc");
    assert_eq!(
        start.problems(),
        [
            "unknown trace \"gc\" in variable HYTHE_TRACE; hint: known are sched=MILLISECONDS and watchdog=MILLISECONDS",
            "trace.sched_ms is \"x\" in variable HYTHE_TRACE, expected a whole number; hint: for example \
             HYTHE_TRACE=sched=1000",
        ]
    );
}

#[test]
fn variables_that_kubernetes_makes_for_a_service_named_hythe_are_nobodys_mistake() {
    let start = Start::new()
        .variable("HYTHE_SERVICE_HOST", "10.0.0.1")
        .variable("HYTHE_SERVICE_PORT", "5000")
        .variable("HYTHE_SERVICE_PORT_HTTP", "5000")
        .variable("HYTHE_PORT", "tcp://10.0.0.1:5000")
        .variable("HYTHE_PORT_5000_TCP", "tcp://10.0.0.1:5000")
        .variable("HYTHE_PORT_5000_TCP_ADDR", "10.0.0.1");
    start.config();
}

#[test]
fn a_value_that_is_not_utf8_is_named() {
    use std::os::unix::ffi::OsStringExt;
    let mut start = Start::new();
    start.variables.push(("HYTHE_NODE".to_owned(), OsString::from_vec(vec![0xff])));
    assert_eq!(start.problems(), ["a value that is not UTF-8 in variable HYTHE_NODE"]);
}

#[test]
fn the_example_file_changes_nothing_as_it_is_and_is_valid_with_every_line_taken() {
    let plain = example();
    let start = Start::new().file("hythe.toml", &plain);
    start.config();
    assert!(keys().all(|key| start.origin_or_none(key.path).is_none_or(|origin| origin == "default")));

    let lines = plain.lines().map(|line| match line.strip_prefix("# ") {
        Some(setting) if keys().any(|key| setting.starts_with(&format!("{} = ", key.leaf()))) => setting,
        _ => line,
    });
    let taken: Vec<&str> = lines.collect();
    let start = Start::new().file("hythe.toml", &taken.join("\n"));
    start.config();
    for key in keys() {
        assert!(start.origin(key.path).starts_with("hythe.toml:"), "{} is not in the example", key.path);
    }
}

impl Start {
    fn origin_or_none(&self, path: &str) -> Option<String> {
        self.load().sources.effective(path).map(|said| said.origin.to_string())
    }
}

#[test]
fn every_setting_is_documented_and_its_default_and_example_are_valid() {
    for key in keys() {
        assert!(!key.doc.is_empty() && key.doc.iter().all(|line| !line.trim().is_empty()), "{}", key.path);
        for text in [key.default, Some(key.example())].into_iter().flatten() {
            let value = Value::Given(text.replace("<data>", "/data"));
            assert!((key.kind.show)(&value, &PathBuf::from("/")).is_ok(), "{} = {text}", key.path);
        }
    }
}

#[test]
fn no_two_names_are_alike() {
    let mut names: Vec<String> = keys().map(|key| key.variable()).collect();
    // HYTHE_SECRETS_KEY_FILE names the file that holds secrets.key, and so does secrets.key_file.
    let in_file = keys().filter(|key| key.kind.secret && key.path != "secrets.key");
    names.extend(in_file.map(|key| format!("{}_FILE", key.variable())));
    names.extend(SHORT_VARIABLES.iter().chain(SPECIAL_VARIABLES).map(|(name, _)| (*name).to_owned()));
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn every_flag_and_short_variable_stands_for_a_setting() {
    for (_, path) in FLAGS.iter().chain(SHORT_VARIABLES) {
        assert!(keys().any(|key| key.path == *path), "{path}");
    }
    assert!(SECTIONS.iter().all(|section| section.prefix.is_empty() || section.prefix.ends_with('.')));
}

#[test]
fn a_topic_is_a_setting_a_section_or_a_variable() {
    let covers = |name: &str| Topic::find(Some(name)).unwrap().keys().len();
    assert_eq!(covers("database.url"), 1);
    assert_eq!(covers("HYTHE_LISTEN"), 1);
    assert_eq!(covers("[tls]"), 2);
    assert_eq!(covers("HYTHE_TRACE"), 0);
    let nearest = |name: &str| Topic::find(Some(name)).err().unwrap().to_string();
    assert_eq!(nearest("databse.url"), "unknown setting databse.url; hint: did you mean database.url?");
    assert_eq!(nearest("listn"), "unknown setting listn; hint: did you mean server.listen?");
    assert_eq!(nearest("gc.grace"), "unknown setting gc.grace; hint: did you mean gc.grace_hours?");
    assert_eq!(
        nearest("gc.listen"),
        "unknown setting gc.listen; hint: `hythe config explain` lists every setting"
    );
    assert_eq!(
        nearest("HYTHE_GC_GRACE"),
        "unknown setting HYTHE_GC_GRACE; hint: did you mean HYTHE_GC_GRACE_HOURS?"
    );
    assert_eq!(nearest("databse"), "unknown setting databse; hint: did you mean database?");
}

/// What the console says of the settings of a node, which `GET /systeminfo/settings` describes in these words.
#[test]
fn the_console_says_what_each_setting_is_for_in_these_words_and_in_chinese() {
    let console = |language: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../console/src/i18n").join(language);
        let texts: BTreeMap<String, String> =
            serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let about = texts.into_iter().filter(|(name, _)| name.starts_with("settings.about."));
        about.collect::<BTreeMap<_, _>>()
    };
    let words: BTreeMap<String, String> =
        keys().map(|key| (format!("settings.about.{}", key.path), paragraph(key.doc))).collect();
    assert_eq!(console("en.json"), words);
    assert!(console("zh-CN.json").keys().eq(words.keys()), "{:?}", words.keys());
}
