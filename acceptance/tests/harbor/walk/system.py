"""What the server says of itself."""

from .walker import has, same, shows


async def walk(walker):
    same("ping", await walker.call("ping"), "Pong")
    health = await walker.call("health_check")
    same("health.status", health.status, "healthy")
    assert health.components, "health names no component"
    for component in health.components:
        shows(f"component {component.name}", component, status="healthy")
    info = await walker.call("get_system_info")
    shows("systeminfo", info, auth_mode="db_auth", self_registration=False, read_only=False)
    has("systeminfo", info, "harbor_version", "registry_url", "external_url", "current_time", "has_ca_root")
    same("systeminfo.registry_url", info.registry_url, walker.origin.removeprefix("http://"))
    same("systeminfo.external_url", info.external_url, walker.origin)
    volumes = await walker.call("get_system_volume_info")
    assert volumes.storage and volumes.storage[0].total > 0, "no volume has a size"
    # The client does not look at the status of a file.
    same("certificate", (await walker.call("get_system_certificate")).response.status_code, 404)
    counted = await walker.call("get_statistics")
    shows("statistics", counted, total_project_count=1, public_project_count=1, private_project_count=0)
    has("statistics", counted, "total_repo_count", "total_storage_consumption")
    found = await walker.call("search", "libr")
    same("projects found", [project.name for project in found.project], ["library"])
    same("repositories found", found.repository, [])
    permitted = await walker.call("get_permissions")
    pairs = {(permission.resource, permission.action) for permission in permitted.project}
    assert {("repository", "pull"), ("repository", "push"), ("tag", "create"), ("log", "list")} <= pairs, pairs
    assert ("project", "create") in {(permission.resource, permission.action) for permission in permitted.system}
