"""The purge of the audit log: a dry run and its log, and the schedule."""

from .garbage import at, manual
from .walker import ended, has, number, same, shows

PATH = "/api/v2.0/system/purgeaudit"
OLD = {"audit_retention_hour": 240, "include_event_types": "create_artifact"}


async def walk(walker):
    begun = number(await walker.call("create_purge_job_schedule", manual(**OLD, dry_run=True)), PATH)
    done = await ended(walker, "get_purge_job", begun)
    shows("purge", done, id=begun, job_name="PURGE_AUDIT_LOG", job_kind="MANUAL", job_status="Success")
    has("purge", done, "job_parameters", "creation_time", "update_time")
    log = await walker.call("get_purge_job_log", begun)
    assert "dry run" in log, log
    same("newest first", (await walker.call("get_purge_job_history"))[0].id, begun)
    await walker.call("stop_purge_job", begun)
    await walker.refused(404, "get_purge_job", 999999)
    await walker.refused(400, "update_purge_job_schedule", at("whenever", **OLD))
    await walker.call("update_purge_job_schedule", at("0 0 4 * * *", **OLD))
    one = (await walker.call("get_purge_job_schedule")).schedule
    same("type", one.type.value, "Custom")
    shows("schedule", one, cron="0 0 4 * * *")
