"""Garbage collection: a run by hand and its log, and the schedule."""

from harborapi.models import Schedule, ScheduleObj

from .walker import ended, has, number, same, shows

PATH = "/api/v2.0/system/gc"


async def walk(walker):
    begun = number(await walker.call("create_gc_schedule", manual(workers=2)), PATH)
    done = await ended(walker, "get_gc_job", begun)
    shows("collection", done, id=begun, job_name="GARBAGE_COLLECTION", job_kind="MANUAL", job_status="Success")
    has("collection", done, "job_parameters", "creation_time", "update_time")
    log = await walker.call("get_gc_log", begun)
    assert log, "the log is empty"
    same("newest first", (await walker.call("get_gc_jobs"))[0].id, begun)
    await walker.refused(404, "get_gc_job", 999999)
    await walker.refused(400, "update_gc_schedule", at("whenever"))
    await walker.call("update_gc_schedule", at("0 0 3 * * 0"))
    one = (await walker.call("get_gc_schedule")).schedule
    same("type", one.type.value, "Custom")
    shows("schedule", one, cron="0 0 3 * * 0")
    has("schedule", one, "next_scheduled_time")
    await walker.call("update_gc_schedule", Schedule(schedule=ScheduleObj(type="None")))
    same("no schedule", (await walker.call("get_gc_schedule")).schedule.type.value, "None")


def manual(**parameters):
    return Schedule(schedule=ScheduleObj(type="Manual"), parameters=parameters)


def at(cron, **parameters):
    return Schedule(schedule=ScheduleObj(type="Custom", cron=cron), parameters=parameters)
