"""Repositories, artifacts and tags; the repository has two parts, so that its name is encoded twice."""

from harborapi.models import Repository, Tag

from .content import CHART_FILES, INDEX, MANIFEST, Pusher
from .walker import has, same, shows

PROJECT = "walk"
NAME = "tools/app"
FULL = f"{PROJECT}/{NAME}"


async def walk(walker):
    push(walker)
    await repositories(walker)
    await delete_a_repository(walker)
    await everywhere(walker)
    await image(walker)
    await index(walker)
    await chart(walker)
    await lists(walker)
    await tags(walker)
    await copy(walker)
    await remove(walker)


def push(walker):
    pusher = Pusher(walker.origin, walker.given.user, walker.given.password, FULL)
    amd = pusher.image("amd64", "v1")
    arm = pusher.image("arm64")
    walker.made |= {"amd": amd, "arm": arm, "index": pusher.index([amd, arm], "multi")}
    walker.made |= {"signature": pusher.signature(amd), "chart": pusher.chart("1.2.3")}
    pusher.pull("v1")


async def repositories(walker):
    one = await walker.call("get_repository", PROJECT, NAME)
    shows("repository", one, name=FULL, project_id=walker.made["project"])
    # amd64, the index and the chart; arm64 is a part of the index and the signature an accessory, yet both are artifacts.
    assert one.artifact_count >= 3, one.artifact_count
    has("repository", one, "id", "creation_time", "update_time", "pull_count")
    walker.made["repository"] = one.id
    same("in the project", [repository.name for repository in await walker.call("get_repositories", PROJECT)], [FULL])
    found = await walker.call("get_repositories", PROJECT, query="name=~app", sort="-creation_time")
    same("by q", [repository.name for repository in found], [FULL])
    await walker.call("update_repository", PROJECT, NAME, Repository(description="# An app"))
    shows("described", await walker.call("get_repository", PROJECT, NAME), description="# An app")
    hit = (await walker.call("search", "tools/app")).repository
    same("found", [(one.repository_name, one.project_name, one.project_public) for one in hit], [(FULL, PROJECT, False)])
    assert hit[0].artifact_count >= 3, hit
    await walker.refused(404, "get_repository", PROJECT, "no/such")


async def everywhere(walker):
    assert FULL in {repository.name for repository in await walker.call("get_repositories")}, "not among all"


async def delete_a_repository(walker):
    Pusher(walker.origin, walker.given.user, walker.given.password, f"{PROJECT}/gone").image("amd64", "v1")
    await walker.call("delete_repository", PROJECT, "gone")
    await walker.refused(404, "get_repository", PROJECT, "gone")


async def image(walker):
    digest = walker.made["amd"]["digest"]
    for reference in ("v1", digest):
        one = await walker.call("get_artifact", PROJECT, NAME, reference, with_accessory=True, with_label=True)
        shows("image", one, digest=digest, type="IMAGE", manifest_media_type=MANIFEST, project_id=walker.made["project"])
        shows("image", one, repository_id=walker.made["repository"], media_type="application/vnd.oci.image.config.v1+json")
        same("image.tags", [tag.name for tag in one.tags], ["v1"])
        has("image", one, "id", "push_time", "pull_time", "icon", "extra_attrs")
        assert one.size > walker.made["amd"]["size"], one.size
        attributes = one.extra_attrs.model_dump()
        attributes = attributes.get("root", attributes)
        same("architecture", (attributes["architecture"], attributes["os"]), ("amd64", "linux"))
        same("author", attributes["author"], "the walk")
        same("config", attributes["config"]["Cmd"], ["/app"])
        assert "build_history" in one.addition_links.root, one.addition_links
        same("image.accessories", [one.type for one in one.accessories], ["signature.notation"])
    walker.made["amd id"] = one.id
    await walker.refused(404, "get_artifact", PROJECT, NAME, "no-such-tag")
    accessories = await walker.call("get_artifact_accessories", PROJECT, NAME, "v1")
    same("accessories", [one.digest for one in accessories], [walker.made["signature"]["digest"]])
    shows("accessory", accessories[0], type="signature.notation", subject_artifact_digest=digest, subject_artifact_repo=FULL)
    history = await walker.call("get_artifact_build_history", PROJECT, NAME, "v1")
    same("history", [(one.created_by, one.empty_layer) for one in history], [("COPY app /app", False), ('CMD ["/app"]', True)])
    await icon(walker, one.icon)


async def icon(walker, digest):
    shown = await walker.call("get_icon", digest)
    same("icon", shown.content_type, "image/png")
    assert len(shown.content) > 100, shown.content


async def index(walker):
    one = await walker.call("get_artifact", PROJECT, NAME, "multi")
    shows("index", one, type="IMAGE", manifest_media_type=INDEX, digest=walker.made["index"]["digest"])
    parts = {(part.child_digest, part.platform.architecture, part.platform.os) for part in one.references}
    wanted = {(walker.made[key]["digest"], name, "linux") for key, name in (("amd", "amd64"), ("arm", "arm64"))}
    same("index.references", parts, wanted)


async def chart(walker):
    one = await walker.call("get_artifact", PROJECT, NAME, "1.2.3")
    shows("chart", one, type="CHART", media_type="application/vnd.cncf.helm.config.v1+json")
    links = one.addition_links.root
    same("chart's links", {"readme.md", "values.yaml"} <= set(links), True)
    # The client has no call for these, but says where they are.
    for name, file in (("readme.md", "demo/README.md"), ("values.yaml", "demo/values.yaml")):
        link = links[name].href
        raw = await walker.client.client.get(walker.origin + str(link), auth=(walker.given.user, walker.given.password))
        same(f"{name}'s status", raw.status_code, 200)
        same(name, raw.text, CHART_FILES[file])


async def lists(walker):
    listed = await walker.call("get_artifacts", PROJECT, NAME, with_tag=True, with_accessory=True)
    tagged = {tag.name for one in listed for tag in one.tags or []}
    same("tags of artifacts", tagged, {"v1", "multi", "1.2.3"})
    digests = {one.digest for one in listed}
    assert walker.made["signature"]["digest"] not in digests, "an accessory is listed among artifacts"
    assert walker.made["arm"]["digest"] not in digests, "a part of an index is listed among artifacts"
    by_tag = await walker.call("get_artifacts", PROJECT, NAME, query="tags=v1")
    same("by tag", [one.digest for one in by_tag], [walker.made["amd"]["digest"]])
    charts = await walker.call("get_artifacts", PROJECT, NAME, query="type=CHART")
    same("by type", [one.digest for one in charts], [walker.made["chart"]["digest"]])
    same("page by page", len(await walker.call("get_artifacts", PROJECT, NAME, page_size=1)), len(listed))
    everywhere = await walker.call("get_project_artifacts", PROJECT, with_tag=True)
    assert walker.made["amd"]["digest"] in {one.digest for one in everywhere}, everywhere
    same("repository named", {one.repository_name for one in everywhere}, {FULL})


async def tags(walker):
    where = f"/api/v2.0/projects/{PROJECT}/repositories/tools%2Fapp/artifacts/v1/tags/v2"
    location = await walker.call("create_artifact_tag", PROJECT, NAME, "v1", Tag(name="v2"))
    same("Location", location.replace("tools/app", "tools%2Fapp"), where)
    await walker.refused(409, "create_artifact_tag", PROJECT, NAME, "v1", Tag(name="v2"))
    listed = await walker.call("get_artifact_tags", PROJECT, NAME, "v1", with_immutable_status=True, sort="name")
    same("tags", [tag.name for tag in listed], ["v1", "v2"])
    shows("tag", listed[0], immutable=False, artifact_id=walker.made["amd id"], repository_id=walker.made["repository"])
    has("tag", listed[0], "id", "push_time", "pull_time")
    await walker.call("delete_artifact_tag", PROJECT, NAME, "v1", "v2")
    same("tags left", [tag.name for tag in await walker.call("get_artifact_tags", PROJECT, NAME, "v1")], ["v1"])
    await walker.refused(404, "delete_artifact_tag", PROJECT, NAME, "v1", "v2")


async def copy(walker):
    location = await walker.call("copy_artifact", PROJECT, "copies", f"{FULL}:v1")
    same("Location", location, f"/api/v2.0/projects/{PROJECT}/repositories/copies/artifacts/{walker.made['amd']['digest']}")
    one = await walker.call("get_artifact", PROJECT, "copies", "v1")
    same("copied", one.digest, walker.made["amd"]["digest"])


async def remove(walker):
    await walker.call("delete_artifact", PROJECT, "copies", "v1")
    await walker.refused(404, "get_artifact", PROJECT, "copies", "v1")
    await walker.call("delete_repository", PROJECT, "copies")
    await walker.refused(404, "get_repository", PROJECT, "copies")
    shows("not deletable", await walker.call("get_project_deletable", PROJECT), deletable=False)
    await walker.refused(412, "delete_project", PROJECT)
