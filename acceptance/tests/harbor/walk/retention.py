"""Retention of a project: its policy, a dry run, and what that says."""

import asyncio

from harborapi.models import (
    RetentionPolicy, RetentionPolicyScope, RetentionRule, RetentionRuleTrigger, RetentionSelector,
)

from .walker import has, number, same, shows

PROJECT = "walk"


async def walk(walker):
    offered = await walker.call("get_retention_metadata")
    same("templates", len(offered.templates), 7)
    made = number(await walker.call("create_retention_policy", policy(walker, 5)), "/api/v2.0/retentions")
    same("id", await walker.call("get_project_retention_id", PROJECT), made)
    await walker.refused(400, "create_retention_policy", policy(walker, 5))
    await walker.call("update_retention_policy", made, policy(walker, 100))
    one = await walker.call("get_retention_policy", made)
    shows("policy", one, id=made, algorithm="or")
    same("rule", (one.rules[0].template, one.rules[0].params), ("latestPushedK", {"latestPushedK": 100}))
    await dry_run(walker, made)
    await walker.call("delete_retention_policy", made)
    await walker.refused(404, "get_retention_policy", made)


async def dry_run(walker, policy_id):
    path = f"/api/v2.0/retentions/{policy_id}/executions"
    begun = number(await walker.call("start_retention_execution", policy_id, dry_run=True), path)
    for _ in range(100):
        execution = (await walker.call("get_retention_executions", policy_id))[0]
        if execution.status != "InProgress":
            break
        await asyncio.sleep(0.1)
    shows("execution", execution, id=begun, policy_id=policy_id, status="Succeed", trigger="Manual", dry_run=True)
    has("execution", execution, "start_time", "end_time")
    tasks = await walker.call("get_retention_tasks", policy_id, begun)
    assert tasks, "no repository was looked at"
    shows("task", tasks[0], execution_id=begun, status="Success", retained=tasks[0].total)
    log = await walker.call("get_retention_execution_task_log", policy_id, begun, tasks[0].id)
    assert "RETAIN" in log, log
    await walker.call("stop_retention_execution", policy_id, begun)


def policy(walker, count):
    tags = RetentionSelector(kind="doublestar", decoration="matches", pattern="**", extras='{"untagged":true}')
    repositories = RetentionSelector(kind="doublestar", decoration="repoMatches", pattern="**")
    rule = RetentionRule(
        disabled=False, action="retain", template="latestPushedK", params={"latestPushedK": count},
        tag_selectors=[tags], scope_selectors={"repository": [repositories]},
    )
    return RetentionPolicy(
        algorithm="or", rules=[rule],
        trigger=RetentionRuleTrigger(kind="Schedule", settings={"cron": ""}, references={}),
        scope=RetentionPolicyScope(level="project", ref=walker.made["project"]),
    )
