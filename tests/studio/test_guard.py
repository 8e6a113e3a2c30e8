"""What the studio refuses: hosts, origins, keys and sizes that are not its own page's."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send
from tests.studio.running import PROGRAM, Studio
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from sfumato.studio.guard import LARGEST_FORM, LARGEST_PICTURE, Guard

FOREIGN = "http://evil.example"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1.evil.example:{port}", "localhost:1", ""])
def test_only_the_own_names_are_answered(host: str, served: Studio) -> None:
    port = served.url.rpartition(":")[2]
    answer = served.http.get("/", headers={"Host": host.format(port=port)})
    assert answer.status_code == 403
    assert "not served under this name" in answer.json()["error"]
    assert served.http.get("/", headers={"Host": f"localhost:{port}"}).status_code == 200


@pytest.mark.parametrize("origin", [FOREIGN, "null", "http://localhost:1", "", None])
def test_only_the_own_page_can_write(origin: str | None, served: Studio) -> None:
    headers = {"Authorization": f"Bearer {served.key}"} | ({} if origin is None else {"Origin": origin})
    for method, path in (("POST", "/api/jobs"), ("PUT", "/api/pictures"), ("DELETE", "/api/jobs")):
        answer = httpx.request(method, f"{served.url}{path}", headers=headers, content=b"{}")
        assert (answer.status_code, answer.json()["error"]) == (403, "this was not asked by a page of the studio")
    assert served.http.get("/api/jobs", headers={"Origin": FOREIGN}).status_code == 403


def test_no_answer_may_be_read_by_another_page(served: Studio) -> None:
    asked = {
        "Origin": FOREIGN,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization",
    }
    answer = httpx.options(f"{served.url}/api/pictures", headers=asked)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/api/options", "/api/jobs", "/api/pictures/sfumato:ink", "/other"])
@pytest.mark.parametrize(
    "given", [{}, {"Authorization": "Bearer"}, {"Authorization": "Basic eDp4"}, {"Cookie": "key=x"}]
)
def test_everything_but_the_page_needs_the_key(path: str, given: dict[str, str], served: Studio) -> None:
    assert httpx.get(f"{served.url}{path}", headers=given).status_code == 401
    assert httpx.get(f"{served.url}{path}?key={served.key}&token={served.key}").status_code == 401
    assert httpx.get(f"{served.url}/").status_code == 200


def test_wrong_keys_are_throttled(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("sfumato.studio.guard.time.monotonic", lambda: now)

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        await Response("let through")(scope, receive, send)

    guard = Guard(inner, hosts=["here"], token="right")

    def ask(key: str) -> int:
        said: list[Message] = []

        async def send(message: Message) -> None:
            said.append(message)

        async def receive() -> Message:
            return {"type": "http.request"}

        headers = [(b"host", b"here"), (b"authorization", f"Bearer {key}".encode())]
        asyncio.run(guard({"type": "http", "method": "GET", "path": "/api/jobs", "headers": headers}, receive, send))
        return int(said[0]["status"])

    assert [ask("wrong") for _ in range(5)] == [401, 401, 401, 429, 429]
    assert ask("right") == 429  # else guesses would go on
    now += 1.05
    assert ask("right") == 200
    assert [ask("wrong") for _ in range(5)] == [401, 401, 401, 429, 429]


def test_every_answer_has_the_headers_of_safety(served: Studio) -> None:
    for path in ("/", "/static/nothing.css", "/api/options", "/api/nothing"):
        headers = served.http.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers


@pytest.mark.parametrize(
    ("origin", "protocols"),
    [
        (FOREIGN, ["sfumato", "{key}"]),
        (None, ["sfumato", "{key}"]),
        ("{url}", ["sfumato", "wrong"]),
        ("{url}", ["sfumato"]),
        ("{url}", []),
    ],
)
def test_a_websocket_of_anyone_else_is_refused(origin: str | None, protocols: list[str], served: Studio) -> None:
    offered = [Subprotocol(text.format(key=served.key)) for text in protocols]
    page = None if origin is None else Origin(origin.format(url=served.url))
    address = f"{served.url.replace('http', 'ws')}/api/events"
    with pytest.raises(InvalidStatus) as refused, connect(address, origin=page, subprotocols=offered or None):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(("method", "limit"), [("PUT", LARGEST_PICTURE), ("POST", LARGEST_FORM)])
def test_a_body_too_large_is_refused_before_it_is_read(method: str, limit: int, served: Studio) -> None:
    name, _, port = served.url.removeprefix("http://").partition(":")
    head = f"{method} /api/pictures HTTP/1.1\r\nHost: {name}:{port}\r\nOrigin: {served.url}\r\n"
    head += f"Authorization: Bearer {served.key}\r\n"
    chunked = "Transfer-Encoding: chunked"
    for length, status in (
        (f"Content-Length: {limit + 1}", 413),
        (chunked, 411),
        (f"Content-Length: 5\r\n{chunked}", 411),
    ):
        with socket.create_connection((name, int(port)), timeout=10) as asked:
            asked.sendall(f"{head}{length}\r\n\r\n".encode())
            assert asked.recv(1000).startswith(f"HTTP/1.1 {status}".encode())


@pytest.mark.parametrize(
    "path",
    [
        "/static/../server.py",
        "/static/%2e%2e/server.py",
        "/static/..%2fserver.py",
        "/static/..%5cserver.py",
        "/static//etc/passwd",
        "/api/pictures/..%2f..%2ftoken",
        "/api/pictures/%2fetc%2fpasswd",
        "/api/pictures/%5c%5chost%5cshare",
        "/api/pictures/sfumato:..%2f..%2fstyle",
        "/api/pictures/%00",
        "/api/pictures/" + "0" * 31,
        "/api/jobs/..%2f..",
        "/api/jobs/..",
        "/api/jobs/20260101-000000-00000%00",
        "/api/jobs/.estimate/picture",
    ],
)
def test_no_path_leads_out_of_what_is_shown(path: str, served: Studio) -> None:
    name, _, port = served.url.removeprefix("http://").partition(":")
    with socket.create_connection((name, int(port)), timeout=10) as asked:  # as no client of HTTP would send it
        head = f"GET {path} HTTP/1.1\r\nHost: {name}:{port}\r\nAuthorization: Bearer {served.key}\r\n\r\n"
        asked.sendall(head.encode())
        assert asked.recv(1000).split()[1] in (b"404", b"405")


def test_the_key_is_kept_for_its_owner_alone_and_stays_the_same(start_studio: Callable[..., Studio]) -> None:
    first = start_studio()
    assert len(first.key) >= 43
    if sys.platform != "win32":
        assert (first.folder / "token").stat().st_mode & 0o777 == 0o600
        assert first.folder.stat().st_mode & 0o777 == 0o700
    first.close()
    assert start_studio().key == first.key


def test_only_this_machine_is_listened_to_and_two_studios_share_no_folder(served: Studio, tmp_path: Path) -> None:
    port = int(served.url.rpartition(":")[2])
    own = socket.gethostbyname(socket.gethostname())
    if not own.startswith("127."):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((own, port), timeout=5)
    for options, reason in (
        (["--folder", str(tmp_path / "other"), "--port", str(port)], f"port {port} of 127.0.0.1 cannot be listened on"),
        (["--folder", str(tmp_path / "other"), "--host", "0.0.0.0"], "--allow-host"),
    ):
        done = subprocess.run([*PROGRAM, "--no-browser", *options], capture_output=True, encoding="utf-8", check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert reason in done.stderr.splitlines()[-1]


def test_a_second_studio_of_a_folder_says_where_the_first_is(
    served: Studio, start_studio: Callable[..., Studio]
) -> None:
    command = [*PROGRAM, "--no-browser", "--folder", str(served.folder)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == f"{served.url}/#key={served.key}\n"
    assert httpx.get(f"{served.url}/").status_code == 200
    killed = start_studio()
    killed.process.kill()
    killed.process.wait()
    again = start_studio()  # whatever the one that was killed has left there
    assert httpx.get(f"{again.url}/").status_code == 200


def test_another_name_is_answered_once_it_is_allowed(start_studio: Callable[..., Studio]) -> None:
    studio = start_studio("--port", "0", "--allow-host", "studio.example")
    port = studio.url.rpartition(":")[2]
    assert studio.url == f"http://studio.example:{port}"
    near = f"http://127.0.0.1:{port}/"
    for host, status in (("studio.example", 200), (f"studio.example:{port}", 200), ("other.example", 403)):
        assert httpx.get(near, headers={"Host": host}).status_code == status
