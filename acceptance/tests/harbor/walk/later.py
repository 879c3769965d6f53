"""Calls of things that the server does not have yet, with what they are for."""

LATER = {
    "replication": [
        "check_registry_status", "create_registry", "create_replication_policy", "delete_registry",
        "delete_replication_policy", "get_registries", "get_registry", "get_registry_adapters", "get_registry_info",
        "get_registry_providers", "get_replication", "get_replication_policies", "get_replication_policy",
        "get_replication_task_log", "get_replication_tasks", "get_replications", "start_replication",
        "stop_replication", "update_registry", "update_replication_policy",
    ],
    "scanning": [
        "create_scan_all_schedule", "create_scanner", "delete_scanner", "download_scan_export", "export_scan_data",
        "get_artifact_scan_report_log", "get_artifact_vulnerability_reports", "get_cve_allowlist",
        "get_project_scanner", "get_project_scanner_candidates", "get_scan_all_metrics", "get_scan_all_schedule",
        "get_scan_export", "get_scan_exports", "get_scanner", "get_scanner_metadata", "get_scanners",
        "ping_scanner_adapter", "scan_artifact", "set_default_scanner", "set_project_scanner", "stop_artifact_scan",
        "stop_scan_all_job", "update_cve_allowlist", "update_scan_all_schedule", "update_scanner",
    ],
    "webhooks": [
        "create_webhook_policy", "delete_webhook_policy", "get_webhook_jobs", "get_webhook_policies",
        "get_webhook_policy", "get_webhook_policy_last_trigger", "get_webhook_supported_events",
        "update_webhook_policy",
    ],
}
