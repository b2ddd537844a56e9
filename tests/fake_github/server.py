"""The fake over real HTTP on 127.0.0.1."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlparse

from tests.fake_github import (
    routes_actions,
    routes_git,
    routes_pulls,
    routes_repository,
    routes_surface,
)
from tests.fake_github.hub import (
    NAME,
    OWNER,
    PERSONAL_TOKEN,
    REPOSITORY,
    TOKEN,
    FakeGitHub,
    Json,
    Refusal,
    Reply,
    Request,
)
from tests.openapi.contract import violations

ROUTES = (
    *routes_actions.ROUTES,
    *routes_repository.ROUTES,
    *routes_git.ROUTES,
    *routes_pulls.ROUTES,
    *routes_surface.ROUTES,
)


def answer(fake: FakeGitHub, request: Request) -> Reply:
    """What GitHub would answer; 404 to what the fake does not know."""
    if request.path.endswith("/graphql"):
        return graphql(fake, request)
    for method, pattern, route in ROUTES:
        found = re.fullmatch(f"/repos/{OWNER}/{NAME}{pattern}", request.path)
        if found and method == request.method:
            return route(fake, *(unquote(part) for part in found.groups()), request)
    raise Refusal(404, "Not Found")


def graphql(fake: FakeGitHub, request: Request) -> Reply:
    """Who it is, and one mutation: a commit that GitHub signs."""
    wanted = request.body.get("variables", {}).get("input")
    if wanted is None:
        return 200, {"data": {"viewer": {"login": fake.login}}}
    oid = routes_git.create_signed_commit(fake, wanted) if fake.has_graphql else None
    if oid is None:
        return 200, {"errors": [{"message": "expectedHeadOid is not the head of the branch"}]}
    return 200, {"data": {"createCommitOnBranch": {"commit": {"oid": oid}}}}


def _is_meant(planned: tuple[str, str, object], request: Request) -> bool:
    return request.method == planned[0] and request.path.endswith(planned[1])


class _Handler(BaseHTTPRequestHandler):
    fake: FakeGitHub
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # One packet per answer: two would wait for each other.

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        url = urlparse(self.path)
        request = Request(
            method=self.command,
            path=url.path.removeprefix(self.fake.prefix),
            query={key: values[-1] for key, values in parse_qs(url.query).items()},
            body=body,
            authorization=self.headers.get("Authorization") or "",
        )
        with self.fake._lock:
            self._serve(request)

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET

    def _serve(self, request: Request) -> None:
        fake = self.fake
        fake.requests.append(request)
        if request.path.startswith(f"/repos/{REPOSITORY}"):
            below = request.path.removeprefix(f"/repos/{REPOSITORY}")
            fake.violations += violations(request.method, below, request.query, request.body)
        fake._calls += 1
        for meant in [one for one in fake.interjections if _is_meant(one, request)]:
            fake.interjections.remove(meant)
            meant[2]()
        fault = None
        if fake._fault is not None:
            first, planned = fake._fault
            if first <= fake._calls < first + fake._fault_calls:
                fault = planned
        if fault is None or fault.is_carried_out:
            status, body, headers = self._answer(request)
        if fault is not None:
            if fault.then is not None:
                fault.then()
            time.sleep(fault.delay_s)
            if fault.status is None:
                self.close_connection = True
                return
            status, body, headers = fault.status, {"message": fault.message}, dict(fault.headers)
        raw = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _answer(self, request: Request) -> tuple[int, Json, dict[str, str]]:
        if request.authorization not in (f"token {TOKEN}", f"token {PERSONAL_TOKEN}"):
            return 401, {"message": "Bad credentials"}, {}
        try:
            status, body = answer(self.fake, request)
        except Refusal as refusal:
            return refusal.status, refusal.body, {}
        if not isinstance(body, list) or request.method != "GET":
            return status, body, {}
        size, page = int(request.query.get("per_page", 30)), int(request.query.get("page", 1))
        headers = {}
        if len(body) > size * page:
            following = f"{self.fake.url}{request.path}?page={page + 1}&per_page={size}"
            headers["Link"] = f'<{following}>; rel="next"'
        return status, body[size * (page - 1) : size * page], headers

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: `FakeGitHub.requests` is the log."""


@contextmanager
def serve_github(repository: Path) -> Iterator[FakeGitHub]:
    """Serve a fake on a free port; `fake.url` is the `base_url` for the client."""
    fake = FakeGitHub(repository)
    handler = type("Handler", (_Handler,), {"fake": fake})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    fake.url = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
    assert not fake.violations, "not by GitHub's own description: " + "; ".join(fake.violations)
