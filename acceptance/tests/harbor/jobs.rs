//! Jobs, schedules and the purge of the audit log, as Harbor's clients ask for them.

use std::time::Duration;

use hythe_acceptance::workbench::Workbench;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::Api;

/// The execution once it has ended.
fn ended(api: &Api, path: &str) -> Value {
    for _ in 0..200 {
        let execution = api.get(path);
        if !["Pending", "Running"].contains(&execution["job_status"].as_str().unwrap()) {
            return execution;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{path} does not end: {}", api.get(path));
}

/// Those of the purge; others come with the product.
fn schedules(api: &Api) -> Vec<Value> {
    let listed = api.get("/schedules?page_size=100");
    let of_purge = |schedule: &&Value| schedule["vendor_type"] == "PURGE_AUDIT_LOG";
    listed.as_array().unwrap().iter().filter(of_purge).cloned().collect()
}

#[test]
fn a_purge_is_run_seen_and_told_of() {
    let bench = Workbench::new();
    let api = Api::of(&bench.server);
    let purge = json!({ "schedule": { "type": "Manual" },
        "parameters": { "audit_retention_hour": 24, "include_event_types": "create_artifact,other", "dry_run": true } });
    let id = api.make("/system/purgeaudit/schedule", &purge);
    let done = ended(&api, &format!("/system/purgeaudit/{id}"));
    assert_eq!((&done["job_status"], &done["job_kind"]), (&json!("Success"), &json!("MANUAL")), "{done}");
    assert_eq!(done["job_name"], "PURGE_AUDIT_LOG");
    let parameters: Value = serde_json::from_str(done["job_parameters"].as_str().unwrap()).unwrap();
    assert_eq!(parameters["audit_retention_hour"], 24);
    for path in [format!("/system/purgeaudit/{id}/log"), format!("/jobservice/jobs/{id}/log")] {
        let log = api.get(&path);
        assert!(
            log.as_str()
                .unwrap()
                .ends_with(" would remove 0 events older than 24 hours; this was a dry run\n"),
            "{log}"
        );
    }
    assert_eq!(api.get("/system/purgeaudit")[0]["id"], done["id"]);
    assert_eq!(api.get("/jobs?q=kind=PURGE_AUDIT_LOG,state=succeeded")[0]["id"], done["id"]);
    let job = api.get(&format!("/jobs/{id}"));
    assert_eq!((&job["state"], &job["created_by"]), (&json!("succeeded"), &json!("admin")), "{job}");
    let (status, said) = api.send(&Method::PUT, "/jobs/999999/stop", None);
    assert_eq!(status, StatusCode::NOT_FOUND, "{said}");
}

#[test]
fn a_schedule_is_set_changed_and_ended() {
    let bench = Workbench::new();
    let api = Api::of(&bench.server);
    let path = "/system/purgeaudit/schedule";
    let set = |kind: &str, cron: &str, zone: &str| {
        json!({ "schedule": { "type": kind, "cron": cron, "time_zone": zone },
            "parameters": { "audit_retention_hour": 48, "include_event_types": "other" } })
    };
    assert_eq!(api.get(path)["schedule"]["type"], "None", "none yet");
    api.change(&Method::POST, path, &set("Daily", "0 0 0 * * *", ""));
    let daily = api.get(path);
    assert_eq!(daily["schedule"]["type"], "Daily");
    assert_eq!(daily["schedule"]["cron"], "0 0 0 * * *");
    assert!(daily["schedule"]["next_scheduled_time"].as_str().unwrap().ends_with("T00:00:00Z"), "{daily}");
    api.change(&Method::PUT, path, &set("Custom", "0 30 4 * * 1", "Europe/Berlin"));
    let listed = schedules(&api);
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(
        (&listed[0]["cron"], &listed[0]["time_zone"]),
        (&json!("0 30 4 * * 1"), &json!("Europe/Berlin"))
    );
    for (kind, cron) in [("Custom", "whenever"), ("Custom", "* * * * * *"), ("Yearly", "")] {
        let (status, said) = api.send(&Method::PUT, path, Some(&set(kind, cron, "")));
        assert_eq!(status, StatusCode::BAD_REQUEST, "{said}");
    }
    api.change(&Method::PUT, path, &json!({ "schedule": { "type": "None" } }));
    assert_eq!(api.get(path)["schedule"]["type"], "None");
    assert_eq!(schedules(&api), Vec::<Value>::new());
}

#[test]
fn queues_are_held_back_and_let_go() {
    let bench = Workbench::new();
    let api = Api::of(&bench.server);
    let queue = "/jobservice/queues/PURGE_AUDIT_LOG";
    api.change(&Method::PUT, queue, &json!({ "action": "pause" }));
    let purge = json!({ "schedule": { "type": "Manual" }, "parameters": { "audit_retention_hour": 1 } });
    let id = api.make("/system/purgeaudit/schedule", &purge);
    std::thread::sleep(Duration::from_millis(1500));
    let shown = api.get("/jobservice/queues");
    let held = shown.as_array().unwrap().iter().find(|queue| queue["job_type"] == "PURGE_AUDIT_LOG").unwrap();
    assert_eq!((&held["count"], &held["paused"]), (&json!(1), &json!(true)), "{shown}");
    api.change(&Method::PUT, queue, &json!({ "action": "resume" }));
    assert_eq!(ended(&api, &format!("/system/purgeaudit/{id}"))["job_status"], "Success");
    api.change(&Method::PUT, "/jobservice/queues/all", &json!({ "action": "pause" }));
    assert_eq!(api.get("/schedules/all/paused"), json!({ "paused": true }));
    let id = api.make("/system/purgeaudit/schedule", &purge);
    api.change(&Method::PUT, queue, &json!({ "action": "stop" }));
    assert_eq!(api.get(&format!("/jobs/{id}"))["message"], "stopped by admin");
    let pools = api.get("/jobservice/pools");
    assert_eq!((pools.as_array().unwrap().len(), &pools[0]["concurrency"]), (1, &json!(2)), "{pools}");
    assert_eq!(api.get("/jobservice/pools/all/workers"), json!([]));
}
