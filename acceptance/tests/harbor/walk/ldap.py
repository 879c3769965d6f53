"""A directory: reached, searched, its people taken in; and the test of an OIDC provider."""

from harborapi.models import Configurations, LdapConf, OIDCTestReq

from .walker import same


async def walk(walker):
    await walker.refused(400, "test_oidc", OIDCTestReq(url="http://127.0.0.1:1/nobody-there", verify_cert=False))
    base = walker.given.ldap_base
    conf = LdapConf(
        ldap_url=walker.given.ldap, ldap_base_dn=base, ldap_uid="uid", ldap_scope=2, ldap_verify_cert=False,
        ldap_search_dn=f"cn=search,{base}", ldap_search_password=walker.given.ldap_password,
    )
    same("ping", (await walker.call("ping_ldap", conf)).success, True)
    dead = LdapConf(ldap_url="ldap://127.0.0.1:1", ldap_base_dn=base, ldap_uid="uid", ldap_scope=2)
    same("ping of nobody", (await walker.call("ping_ldap", dead)).success, False)
    await walker.call("update_config", Configurations(**conf.model_dump(exclude_none=True)))
    same("saved", (await walker.call("get_config")).ldap_url.value, walker.given.ldap)
    found = await walker.call("search_ldap_users", "alice")
    same("found", [user.username for user in found], ["alice"])
    await walker.call("update_config", Configurations(ldap_group_base_dn=base, ldap_group_attribute_name="cn"))
    groups = await walker.call("search_ldap_groups", group_name="devs")
    same("groups", [group.group_name for group in groups], ["devs"])
    await walker.call("import_ldap_users", ["alice"])
    same("taken in", (await walker.call("get_user_by_username", "alice")).username, "alice")
