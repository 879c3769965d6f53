//! The Terraform provider goharbor/harbor, driven by tofu and, where the machine has it, by terraform.

use std::os::unix::fs::symlink;
use std::path::Path;

use hythe_acceptance::client::{Client, is_there};
use hythe_acceptance::directory::{self, Directory};
use hythe_acceptance::workbench::{Workbench, json};
use serde_json::{Value, json};

use crate::api::Api;

const CONFIGURATION: &str = include_str!("terraform/main.tf");
const PROVIDER: &str = "registry.terraform.io/goharbor/harbor/3.12.4/linux_amd64";

/// A working folder of one of the two programs, a server, and a directory that the configuration points to.
struct Plans {
    program: &'static str,
    bench: Workbench,
    people: Directory,
}

impl Plans {
    fn new(program: &'static str) -> Plans {
        let bench = Workbench::new();
        let people = Directory::start("plans", &["alice"]);
        people.add_group("devs", &[people.person("alice")]);
        bench.write("main.tf", CONFIGURATION);
        let mirror = bench.path("mirror");
        std::fs::create_dir_all(mirror.join(PROVIDER)).unwrap();
        let built = hythe_acceptance::client::find("terraform-provider-harbor").unwrap();
        symlink(built, mirror.join(PROVIDER).join("terraform-provider-harbor_v3.12.4")).unwrap();
        bench.write("cli.tfrc", cli_configuration(&mirror));
        let plans = Plans { program, bench, people };
        plans.run(&["init", "-input=false"]).succeeds();
        plans
    }

    fn run(&self, words: &[&str]) -> Client {
        let administrator = self.bench.server.administrator();
        self.bench
            .client(self.program)
            .args(words)
            .variable("TF_CLI_CONFIG_FILE", self.bench.path("cli.tfrc"))
            .variable("CHECKPOINT_DISABLE", "1")
            .variable("HARBOR_URL", format!("http://{}", self.bench.server.host()))
            .variable("HARBOR_USERNAME", administrator.name)
            .variable("HARBOR_PASSWORD", administrator.password)
            .variable("TF_VAR_ldap_url", self.people.url())
            .variable("TF_VAR_ldap_base", self.people.base())
            .variable("TF_VAR_ldap_password", directory::PASSWORD)
    }

    fn apply(&self, changed: bool) -> Value {
        let changed = format!("-var=changed={changed}");
        self.run(&["apply", "-input=false", "-auto-approve", "-no-color", &changed]).succeeds();
        // 0: nothing to do. With 2 for a difference, the client's call fails and shows the plan.
        self.run(&["plan", "-input=false", "-detailed-exitcode", "-no-color", &changed]).succeeds();
        json(&self.run(&["output", "-json", "seen"]).succeeds())
    }
}

/// Providers come from the folder alone: nothing is asked of any network.
fn cli_configuration(mirror: &Path) -> String {
    format!(
        "disable_checkpoint = true\nprovider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n",
        mirror.display()
    )
}

fn a_plan_is_applied_changed_and_destroyed(program: &'static str) {
    if !is_there("terraform-provider-harbor") {
        return;
    }
    let plans = Plans::new(program);
    let api = Api::of(&plans.bench.server);
    let before = api.inventory();
    assert_eq!(
        plans.apply(false),
        json!({
            "team": false, "public": ["library", "shared"], "ada": ["Ada ada@old.test false"], "groups": ["crew"],
            "members": { "ada": "developer", "admin": "projectadmin", "bob": "limitedguest" },
            "crew": { "crew": "guest" }, "robots": { "bot+team+ci": false }, "system": "bot+mirror",
        })
    );
    assert_eq!(api.settings(&["token_expiration", "auth_mode"]), json!([40, "ldap_auth"]));
    assert_eq!(api.get("/system/purgeaudit/schedule")["schedule"]["type"], "Daily");
    assert_eq!(
        plans.apply(true),
        json!({
            "team": true, "public": ["library", "shared", "team"], "ada": ["Ada L. ada@new.test true"],
            "groups": ["crew"], "crew": { "crew": "projectadmin" }, "robots": { "bot+team+ci": true },
            "members": { "ada": "maintainer", "admin": "projectadmin", "bob": "limitedguest" },
            "system": "bot+mirror",
        })
    );
    assert_eq!(api.settings(&["token_expiration", "project_creation_restriction"]), json!([20, "everyone"]));
    assert_eq!(api.get("/system/purgeaudit/schedule")["schedule"]["cron"], "0 30 3 * * *");
    api.by("ada", "Terraform-54321").get("/users/current");
    plans.run(&["destroy", "-input=false", "-auto-approve", "-no-color", "-var=changed=true"]).succeeds();
    assert_eq!(api.inventory(), before);
    assert_eq!(api.get("/system/purgeaudit/schedule")["schedule"]["type"], "None");
}

#[test]
fn tofu_applies_changes_and_destroys() {
    a_plan_is_applied_changed_and_destroyed("tofu");
}

#[test]
fn terraform_applies_changes_and_destroys() {
    if hythe_acceptance::client::find("terraform").is_none() {
        eprintln!("this machine has no terraform; tofu stands for it");
        return;
    }
    a_plan_is_applied_changed_and_destroyed("terraform");
}
