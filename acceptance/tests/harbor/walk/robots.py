"""Robots of the system and of a project."""

import time

import httpx
from harborapi.models import Access, Robot, RobotCreate, RobotPermission
from harborapi.models.models import RobotCreateV1

from .walker import has, same, shows

PROJECT = "walk"
PULL = Access(resource="repository", action="pull")
PUSH = Access(resource="repository", action="push")


async def walk(walker):
    robot = await create(walker)
    await use(walker, robot)
    await change(walker, robot)
    await of_the_system(walker)
    await by_older_paths(walker)
    await walker.call("delete_robot", robot.id)
    await walker.refused(404, "get_robot", robot.id)


async def create(walker):
    permission = RobotPermission(kind="project", namespace=PROJECT, access=[PULL, PUSH])
    wanted = RobotCreate(name="ci", description="builds", level="project", duration=30, permissions=[permission])
    made = await walker.call("create_robot", wanted)
    has("robot", made, "id", "secret", "creation_time")
    assert made.name.endswith(f"{PROJECT}+ci"), made.name
    assert abs(made.expires_at - time.time() - 30 * 86400) < 3600, made.expires_at
    await walker.refused(409, "create_robot", wanted)
    wrong = RobotCreate(name="Not A Name", level="project", duration=30, permissions=[permission])
    await walker.refused(400, "create_robot", wrong)
    one = await walker.call("get_robot", made.id)
    shows("robot", one, id=made.id, name=made.name, description="builds", level="project", duration=30, disable=False)
    shows("robot", one, editable=True, expires_at=made.expires_at)
    shows("robot's permission", one.permissions[0], kind="project", namespace=PROJECT)
    pairs = {(access.resource, access.action) for access in one.permissions[0].access}
    same("robot's access", pairs, {("repository", "pull"), ("repository", "push")})
    query = f"Level=project,ProjectID={walker.made['project']}"
    same("of the project", [robot.id for robot in await walker.call("get_robots", query=query)], [made.id])
    same("of the system", [robot.id for robot in await walker.call("get_robots")], [])
    return made


async def use(walker, robot):
    theirs = walker.by(robot.name, robot.secret)
    asked = {"service": "harbor-registry", "scope": f"repository:{PROJECT}/tools/app:pull,push"}
    answer = httpx.get(f"{walker.origin}/service/token", params=asked, auth=(robot.name, robot.secret))
    same("its token's status", answer.status_code, 200)
    await walker.refused(403, "get_users", by=theirs)


async def change(walker, robot):
    one = await walker.call("get_robot", robot.id)
    one.description, one.disable, one.duration = "pulls", True, -1
    one.permissions[0].access = [PULL]
    await walker.call("update_robot", robot.id, Robot.model_validate(one.model_dump(mode="json")))
    changed = await walker.call("get_robot", robot.id)
    shows("changed", changed, description="pulls", disable=True, duration=-1, expires_at=-1)
    same("access", [(access.resource, access.action) for access in changed.permissions[0].access], [("repository", "pull")])
    fresh = await walker.call("refresh_robot_secret", robot.id, "Fresh-Secret-1234")
    assert fresh.secret in (None, "", "Fresh-Secret-1234"), "another secret than was asked for"
    await walker.refused(400, "refresh_robot_secret", robot.id, "weak")


async def by_older_paths(walker):
    access = Access(resource=f"/project/{walker.made['project']}/repository", action="pull")
    made = await walker.call("create_robot_v1", PROJECT, RobotCreateV1(name="old", expires_at=-1, access=[access]))
    assert made.secret and made.name.endswith(f"{PROJECT}+old"), made
    one = await walker.call("get_robot_v1", PROJECT, made.id)
    shows("by the older path", one, name=made.name, expires_at=-1, disable=False)
    same("its access", [(part.resource, part.action) for part in one.permissions[0].access], [("repository", "pull")])
    assert made.id in [robot.id for robot in await walker.call("get_robots_v1", PROJECT)], "not listed"
    one.disable = True
    await walker.call("update_robot_v1", PROJECT, made.id, Robot.model_validate(one.model_dump(mode="json")))
    shows("disabled", await walker.call("get_robot_v1", PROJECT, made.id), disable=True)
    await walker.call("delete_robot_v1", PROJECT, made.id)
    await walker.refused(404, "get_robot_v1", PROJECT, made.id)


async def of_the_system(walker):
    everywhere = RobotPermission(kind="project", namespace="*", access=[PULL])
    system = RobotPermission(kind="system", namespace="/", access=[Access(resource="catalog", action="read")])
    wanted = RobotCreate(name="mirror", level="system", duration=-1, permissions=[everywhere, system])
    made = await walker.call("create_robot", wanted)
    same("never expires", made.expires_at, -1)
    one = await walker.call("get_robot", made.id)
    same("kinds", {(part.kind, part.namespace) for part in one.permissions}, {("project", "*"), ("system", "/")})
    same("listed", [robot.id for robot in await walker.call("get_robots")], [made.id])
    same("by name", [robot.id for robot in await walker.call("get_robots", query="name=~mirr")], [made.id])
    await walker.call("delete_robot", made.id)
