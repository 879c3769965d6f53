"""User groups."""

from harborapi.models import UserGroup

from .walker import number, same, shows

LDAP = 1
OIDC = 3


async def walk(walker):
    wanted = UserGroup(group_name="crew", group_type=OIDC)
    crew = number(await walker.call("create_usergroup", wanted), "/api/v2.0/usergroups")
    walker.made["crew"] = crew
    await walker.refused(409, "create_usergroup", wanted)
    shows("crew", await walker.call("get_usergroup", crew), group_name="crew", group_type=OIDC)
    assert crew in {group.id for group in await walker.call("get_usergroups")}, "crew is not listed"
    same("by name", [group.id for group in await walker.call("get_usergroups", group_name="crew")], [crew])
    found = await walker.call("search_usergroups", "crew")
    same("found", [(group.id, group.group_name, group.group_type) for group in found], [(crew, "crew", OIDC)])
    await of_a_directory(walker)


async def of_a_directory(walker):
    name = f"cn=devs,ou=groups,{walker.given.ldap_base}"
    wanted = UserGroup(group_name="devs", group_type=LDAP, ldap_group_dn=name)
    devs = number(await walker.call("create_usergroup", wanted), "/api/v2.0/usergroups")
    shows("devs", await walker.call("get_usergroup", devs), group_name="devs", group_type=LDAP, ldap_group_dn=name)
    # A group of a provider is known by its name alone; one of a directory may be called what one likes.
    wanted.group_name = "the devs"
    await walker.call("update_usergroup", devs, wanted)
    shows("devs, renamed", await walker.call("get_usergroup", devs), group_name="the devs")
    await walker.call("delete_usergroup", devs)
    await walker.refused(404, "get_usergroup", devs)
