# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX 24.6.1 rejects, and the field of the error. Each rule returns the body of the answer, or None.

Rules and texts are those of awx/api/serializers.py, awx/api/views/__init__.py (JobTemplateSurveySpec) and
awx/main/models/mixins.py (SurveyJobTemplateMixin), shortened.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from awx_kinds import ASKS, LAUNCHED
from dateutil.rrule import rrulestr

SURVEY_TYPES: dict[str, Any] = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": (list, str),
    "integer": int,
    "float": (float, int),
}
# awx/main/notifications/webhook_backend.py
WEBHOOK: dict[str, Any] = {
    "url": None,
    "http_method": "POST",
    "disable_ssl_verification": False,
    "username": "",
    "password": "",
    "headers": None,
}
Refusal = dict[str, Any] | None


def survey_refusal(spec: Mapping[str, Any]) -> Refusal:
    for name, wanted in (("name", str), ("description", str), ("spec", list)):
        if not isinstance(spec.get(name), wanted):
            return {"error": f"Field '{name}' is missing from survey spec."}
    if not spec["spec"]:
        return {"error": "'spec' doesn't contain any items."}
    seen: set[str] = set()
    for number, question in enumerate(spec["spec"]):
        if problem := _question_problem(question, seen):
            return {"error": f"{problem} in survey question {number}."}
        seen.add(question["variable"])
    return None


def _question_problem(question: Mapping[str, Any], seen: Collection[str]) -> str | None:
    for name, wanted in (("type", str), ("question_name", str), ("variable", str), ("required", bool)):
        if not isinstance(question.get(name), wanted):
            return f"'{name}' is missing or of another type"
    kind, default = question["type"], question.get("default", "")
    if question["variable"] in seen:
        return f"'variable' '{question['variable']}' duplicated"
    if kind not in SURVEY_TYPES:
        return f"'{kind}' is not an allowed question type"
    if default != "" and (not isinstance(default, SURVEY_TYPES[kind]) or isinstance(default, bool)):
        return f"Default value {default} has another type"
    if any(question.get(limit) is not None and not isinstance(question[limit], int) for limit in ("min", "max")):
        return "A limit is not an integer"
    if kind in ("multiplechoice", "multiselect"):
        if "choices" not in question:
            return "No choices"
        if default != "" and default not in question["choices"]:
            return "Default choice must be answered from the choices listed"
    return None


def answer_problem(question: Mapping[str, Any], value: Any) -> str | None:
    """Of SurveyJobTemplateMixin._survey_element_validation."""
    kind = question["type"]
    if kind in ("text", "textarea") and not isinstance(value, str):
        return f"Value {value} for '{question['variable']}' expected to be a string."
    if kind == "integer" and (isinstance(value, bool) or not isinstance(value, int)):
        return f"Value {value} for '{question['variable']}' expected to be an integer."
    if kind in ("integer", "float") and not question.get("min", value) <= value <= question.get("max", value):
        return f"'{question['variable']}' value {value} is out of its limits."
    if kind == "multiplechoice" and value not in question["choices"]:
        return f"Value {value} for '{question['variable']}' expected to be one of {question['choices']}."
    return None


def launch_refusal(
    body: Mapping[str, Any], template: Mapping[str, Any], spec: Mapping[str, Any], node: bool
) -> Refusal:
    """Of LaunchConfigurationBaseSerializer.validate: what a node or a schedule may set of its template."""
    if not set(LAUNCHED) & set(body):
        return None
    errors: dict[str, Any] = {
        name: ["Field is not configured to prompt on launch."]
        for name, switch in ASKS.items()
        if body.get(name) is not None and body[name] != template.get(name) and not template.get(switch)
    }
    questions = {one["variable"]: one for one in spec.get("spec", [])} if template.get("survey_enabled") else {}
    given = body.get("extra_data", {})
    problems = [answer_problem(questions[name], value) for name, value in given.items() if name in questions]
    if not node:
        problems += [
            f"'{name}' value missing" for name, one in questions.items() if one["required"] and name not in given
        ]
    if unknown := sorted(set(given) - set(questions)) if not template.get("ask_variables_on_launch") else []:
        errors["extra_data"] = [f"Variables {', '.join(unknown)} are not allowed on launch."]
    if found := [problem for problem in problems if problem]:
        errors["variables_needed_to_start"] = found
    return errors or None


def rrule_refusal(text: str) -> Refusal:
    """Of SchedulePreviewSerializer.validate_rrule."""
    errors = []
    if len(re.findall(r"DTSTART(?:;[^:]+)?:[0-9]+T[0-9]+Z?", text)) != 1:
        errors.append("Valid DTSTART required in rrule.")
    if re.search(r"DTSTART:[0-9]+T[0-9]+ ", text):
        errors.append("DTSTART cannot be a naive datetime.")
    rules = re.findall(r"RRULE:[^\s]*", text)
    if not rules:
        errors.append("One or more rule required in rrule.")
    errors += [f"INTERVAL required in rrule: {rule}" for rule in rules if "INTERVAL" not in rule]
    if not errors:
        try:
            rrulestr(text.replace(" ", "\n"))
        except ValueError as error:
            errors.append(f"rrule parsing failed validation: {error}")
    return {"rrule": errors} if errors else None


def credential_type_refusal(body: Mapping[str, Any]) -> Refusal:
    if body.get("kind") not in ("cloud", "net"):
        return {"kind": [f"Must be 'cloud' or 'net', not {body.get('kind')}"]}
    fields = body.get("inputs", {}).get("fields", [])
    if any(not {"id", "label", "type"} <= set(one) for one in fields):
        return {"inputs": ["a field lacks id, label or type"]}
    known = {one["id"] for one in fields} | {"tower"}
    for section, entries in body.get("injectors", {}).items():
        if section not in ("env", "extra_vars", "file"):
            return {"injectors": [f"{section} is not an injector"]}
        for name, template in entries.items():
            if unknown := set(re.findall(r"{{\s*(\w+)", template)) - known:
                return {"injectors": [f"{name} uses an undefined field ({', '.join(sorted(unknown))})"]}
    return None


def notification_refusal(body: dict[str, Any]) -> Refusal:
    """Defaults are filled in, as AWX does."""
    if body.get("notification_type") != "webhook":
        return {"notification_type": ["This stand-in knows webhooks only."]}
    configuration = body.setdefault("notification_configuration", {})
    for name, default in WEBHOOK.items():
        if default is not None:
            configuration.setdefault(name, default)
    missing = sorted(set(WEBHOOK) - set(configuration))
    return {"__all__": [f"Missing required fields for Notification Configuration: {missing}."]} if missing else None
