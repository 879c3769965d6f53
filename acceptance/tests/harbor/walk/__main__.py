"""Walks every call that harborapi knows: python -m walk HOST:PORT USER PASSWORD --ldap URL ...

Prints a table of the calls and of what went wrong; ends with 1 if anything did, or if the client has a call that is
neither walked nor named in later.py.
"""

import argparse
import asyncio
import sys

from harborapi import HarborAsyncClient

from . import (
    artifacts, configuration, garbage, groups, immutability, labels, ldap, logs, members, projects, purges, quotas,
    retention, robots, system, users,
)
from .walker import Walker

# In this order: later nouns use what earlier ones made.
NOUNS = [
    system, users, groups, projects, members, artifacts, labels, robots, quotas, immutability, retention, garbage, logs,
    purges, configuration, ldap,
]


async def main() -> int:
    parser = argparse.ArgumentParser(prog="walk")
    parser.add_argument("host", help="HOST:PORT")
    parser.add_argument("user")
    parser.add_argument("password")
    parser.add_argument("--ldap", required=True, help="a directory in which there are alice and the group devs")
    parser.add_argument("--ldap-base", required=True)
    parser.add_argument("--ldap-password", required=True, help="of cn=search below the base")
    given = parser.parse_args()
    client = HarborAsyncClient(
        url=f"http://{given.host}/api/v2.0", username=given.user, secret=given.password, retry=None, max_logs=1
    )
    walker = Walker(client, given)
    for noun in NOUNS:
        await walker.through(noun)
    return walker.report()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
