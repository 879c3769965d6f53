"""Labels, of the system and of a project, and on artifacts."""

from harborapi.models import Label

from .walker import has, number, same, shows

PROJECT = "walk"
NAME = "tools/app"


async def walk(walker):
    wanted = Label(name="good", description="is good", color="#0065AB", scope="g")
    good = number(await walker.call("create_label", wanted), "/api/v2.0/labels")
    await walker.refused(409, "create_label", wanted)
    one = await walker.call("get_label", good)
    shows("good", one, id=good, name="good", description="is good", color="#0065AB", scope="g")
    has("good", one, "creation_time", "update_time")
    own = Label(name="own", scope="p", project_id=walker.made["project"], color="#FFFFFF")
    own = number(await walker.call("create_label", own), "/api/v2.0/labels")
    shows("own", await walker.call("get_label", own), scope="p", project_id=walker.made["project"])
    same("global", [label.id for label in await walker.call("get_labels", scope="g")], [good])
    ours = await walker.call("get_labels", scope="p", project_id=walker.made["project"])
    same("of the project", [label.id for label in ours], [own])
    same("by name", [label.id for label in await walker.call("get_labels", scope="g", name="goo")], [good])
    await walker.call("update_label", good, Label(name="better", description="is better", color="#000000", scope="g"))
    shows("better", await walker.call("get_label", good), name="better", description="is better", color="#000000")
    await on_an_artifact(walker, good)
    await walker.call("delete_label", own)
    await walker.refused(404, "get_label", own)


async def on_an_artifact(walker, label):
    await walker.call("add_artifact_label", PROJECT, NAME, "v1", Label(id=label))
    await walker.refused(409, "add_artifact_label", PROJECT, NAME, "v1", Label(id=label))
    one = await walker.call("get_artifact", PROJECT, NAME, "v1", with_label=True)
    same("labels", [one.name for one in one.labels], ["better"])
    by_label = await walker.call("get_artifacts", PROJECT, NAME, query=f"labels=({label})", with_label=True)
    same("by label", [one.digest for one in by_label], [walker.made["amd"]["digest"]])
    await walker.call("delete_artifact_label", PROJECT, NAME, "v1", label)
    same("none left", (await walker.call("get_artifact", PROJECT, NAME, "v1", with_label=True)).labels or [], [])
