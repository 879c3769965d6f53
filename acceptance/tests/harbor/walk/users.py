"""Local users, and who the caller is."""

from harborapi.models import UserCreationReq, UserProfile

from .walker import has, number, same, shows

PASSWORD = "Walker-12345"


async def walk(walker):
    me = await walker.call("get_current_user")
    shows("current user", me, username=walker.given.user, sysadmin_flag=True)
    may = await walker.call("get_current_user_permissions", scope="/project/1", relative=True)
    assert ("repository", "push") in {(one.resource, one.action) for one in may}, "the administrator may not push"
    await create(walker)
    await change(walker)
    await find(walker)
    await remove(walker)


async def create(walker):
    wanted = UserCreationReq(
        username="ada", email="ada@walk.test", realname="Ada L.", comment="counts", password=PASSWORD
    )
    walker.made["ada"] = number(await walker.call("create_user", wanted), "/api/v2.0/users")
    await walker.refused(409, "create_user", wanted)
    await walker.refused(400, "create_user", UserCreationReq(username="weak", password="weak"))
    made = await walker.call("get_user", walker.made["ada"])
    shows("ada", made, user_id=walker.made["ada"], username="ada", email="ada@walk.test", realname="Ada L.")
    shows("ada", made, comment="counts", sysadmin_flag=False, admin_role_in_auth=False)
    has("ada", made, "creation_time", "update_time")
    bob = UserCreationReq(username="bob", email="bob@walk.test", realname="Bob", password=PASSWORD)
    walker.made["bob"] = number(await walker.call("create_user", bob), "/api/v2.0/users")


async def change(walker):
    ada = walker.made["ada"]
    await walker.call("update_user", ada, UserProfile(email="ada@new.test", realname="Ada", comment="still counts"))
    changed = await walker.call("get_user", ada)
    shows("ada, changed", changed, email="ada@new.test", realname="Ada", comment="still counts")
    await walker.call("set_user_admin", ada, True)
    same("ada's flag", (await walker.call("get_user", ada)).sysadmin_flag, True)
    await walker.call("set_user_admin", ada, False)
    same("ada's flag", (await walker.call("get_user", ada)).sysadmin_flag, False)
    await walker.call("set_user_password", ada, "Walker-54321")
    theirs = walker.by("ada", "Walker-54321")
    shows("ada by herself", await walker.call("get_current_user", by=theirs), username="ada", sysadmin_flag=False)
    await walker.call("set_user_password", ada, PASSWORD, "Walker-54321", by=theirs)
    await walker.refused(401, "get_current_user", by=theirs)
    # Harbor has CLI secrets for users of OIDC alone and refuses this for all others.
    await walker.refused(412, "set_user_cli_secret", ada, "Walker-99999")


async def find(walker):
    by_name = await walker.call("get_user_by_username", "ada")
    same("ada by name", by_name.user_id, walker.made["ada"])
    listed = await walker.call("get_users", sort="username")
    names = [user.username for user in listed]
    same("users in order", names, sorted(names))
    assert {"ada", "bob"} <= set(names), names
    same("users by q", [user.username for user in await walker.call("get_users", query="username=~ad")], ["ada", "admin"])
    found = await walker.call("search_users_by_username", "bo")
    same("users found", [(user.user_id, user.username) for user in found], [(walker.made["bob"], "bob")])
    pages = await walker.call("get_users", page_size=1)
    same("users page by page", len(pages), len(listed))
    ada = walker.by("ada", PASSWORD)
    await walker.refused(403, "get_users", by=ada)
    await walker.refused(403, "get_user", walker.made["bob"], by=ada)


async def remove(walker):
    carl = UserCreationReq(username="carl", email="carl@walk.test", realname="Carl", password=PASSWORD)
    carl = number(await walker.call("create_user", carl), "/api/v2.0/users")
    await walker.call("delete_user", carl)
    await walker.refused(404, "get_user", carl)
    await walker.refused(404, "delete_user", carl)
