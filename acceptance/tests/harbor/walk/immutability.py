"""Immutable tag rules of a project."""

from harborapi.models import ImmutableRule, ImmutableSelector

from .walker import number, same, shows

PROJECT = "walk"


async def walk(walker):
    path = f"/api/v2.0/projects/{walker.made['project']}/immutabletagrules"
    made = number(await walker.call("create_project_immutable_tag_rule", PROJECT, rule("kept-*")), path)
    await walker.refused(409, "create_project_immutable_tag_rule", PROJECT, rule("kept-*"))
    listed = await walker.call("get_project_immutable_tag_rules", PROJECT)
    same("rules", [one.id for one in listed], [made])
    shows("rule", listed[0], disabled=False, action="immutable", template="immutable_template")
    same("pattern", listed[0].tag_selectors[0].pattern, "kept-*")
    await walker.call("enable_project_immutable_tagrule", PROJECT, made, enabled=False)
    listed = await walker.call("get_project_immutable_tag_rules", PROJECT)
    same("disabled", (listed[0].disabled, listed[0].tag_selectors[0].pattern), (True, "kept-*"))
    await walker.call("update_project_immutable_tag_rule", PROJECT, made, rule("held-*"))
    listed = await walker.call("get_project_immutable_tag_rules", PROJECT)
    same("changed", (listed[0].disabled, listed[0].tag_selectors[0].pattern), (False, "held-*"))
    await walker.call("delete_project_immutable_tag_rule", PROJECT, made)
    await walker.refused(404, "delete_project_immutable_tag_rule", PROJECT, made)


def rule(pattern):
    tags = ImmutableSelector(kind="doublestar", decoration="matches", pattern=pattern)
    repositories = ImmutableSelector(kind="doublestar", decoration="repoMatches", pattern="**")
    return ImmutableRule(
        disabled=False, action="immutable", template="immutable_template", tag_selectors=[tags],
        scope_selectors={"repository": [repositories]},
    )
