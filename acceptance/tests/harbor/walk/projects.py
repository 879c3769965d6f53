"""Projects, their settings and what they hold."""

from harborapi.models import ProjectMetadata, ProjectReq

from .walker import has, same, shows

NAME = "walk"


async def walk(walker):
    await create(walker)
    await find(walker)
    await change(walker)
    await settings(walker)
    await remove(walker)


async def create(walker):
    same("exists before", await walker.call("project_exists", NAME), False)
    wanted = ProjectReq(project_name=NAME, public=False, metadata=ProjectMetadata(public="false"), storage_limit=-1)
    # The client asks for the name in place of the id (X-Resource-Name-In-Location).
    same("Location", await walker.call("create_project", wanted), f"/api/v2.0/projects/{NAME}")
    walker.made["project"] = (await walker.call("get_project", NAME)).project_id
    await walker.refused(409, "create_project", wanted)
    await walker.refused(400, "create_project", ProjectReq(project_name="Not A Name"))
    same("exists", await walker.call("project_exists", NAME), True)


async def find(walker):
    made = walker.made["project"]
    for name in (NAME, made):
        project = await walker.call("get_project", name)
        shows("project", project, project_id=made, name=NAME, repo_count=0, owner_name=walker.given.user)
        shows("project.metadata", project.metadata, public="false")
        has("project", project, "creation_time", "update_time", "owner_id", "current_user_role_id")
    same("listed", [one.name for one in await walker.call("get_projects", sort="name")], ["library", NAME])
    same("by name", [one.name for one in await walker.call("get_projects", name="wal")], [NAME])
    same("by q", [one.name for one in await walker.call("get_projects", query=f"name={NAME}")], [NAME])
    same("public", [one.name for one in await walker.call("get_projects", public=True)], ["library"])
    same("by owner", len(await walker.call("get_projects", owner="nobody-here")), 0)
    same("page by page", len(await walker.call("get_projects", page_size=1)), 2)
    summary = await walker.call("get_project_summary", NAME)
    shows("summary", summary, repo_count=0, project_admin_count=1, developer_count=0)
    same("summary.quota.hard", summary.quota.hard.root["storage"], -1)
    same("summary.quota.used", summary.quota.used.root["storage"], 0)
    shows("deletable", await walker.call("get_project_deletable", NAME), deletable=True)
    await walker.refused(404, "get_project", "no-such-project")


async def change(walker):
    await walker.call("update_project", NAME, ProjectReq(metadata=ProjectMetadata(public="true", auto_scan="true")))
    shows("changed", (await walker.call("get_project", NAME)).metadata, public="true", auto_scan="true")
    await walker.call("update_project", walker.made["project"], ProjectReq(metadata=ProjectMetadata(public="false")))
    shows("changed back", (await walker.call("get_project", NAME)).metadata, public="false", auto_scan="true")


async def settings(walker):
    shows("metadata", await walker.call("get_project_metadata", NAME), public="false", auto_scan="true")
    await walker.call("set_project_metadata", NAME, ProjectMetadata(prevent_vul="true"))
    one = await walker.call("get_project_metadata_entry", NAME, "prevent_vul")
    same("one", one, {"prevent_vul": "true"})
    await walker.call("update_project_metadata_entry", NAME, "prevent_vul", {"prevent_vul": "false"})
    same("updated", await walker.call("get_project_metadata_entry", NAME, "prevent_vul"), {"prevent_vul": "false"})
    await walker.call("delete_project_metadata_entry", NAME, "prevent_vul")
    await walker.refused(404, "get_project_metadata_entry", NAME, "prevent_vul")


async def remove(walker):
    await walker.call("create_project", ProjectReq(project_name="short-lived"))
    await walker.call("delete_project", "short-lived")
    await walker.refused(404, "get_project", "short-lived")
