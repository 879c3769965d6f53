"""Configuration of the system."""

from harborapi.models import Configurations

from .walker import same


async def walk(walker):
    before = await walker.call("get_config")
    same("auth_mode", before.auth_mode.value, "db_auth")
    same("self_registration", before.self_registration.value, False)
    for name in ("token_expiration", "robot_token_duration", "robot_name_prefix", "project_creation_restriction"):
        item = getattr(before, name)
        assert item is not None and item.editable is not None, f"{name} is missing"
    await walker.call("update_config", Configurations(token_expiration=45, project_creation_restriction="adminonly"))
    after = await walker.call("get_config")
    same("token_expiration", after.token_expiration.value, 45)
    same("restriction", after.project_creation_restriction.value, "adminonly")
    await walker.refused(400, "update_config", Configurations(token_expiration=-5))
    back = Configurations(
        token_expiration=before.token_expiration.value,
        project_creation_restriction=before.project_creation_restriction.value,
    )
    await walker.call("update_config", back)
    await walker.refused(403, "get_config", by=walker.by("ada", "Walker-12345"))
