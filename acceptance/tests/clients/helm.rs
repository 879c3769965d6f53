//! helm: charts in the registry.

use hythe_acceptance::client::Client;
use hythe_acceptance::workbench::Workbench;

const CHART: &str = "apiVersion: v2\nname: demo\ndescription: a chart\nversion: 1.2.3\nappVersion: \"1\"\n";
const TEMPLATE: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  a: b\n";

struct Helm {
    bench: Workbench,
}

impl Helm {
    fn new() -> Helm {
        let helm = Helm { bench: Workbench::new() };
        helm.bench.write("demo/Chart.yaml", CHART);
        helm.bench.write("demo/templates/map.yaml", TEMPLATE);
        helm.command(&["package", "demo"]).succeeds();
        helm
    }

    fn command(&self, words: &[&str]) -> Client {
        self.bench.client("helm").args(words)
    }

    fn login(&self, password: &str) -> Client {
        let host = self.bench.server.host();
        self.command(&["registry", "login", "--plain-http", "-u", "admin", "-p", password, &host])
    }
}

#[test]
fn signs_in_only_with_the_right_password() {
    let helm = Helm::new();
    let said = helm.login("not-the-password-1").fails();
    assert!(said.contains("401") || said.contains("unauthorized"), "{said}");
    helm.login(&helm.bench.server.administrator().password).succeeds();
}

#[test]
fn a_chart_is_pushed_pulled_shown_and_rendered() {
    let helm = Helm::new();
    helm.login(&helm.bench.server.administrator().password).succeeds();
    let charts = format!("oci://{}", helm.bench.image("library/charts"));
    helm.command(&["push", "--plain-http", "demo-1.2.3.tgz", &charts]).succeeds();
    let chart = format!("{charts}/demo");
    let shown = helm.command(&["show", "chart", "--plain-http", &chart, "--version", "1.2.3"]).succeeds();
    assert!(shown.contains("description: a chart"), "{shown}");
    std::fs::create_dir(helm.bench.path("out")).unwrap();
    helm.command(&["pull", "--plain-http", "-d", "out", &chart]).succeeds();
    let pulled = std::fs::read(helm.bench.path("out/demo-1.2.3.tgz")).unwrap();
    assert_eq!(pulled, std::fs::read(helm.bench.path("demo-1.2.3.tgz")).unwrap());
    let rendered = helm.command(&["template", "mine", "--plain-http", &chart]).succeeds();
    assert!(rendered.contains("name: mine"), "{rendered}");
}
