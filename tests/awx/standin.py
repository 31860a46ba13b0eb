# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for the REST API of AWX 24.6.1, for what awx.awx's modules ask: it keeps objects, refuses what AWX refuses, and
records each request. It runs no job.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import awx_rules as rules
from awx_kinds import KINDS, MANAGED_TYPES, UNIFIED

VERSION = "24.6.1"
PAGE = 25
TOKEN = "a-token-of-the-stand-in-0815"
SURVEYED = ("job_templates", "workflow_job_templates")


class Answer(Exception):
    """An HTTP answer that ends the request."""

    def __init__(self, status: int, body: Any = None) -> None:
        super().__init__(status)
        self.status, self.body = status, body


class Awx:
    """The objects, by kind and id, and what was asked."""

    def __init__(self, playbooks: Collection[str]) -> None:
        self.playbooks = playbooks
        self.objects: dict[str, dict[int, dict[str, Any]]] = {kind: {} for kind in KINDS}
        self.surveys: dict[int, dict[str, Any]] = {}
        self.links: dict[tuple[int, str], list[int]] = {}
        self.requests: list[tuple[str, str, Any]] = []
        self.address = ""
        self.number = 0
        for name, kind in MANAGED_TYPES:
            self.keep("credential_types", {"name": name, "kind": kind, "managed": True})

    def keep(self, kind: str, body: dict[str, Any]) -> int:
        self.number += 1
        self.objects[kind][self.number] = {**KINDS[kind].defaults, **body}
        return self.number

    def named(self, kind: str, name: str) -> dict[str, Any]:
        key = "identifier" if kind == "workflow_job_template_nodes" else "name"
        return next(self.view(kind, number) for number, one in self.objects[kind].items() if one.get(key) == name)

    def linked(self, kind: str, name: str, relation: str) -> list[str]:
        """The names of what is associated with an object."""
        found = self.links.get((self.named(kind, name)["id"], relation), [])
        things = self.objects[KINDS[kind].associated[relation]]
        return sorted(things[number].get("identifier") or things[number]["name"] for number in found)

    def home(self, number: int) -> str | None:
        return next((kind for kind, things in self.objects.items() if number in things), None)

    def view(self, kind: str, number: int) -> dict[str, Any]:
        """An object as AWX shows it: secrets masked, its relations as links."""
        url = f"/api/v2/{kind}/{number}/"
        shown = json.loads(json.dumps(self.objects[kind][number]))
        related = {name: f"{url}{name}/" for name in KINDS[kind].associated}
        if kind in SURVEYED:
            related["survey_spec"] = f"{url}survey_spec/"
        if kind == "credentials":
            fields = self.objects["credential_types"][shown["credential_type"]].get("inputs", {}).get("fields", [])
            secret = {one["id"] for one in fields if one.get("secret")}
            shown["inputs"] = {
                name: "$encrypted$" if name in secret else value for name, value in shown["inputs"].items()
            }
        if template := shown.get("unified_job_template"):
            related["unified_job_template"] = f"/api/v2/{self.home(template)}/{template}/"
        return {**shown, "id": number, "type": KINDS[kind].type, "url": url, "related": related, "summary_fields": {}}

    def refuse(self, kind: str, body: dict[str, Any], existing: int | None = None) -> None:
        """Raise AWX's answer to a body that it would not take."""
        model = KINDS[kind]
        merged = {**(self.objects[kind][existing] if existing else {}), **body}
        if missing := [name for name in model.required if merged.get(name) in (None, "")]:
            raise Answer(400, {name: ["This field is required."] for name in missing})
        for name, target in model.refers.items():
            places = UNIFIED if target == "unified_job_templates" else (target,)
            value = merged.get(name)
            if value is not None and not any(value in self.objects[place] for place in places):
                raise Answer(400, {name: [f'Invalid pk "{value}" - object does not exist.']})
        for number, other in self.objects[kind].items():
            if number != existing and all(other.get(one) == merged.get(one) for one in model.unique if one != "id"):
                words = " and ".join(model.unique)
                if model.unique != ("id",):
                    raise Answer(400, {"__all__": [f"{model.type} with this {words} already exists."]})
        if refusal := self.own_rule(kind, merged):
            raise Answer(400, refusal)

    def own_rule(self, kind: str, body: dict[str, Any]) -> rules.Refusal:
        if kind == "credential_types":
            return rules.credential_type_refusal(body)
        if kind == "notification_templates":
            return rules.notification_refusal(body)
        if kind == "projects" and body["scm_type"] and not body["scm_url"]:
            return {"scm_url": ["SCM URL is required."]}
        if kind == "inventory_sources" and body.get("source") == "scm" and not body.get("source_project"):
            return {"source_project": ["Project required for scm type sources."]}
        if kind == "job_templates":
            if not body.get("project"):
                return {"project": ["Job Templates must have a project assigned."]}
            if not body.get("inventory") and not body.get("ask_inventory_on_launch"):
                return {"inventory": ["You must either set a default value or ask to prompt on launch."]}
            if body["playbook"] not in self.playbooks:
                return {"playbook": ["Playbook not found for project."]}
        if kind in ("workflow_job_template_nodes", "schedules") and body.get("unified_job_template"):
            number = body["unified_job_template"]
            template = self.objects[str(self.home(number))][number]
            node = kind == "workflow_job_template_nodes"
            if refusal := rules.launch_refusal(body, template, self.surveys.get(number, {}), node):
                return refusal
        return rules.rrule_refusal(body["rrule"]) if kind == "schedules" else None

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        words = path.strip("/").split("/")[2:]
        if not words or words == ["ping"]:
            return Answer(200, {"version": VERSION})
        if words == ["me"]:
            return self.listing([{"id": 1, "username": "admin"}], path, query)
        if words[0] == "project_updates":
            return Answer(200, {"status": "successful", "failed": False})
        if words[0] == "unified_job_templates":
            return self.search(UNIFIED, path, query)
        if words[0] not in KINDS:
            return Answer(404, {"detail": "Not found."})
        if len(words) == 1:
            return self.search((words[0],), path, query) if method == "GET" else self.create(words[0], body)
        number = int(words[1])
        if number not in self.objects[words[0]]:
            return Answer(404, {"detail": "Not found."})
        if len(words) == 2:
            if method == "PATCH":
                self.refuse(words[0], body, number)
                self.objects[words[0]][number].update(body)
            return Answer(200, self.view(words[0], number))
        return self.within(method, words[0], number, words[2], path, query, body)

    def create(self, kind: str, body: dict[str, Any]) -> Answer:
        body = {**KINDS[kind].defaults, **body}
        # AWX's null for what is text there
        body.update({name: "" for name in ("kind",) if kind == "inventories" and body.get(name) is None})
        if kind == "job_templates":
            # An organization of its own it has none: it is that of its project
            body["organization"] = self.objects["projects"].get(body.get("project", 0), {}).get("organization")
        self.refuse(kind, body)
        shown = self.view(kind, self.keep(kind, body))
        if kind == "projects":
            shown["summary_fields"]["current_update"] = {"id": 1}
        return Answer(201, shown)

    def search(self, kinds: Collection[str], path: str, query: dict[str, str]) -> Answer:
        found = [self.view(kind, number) for kind in kinds for number in self.objects[kind]]
        for name, value in query.items():
            if name not in ("page", "page_size", "order_by"):
                found = [one for one in found if self.fits(one, name, value, kinds)]
        return self.listing(found, path, query)

    def fits(self, one: dict[str, Any], name: str, value: str, kinds: Collection[str]) -> bool:
        words = name.removeprefix("or__").split("__")
        field = one.get(words[0])
        if words[0] not in one and not any(words[0] in KINDS[kind].refers for kind in kinds):
            raise Answer(400, {"detail": f"has no field named '{words[0]}'"})
        if "name" in words[1:]:
            field = self.objects[str(self.home(field))][field]["name"] if field else None
        return str(field) in (value.split(",") if words[-1] == "in" else [value])

    def listing(self, found: list[dict[str, Any]], path: str, query: dict[str, str]) -> Answer:
        page = int(query.get("page", 1))
        more = len(found) > page * PAGE
        following = f"{path}?{urlencode({**query, 'page': page + 1})}" if more else None
        results = found[(page - 1) * PAGE : page * PAGE]
        return Answer(200, {"count": len(found), "next": following, "previous": None, "results": results})

    def within(
        self, method: str, kind: str, number: int, name: str, path: str, query: dict[str, str], body: Any
    ) -> Answer:
        """What lies below an object: its survey, its approval, what is associated with it."""
        if name == "survey_spec" and kind in SURVEYED:
            if method == "POST":
                if refusal := rules.survey_refusal(body):
                    return Answer(400, refusal)
                self.surveys[number] = body
            return Answer(200, self.surveys.get(number, {}))
        if name == "create_approval_template" and kind == "workflow_job_template_nodes":
            self.refuse("workflow_approval_templates", body)
            made = self.keep("workflow_approval_templates", body)
            self.objects[kind][number]["unified_job_template"] = made
            return Answer(201, self.view("workflow_approval_templates", made))
        target = KINDS[kind].associated.get(name)
        if target is None:
            return Answer(404, {"detail": "Not found."})
        linked = self.links.setdefault((number, name), [])
        if method == "GET":
            return self.listing([self.view(target, one) for one in linked], path, query)
        if body.get("disassociate"):
            linked.remove(body["id"])
            return Answer(204)
        if refusal := self.link_refusal(kind, number, target, body["id"], linked):
            return Answer(400, refusal)
        linked.append(body["id"])
        return Answer(204)

    def link_refusal(self, kind: str, number: int, target: str, other: int, linked: list[int]) -> rules.Refusal:
        if other not in self.objects[target]:
            return {"msg": f"{target} {other} not found."}
        things = self.objects[target]
        if target == "credentials" and things[other]["credential_type"] in [
            things[one]["credential_type"] for one in linked
        ]:
            return {"error": "Cannot assign multiple credentials of one type."}
        if kind == target == "workflow_job_template_nodes":
            if things[other]["workflow_job_template"] != things[number]["workflow_job_template"]:
                return {"Error": "The nodes are of two workflows."}
            if number in self.reached(other):
                return {"Error": "Cycle detected."}
        return None

    def reached(self, node: int) -> set[int]:
        ahead = [one for (number, _name), found in self.links.items() if number == node for one in found]
        return {node}.union(*(self.reached(one) for one in ahead))


def handler(awx: Awx) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: object) -> None:
            """awx.requests has it."""

        def handle_request(self) -> None:
            where = urlsplit(self.path)
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.loads(text) if text else None
            awx.requests.append((self.command, where.path, body))
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self.send(Answer(401, {"detail": "Authentication credentials were not provided."}))
                return
            try:
                self.send(awx.answer(self.command, where.path, dict(parse_qsl(where.query)), body))
            except Answer as answer:
                self.send(answer)

        do_GET = do_POST = do_PATCH = do_DELETE = handle_request

        def send(self, answer: Answer) -> None:
            data = b"" if answer.body is None else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.send_header("X-API-Product-Name", "AWX")
            self.send_header("X-API-Product-Version", VERSION)
            self.end_headers()
            self.wfile.write(data)

    return Handler


@contextmanager
def running(awx: Awx) -> Iterator[str]:
    """Serve it on a free port of this machine; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(awx))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
