"""Members of a project: users and groups."""

from harborapi.models import ProjectMember, RoleRequest, UserEntity

from .walker import number, same, shows

PROJECT = "walk"


async def walk(walker):
    prefix = f"/api/v2.0/projects/{walker.made['project']}/members"
    ada = ProjectMember(role_id=2, member_user=UserEntity(username="ada"))
    ada = number(await walker.call("add_project_member", PROJECT, ada), prefix)
    bob = number(await walker.call("add_project_member_user", PROJECT, walker.made["bob"], 3), prefix)
    crew = number(await walker.call("add_project_member_group", PROJECT, walker.made["crew"], 4), prefix)
    await walker.refused(409, "add_project_member_user", PROJECT, "ada", 2)
    await walker.refused(404, "add_project_member_user", PROJECT, "no-such-user", 2)
    one = await walker.call("get_project_member", PROJECT, ada)
    shows("ada", one, id=ada, project_id=walker.made["project"], entity_name="ada", entity_type="u")
    shows("ada", one, entity_id=walker.made["ada"], role_id=2, role_name="developer")
    group = await walker.call("get_project_member", PROJECT, crew)
    shows("crew", group, entity_name="crew", entity_type="g", entity_id=walker.made["crew"], role_name="maintainer")
    listed = await walker.call("get_project_members", PROJECT)
    assert {ada, bob, crew} <= {member.id for member in listed}, listed
    same("by name", [member.id for member in await walker.call("get_project_members", PROJECT, entity_name="bob")], [bob])
    await walker.call("update_project_member_role", PROJECT, bob, RoleRequest(role_id=1))
    shows("bob", await walker.call("get_project_member", PROJECT, bob), role_id=1, role_name="projectAdmin")
    await walker.call("remove_project_member", PROJECT, bob)
    await walker.refused(404, "get_project_member", PROJECT, bob)
    shows("summary", await walker.call("get_project_summary", PROJECT), developer_count=1, maintainer_count=1)
