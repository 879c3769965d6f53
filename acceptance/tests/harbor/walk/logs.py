"""Audit logs, Harbor's older form, which is what this client knows."""

from .walker import has, same, shows


async def walk(walker):
    logs = await walker.call("get_audit_logs", page_size=100)
    newest = [log.op_time for log in logs]
    same("newest first", newest, sorted(newest, reverse=True))
    seen = {(log.operation, log.resource_type, log.resource) for log in logs}
    assert ("create", "project", "walk") in seen, seen
    for log in logs:
        has("log", log, "id", "username", "resource", "resource_type", "operation", "op_time")
    created = await walker.call("get_audit_logs", query="operation=create,resource=walk")
    same("by q", [(log.operation, log.resource) for log in created], [("create", "walk")])
    shows("who", created[0], username=walker.given.user, resource_type="project")
    ours = await walker.call("get_project_logs", "walk", page_size=100)
    pushed = {log.resource for log in ours if (log.operation, log.resource_type) == ("create", "artifact")}
    assert any(resource.startswith("walk/tools/app") for resource in pushed), pushed
    assert not any(log.resource == "short-lived" for log in ours), "another project's log"
