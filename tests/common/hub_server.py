"""A hub on the loopback: the routes that huggingface_hub's own client uses.

`Hub` serves and keeps repositories; `real_client` imports the client anew, as a program
would that was started with other environment variables.
"""

import base64
import hashlib
import json
import os
import re
import sys
import threading
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

GOOD_TOKEN = "hf_aGoodTokenOfSomebody"
BAD_TOKEN = "hf_aTokenThatNobodyHas"
LARGE = (".safetensors", ".bin", ".h5", ".msgpack", ".model")


@dataclass
class Repository:
    """One repository: commits by name, branches and tags by name."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    private: bool = False
    gated: bool = False

    def commit(self, files: dict[str, bytes], branch: str) -> str:
        """Put files on top of a branch, and give the new commit's name."""
        before = self.commits.get(self.refs.get(branch, ""), {})
        name = hashlib.sha1(os.urandom(8)).hexdigest()
        self.commits[name] = {**before, **files}
        self.refs[branch] = name
        return name

    def resolve(self, revision: str) -> str | None:
        """Give the commit of a branch, a tag or a commit's name or its beginning."""
        if revision in self.refs:
            return self.refs[revision]
        found = [name for name in self.commits if name.startswith(revision)]
        return found[0] if len(found) == 1 and len(revision) > 6 else None


class Hub:
    """The server; `with Hub() as hub` starts and stops it."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.hub = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.repositories: dict[str, Repository] = {}
        self.renamed: dict[str, str] = {}
        self.blobs: dict[str, bytes] = {}
        self.requests: list[tuple[str, str]] = []
        self.tokens: list[str | None] = []
        self.answer_all: int | None = None
        self.message = ""
        self.messages: list[str] = []
        self.answer_downloads: int | None = None

    def __enter__(self) -> "Hub":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, name: str, files: dict[str, bytes], **flags: bool) -> str:
        """Make a repository with one commit on main, and give the commit's name."""
        self.repositories[name] = Repository(**flags)
        return self.repositories[name].commit(files, "main")

    def files(self, name: str, revision: str = "main") -> dict[str, bytes]:
        """Give the files of a revision."""
        repository = self.repositories[name]
        return repository.commits[repository.resolve(revision)]

    @property
    def downloads(self) -> list[str]:
        """The paths of the files that were downloaded, sorted."""
        parts = [
            path.split("/resolve/", 1)[1].split("/", 1)[1]
            for method, path in self.requests
            if method == "GET" and "/resolve/" in path
        ]
        return sorted(parts)

    @property
    def listings(self) -> int:
        """How often somebody asked what a repository has."""
        asked = [path for method, path in self.requests if method == "GET"]
        return sum(path.startswith("/api/models/") for path in asked)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing on the terminal."""

    def do_GET(self) -> None:
        self._route()

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

    @property
    def hub(self) -> Hub:
        return self.server.hub

    def _route(self) -> None:
        url = urlsplit(self.path)
        path, self.query = unquote(url.path), parse_qs(url.query)
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.hub.requests.append((self.command, path))
        authorization = self.headers.get("Authorization")
        self.hub.tokens.append(authorization)
        if self.hub.answer_all:
            return self._error(self.hub.answer_all, message=self.hub.message)
        if authorization not in (None, f"Bearer {GOOD_TOKEN}"):
            return self._error(
                401, message="Invalid credentials in Authorization header"
            )
        self.known = authorization is not None
        for method, pattern, action in _ROUTES:
            match = re.fullmatch(pattern, path)
            if match and self.command in method.split():
                return action(self, *match.groups())
        return self._error(404)

    def _answer(self, status: int, data: object = None, **headers: object) -> None:
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _error(self, status: int, code: str = "", message: str = "") -> None:
        headers = {"X_Error_Code": code, "X_Error_Message": message}
        given = {name: text for name, text in headers.items() if text}
        self._answer(status, {"error": message or code or "error"}, **given)

    def _repository(self, name: str, write: bool = False) -> Repository | None:
        """Find a repository that the asker may see, or answer that there is none."""
        new_name = self.hub.renamed.get(name)
        if new_name:
            self._answer(307, b"", Location=self.path.replace(name, new_name, 1))
            return None
        found = self.hub.repositories.get(name)
        if found is None or (found.private and not self.known):
            # As the hub does: who is not known is not told what there is.
            self._error(404 if self.known else 401, "RepoNotFound", "not found")
            return None
        if write and not self.known:
            self._error(401, message="log in")
            return None
        return found

    def _info(self, name: str, revision: str | None = None) -> None:
        repository = self._repository(name)
        if repository is None:
            return None
        commit = repository.resolve(revision or "main")
        if commit is None:
            return self._error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        files = [{"rfilename": path} for path in repository.commits[commit]]
        return self._answer(200, {"id": name, "sha": commit, "siblings": files})

    def _resolve(self, name: str, revision: str, path: str) -> None:
        repository = self._repository(name)
        if repository is None:
            return None
        if self.hub.answer_downloads:
            return self._error(self.hub.answer_downloads)
        if repository.gated:
            return self._error(403, "GatedRepo", "Accept the terms first.")
        commit = repository.resolve(revision)
        if commit is None:
            return self._error(404, "RevisionNotFound")
        data = repository.commits[commit].get(path)
        if data is None:
            return self._error(404, "EntryNotFound")
        etag = f'"{hashlib.sha256(data).hexdigest()}"'
        return self._answer(200, data, ETag=etag, X_Repo_Commit=commit)

    def _create(self) -> None:
        if not self.known:
            return self._error(401, message="log in")
        asked = json.loads(self.body)
        name = f"{asked.get('organization') or 'somebody'}/{asked['name']}"
        there = name in self.hub.repositories
        if not there:
            private = (
                asked.get("private") is True or asked.get("visibility") == "private"
            )
            self.hub.add(name, {".gitattributes": b""}, private=private)
        answer = {"url": f"{self.hub.url}/{name}", "name": name}
        return self._answer(409 if there else 200, answer)

    def _branch(self, name: str, branch: str) -> None:
        repository = self._repository(name, write=True)
        if repository is None:
            return None
        there = branch in repository.refs
        repository.refs.setdefault(branch, repository.refs["main"])
        return self._answer(409 if there else 200, {})

    def _preupload(self, name: str, revision: str) -> None:
        if self._repository(name, write=True) is None:
            return None
        files = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith(LARGE) else "regular",
                "shouldIgnore": False,
            }
            for file in json.loads(self.body)["files"]
        ]
        return self._answer(200, {"files": files})

    def _batch(self, name: str) -> None:
        if self._repository(name, write=True) is None:
            return None
        objects = [
            {
                **each,
                "actions": {"upload": {"href": f"{self.hub.url}/lfs/{each['oid']}"}},
            }
            for each in json.loads(self.body)["objects"]
        ]
        return self._answer(200, {"transfer": "basic", "objects": objects})

    def _upload(self, oid: str) -> None:
        assert hashlib.sha256(self.body).hexdigest() == oid
        self.hub.blobs[oid] = self.body
        self._answer(200, {})

    def _commit(self, name: str, revision: str) -> None:
        repository = self._repository(name, write=True)
        if repository is None:
            return None
        files: dict[str, bytes] = {}
        for line in self.body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "header":
                self.hub.messages.append(value["summary"])
            elif entry["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile":
                files[value["path"]] = self.hub.blobs[value["oid"]]
        answer = {"success": True}
        if self.query.get("create_pr"):
            revision = "refs/pr/1"
            repository.refs[revision] = repository.refs["main"]
            answer["pullRequestUrl"] = f"{self.hub.url}/{name}/discussions/1"
        oid = repository.commit(files, revision)
        url = f"{self.hub.url}/{name}/commit/{oid}"
        return self._answer(200, {**answer, "commitOid": oid, "commitUrl": url})

    def _yaml(self) -> None:
        self._answer(200, {"errors": [], "warnings": []})

    def _who(self) -> None:
        if not self.known:
            return self._error(401, message="log in")
        return self._answer(200, {"name": "somebody", "type": "user", "orgs": []})


_NAME = r"([\w.-]+/[\w.-]+|[\w.-]+)"
_ROUTES = (
    ("GET", "/api/whoami-v2", _Handler._who),
    ("POST", "/api/validate-yaml", _Handler._yaml),
    ("POST", "/api/repos/create", _Handler._create),
    ("GET", f"/api/models/{_NAME}/revision/(.+)", _Handler._info),
    ("POST", f"/api/models/{_NAME}/branch/(.+)", _Handler._branch),
    ("POST", f"/api/models/{_NAME}/preupload/(.+)", _Handler._preupload),
    ("POST", f"/api/models/{_NAME}/commit/(.+)", _Handler._commit),
    ("GET", f"/api/models/{_NAME}", _Handler._info),
    ("POST", rf"/{_NAME}\.git/info/lfs/objects/batch", _Handler._batch),
    ("PUT", "/lfs/([0-9a-f]{64})", _Handler._upload),
    ("GET HEAD", f"/{_NAME}/resolve/((?:refs/pr/)?[^/]+)/(.+)", _Handler._resolve),
)


@contextmanager
def real_client(**variables: str):
    """Import huggingface_hub anew under environment variables; then put it back.

    The client reads `HF_ENDPOINT`, `HF_HUB_OFFLINE` and `HF_HOME` when it is imported.
    """
    variables = {
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "HF_HUB_DISABLE_SYMLINKS_WARNING": "1",
        **variables,
    }
    ignored = {name for name in os.environ if name.startswith(("HF_", "HUGGING"))}
    before = {name: os.environ.pop(name) for name in ignored}
    os.environ.update(variables)
    modules = _take_client()
    try:
        with warnings.catch_warnings():
            # The client's own, when it sends a large file.
            warnings.filterwarnings("ignore", "Use 'content=", DeprecationWarning)
            yield
    finally:
        client = sys.modules.get("huggingface_hub")
        if client is not None:
            client.close_session()
        _take_client()
        sys.modules.update(modules)
        for name in variables:
            del os.environ[name]
        os.environ.update(before)


def _take_client() -> dict[str, object]:
    names = [name for name in sys.modules if name.split(".")[0] == "huggingface_hub"]
    return {name: sys.modules.pop(name) for name in names}
