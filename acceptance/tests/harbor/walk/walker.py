"""The walker: calls, what came of them, and which calls were never made."""

import asyncio
import inspect
import re
import traceback

from harborapi import HarborAsyncClient
from harborapi.exceptions import StatusError

from .later import LATER


class Walker:
    """Calls the client by name and writes down what it called."""

    def __init__(self, client, given):
        self.client = client
        self.given = given
        self.made = {}
        self.rows = []
        self.failures = []
        self.part = ""

    async def through(self, noun):
        """Walks one noun to its end or its first failure."""
        self.part = noun.__name__.rpartition(".")[2]
        try:
            await noun.walk(self)
        except Exception as error:  # what fails is told at the end, beside everything else that does
            where = traceback.extract_tb(error.__traceback__)
            line = next((frame.lineno for frame in reversed(where) if frame.filename == noun.__file__), 0)
            self.failures.append(f"{self.part}.py:{line}: {type(error).__name__}: {told(error)}")

    async def call(self, name, /, *words, by=None, **named):
        """One call; its answer as the client's model."""
        client = by or self.client
        answer = await getattr(client, name)(*words, **named)
        last = client.last_response
        self.rows.append((self.part, name, last.method, path(last.url), last.status_code))
        return answer

    async def refused(self, status, name, /, *words, by=None, **named):
        """One call that must end with this status and Harbor's envelope."""
        client = by or self.client
        try:
            await getattr(client, name)(*words, **named)
        except StatusError as error:
            same(f"{name}'s status", error.status_code, status)
            assert error.errors and error.errors[0].code and error.errors[0].message, f"{name} has no envelope"
            last = client.last_response
            self.rows.append((self.part, name, last.method, path(last.url), last.status_code))
            return error
        raise AssertionError(f"{name} should be refused with {status}")

    def by(self, user, password):
        """The client of somebody else."""
        return HarborAsyncClient(url=self.client.url, username=user, secret=password, retry=None, max_logs=1)

    @property
    def origin(self):
        """http://HOST:PORT."""
        return self.client.url.removesuffix("/api/v2.0")

    def report(self):
        """Prints the table; 0 if all went well."""
        for part, name, method, where, status in self.rows:
            print(f"{part:<14} {name:<34} {method:<6} {status}  {where}")
        known = {name for name, _ in inspect.getmembers(HarborAsyncClient, inspect.iscoroutinefunction)}
        known -= {name for name in known if name.startswith("_")} | PLUMBING
        # Newer Pythons see through what marks the old names of calls.
        known -= {name for name in known if hasattr(getattr(HarborAsyncClient, name), "__deprecated__")}
        walked = {name for _, name, *_ in self.rows}
        reasons = {name: reason for reason, names in LATER.items() for name in names}
        self.failures += [f"never called: {name}" for name in sorted(known - walked - reasons.keys())]
        self.failures += [f"called and yet named in later.py: {name}" for name in sorted(walked & reasons.keys())]
        self.failures += [f"in later.py, but the client has no {name}" for name in sorted(reasons.keys() - known)]
        for reason, names in LATER.items():
            print(f"not yet here, {reason}: {', '.join(names)}")
        for failure in self.failures:
            print(f"FAILED {failure}")
        print(f"{len(walked)} of {len(known)} calls walked, {len(reasons)} of things not yet here, {len(self.failures)} failures")
        return 1 if self.failures else 0


# Coroutines of the client that are not calls of the API.
PLUMBING = {
    "delete", "get", "get_file", "get_text", "head", "patch", "post", "put", "request",
}


def told(error):
    if isinstance(error, StatusError):
        said = "; ".join(f"{item.code}: {item.message}" for item in (error.errors or []))
        request = error.__cause__.request if error.__cause__ else None
        return f"{request.method if request else ''} {path(request.url) if request else ''} {error.status_code} {said}"
    return str(error)


def path(url):
    return re.sub(r"^http://[^/]+/api/v2\.0", "", str(url))


def same(what, got, wanted):
    """Fails with both values unless they are equal."""
    assert got == wanted, f"{what} is {got!r}, wanted {wanted!r}"


def shows(what, thing, **fields):
    """Compares fields of an answer."""
    for name, wanted in fields.items():
        same(f"{what}.{name}", getattr(thing, name), wanted)


def has(what, thing, *fields):
    """Asks for fields that must be there, whatever their value."""
    for name in fields:
        assert getattr(thing, name) is not None, f"{what}.{name} is missing"


def number(location, prefix):
    """The id at the end of a Location."""
    found = re.fullmatch(re.escape(prefix) + r"/(\d+)", location)
    assert found, f"Location is {location!r}, wanted {prefix}/ID"
    return int(found.group(1))


async def ended(walker, name, of):
    """The execution once it has ended."""
    for _ in range(200):
        execution = await walker.call(name, of)
        if execution.job_status not in ("Pending", "Running"):
            return execution
        await asyncio.sleep(0.1)
    raise AssertionError(f"{name}: {of} does not end")
