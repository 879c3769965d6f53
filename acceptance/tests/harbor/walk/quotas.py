"""Quotas: listed, read, changed, and what is over them."""

from harborapi.models import QuotaUpdateReq

from .walker import has, same


async def walk(walker):
    ours = str(walker.made["project"])
    listed = await walker.call("get_quotas", reference="project", reference_id=ours)
    same("quotas of the project", len(listed), 1)
    quota = listed[0]
    has("quota", quota, "id", "creation_time", "update_time")
    same("hard", quota.hard.root["storage"], -1)
    assert quota.used.root["storage"] > 0, "nothing is used"
    of = {"id": walker.made["project"], "name": "walk", "owner_name": walker.given.user}
    same("quota's project", quota.ref.root, of)
    one = await walker.call("get_quota", quota.id)
    same("one", (one.id, one.used.root["storage"]), (quota.id, quota.used.root["storage"]))
    same("all", len(await walker.call("get_quotas")), 2)
    await walker.call("update_quota", quota.id, QuotaUpdateReq(hard={"storage": 1 << 30}))
    limited = await walker.call("get_quota", quota.id)
    same("limited", limited.hard.root["storage"], 1 << 30)
    await walker.refused(400, "update_quota", quota.id, QuotaUpdateReq(hard={"storage": -2}))
    await walker.refused(404, "update_quota", 999, QuotaUpdateReq(hard={"storage": -1}))
    await walker.call("update_quota", quota.id, QuotaUpdateReq(hard={"storage": -1}))
    summary = await walker.call("get_project_summary", "walk")
    same("summary", summary.quota.used.root["storage"], quota.used.root["storage"])
