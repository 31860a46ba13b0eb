# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page that a security lead opens: its numbers match the summary, it is self-contained, and no text in it becomes markup."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from page import Element, Page, table
from written import FLEETS, HOSTILE, RERUN, ROOT, Runs, Written

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.catalogue import BLOCKERS, REASONS
from ansible_collections.fleetsec.guardduty.plugins.plugin_utils.report import environment

TEMPLATES = ROOT / "playbooks" / "templates"
Reports = dict[str, Written]


def number(text: str) -> int:
    return int(text.replace(",", ""))


def section(page: Element, name: str) -> Element:
    found = page.all("section", **{"aria-labelledby": name})
    assert len(found) == 1, name
    return found[0]


def test_check_mode_writes_nothing_and_a_second_run_changes_nothing(runs: Runs) -> None:
    assert runs.after_check == []
    assert runs.changed == {"check": len(RERUN), "real": len(FLEETS), "again": 0}


@pytest.mark.parametrize("name", FLEETS)
def test_the_page_is_self_contained(reports: Reports, name: str) -> None:
    text, page = reports[name].text("html"), reports[name].page
    assert text.startswith("<!DOCTYPE html>")
    assert not page.all("script", "link", "img", "iframe", "object", "base", "form", "use", "image")
    ids = [one.attributes["id"] for one in page.all() if "id" in one.attributes]
    assert len(ids) == len(set(ids))
    for one in page.all():
        for attribute, value in one.attributes.items():
            assert not attribute.startswith("on"), (one.tag, attribute)
            if attribute in ("href", "src", "action", "data", "xlink:href"):
                assert value.startswith("#") and value[1:] in ids, (one.tag, value)
            assert "url(" not in value or value == "url(#hatch)"
    style = "".join(one.text for one in page.all("style"))
    assert "url(" not in style and "@import" not in style
    assert len(page.all("style")) == 1
    assert "default-src 'none'" in page.one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]


def test_the_whole_at_first_sight(reports: Reports) -> None:
    page, summary = reports["varied"].page, reports["varied"].fleet["summary"]
    assert page.one(class_="share").text == f"{summary['healthy_percent']:g} %"
    claim = page.one(class_="claim").text
    assert claim == f"{summary['healthy']} of {summary['wanted']} instances that should run the agent report healthy."
    assert f"{summary['instances']} instances in 3 accounts and 3 regions." in page.one(class_="facts").text
    assert "2026-11-24 06:00" in page.one("header").text

    whole = page.one("figure", class_="whole")
    cells = table(whole)
    assert [(cell[0], number(cell[1])) for cell in cells] == [
        ("healthy", summary["healthy"]),
        ("unhealthy", summary["unhealthy"]),
        ("no record", summary["uncovered"]),
    ]
    drawn = [one for one in whole.all("svg")[0].all("rect") if "frame" not in one.attributes["class"]]
    shares = [float(one.attributes["width"].rstrip("%")) for one in drawn]
    assert shares == pytest.approx([100 * number(cell[1]) / summary["wanted"] for cell in cells], abs=0.01)


def test_each_account_and_region_has_its_share(reports: Reports) -> None:
    page, summary = reports["varied"].page, reports["varied"].fleet["summary"]
    heat = section(page, "where").all("table")[0]
    regions = [one.text for one in heat.one("thead").all("th")][1:-1]
    assert regions == sorted({area["region"] for area in summary["areas"]})
    shown = {}
    for row in heat.one("tbody").all("tr"):
        account, *cells, dummy = [one for one in row.children if isinstance(one, Element)]
        for region, cell in zip(regions, cells, strict=True):
            found = re.fullmatch(r"([\d.]+) % (\d+) of (\d+)", cell.text)
            if found:
                shown[account.text, region] = (int(found[2]), int(found[3]))
                assert (cell.attributes["class"] == "all") == (found[2] == found[3])
                assert (cell.attributes["class"] == "none") == (found[2] == "0")
    assert shown == {
        (area["account_id"], area["region"]): (area["healthy"], area["wanted"])
        for area in summary["areas"]
        if area["wanted"]
    }
    total = heat.one("tfoot").all("td")[-1].text
    assert total == f"{summary['healthy_percent']:g} % {summary['healthy']} of {summary['wanted']}"


def test_routes_blockers_and_reasons_are_counted_and_explained(reports: Reports) -> None:
    page, summary = reports["varied"].page, reports["varied"].fleet["summary"]
    for one in summary["routes"]:
        cells = [cell.text for cell in page.one(id=f"route-{one['route']}").all("td")]
        assert [number(cells[0]), number(cells[1])] == [one["healthy"], one["wanted"]]
    rows = section(page, "blockers").one("tbody").all("tr")
    assert [row.attributes["id"] for row in rows] == [f"blocker-{one['blocker']}" for one in summary["blockers"]]
    for row, one in zip(rows, summary["blockers"], strict=True):
        assert row.text.startswith(f"{one['instances']} {one['blocker']}")
        known = BLOCKERS[one["blocker"]]
        assert known.cause in row.text and known.remedy in row.text and known.fix in row.text
    for one in summary["reasons"]:
        row = page.one(id=f"reason-{one['reason']}")
        assert row.text == f"{one['instances']} {one['reason']} {REASONS[one['reason']].cause}"
        left_out = bool(section(page, "left-out").all(id=f"reason-{one['reason']}"))
        assert left_out == (not one["wanted"])


def test_issues_of_guardduty_have_a_meaning(reports: Reports) -> None:
    cells = table(section(reports["varied"].page, "issues"))
    said = {cell[1]: number(cell[0]) for cell in cells}
    unhealthy = [one["gd_issue"] for one in reports["varied"].fleet["instances"] if one["gd_coverage"] == "unhealthy"]
    assert said == {text: unhealthy.count(text) for text in set(unhealthy)}
    assert next(cell for cell in cells if cell[1] == "Agent disconnected")[2].startswith(
        "The agent has stopped reporting"
    )


def test_findings_and_failures_of_hosts(reports: Reports) -> None:
    told = section(reports["varied"].page, "hosts")
    assert "3 hosts: 1 changed, 1 unchanged, 1 not reporting." in told.text
    failed, findings = told.all("tbody")
    assert [cell.text for cell in failed.all("td")] == ["db i-3", "not reporting", "Use a larger instance."]
    assert [cell.text for cell in findings.all("td")] == ["2", "memory Little memory.", "Use a larger instance."]
    assert "3 hosts: 1 changed, 1 unchanged, 1 not reporting." in reports["varied"].text("md")
    assert not reports["healthy"].page.all("section", **{"aria-labelledby": "hosts"})


def test_problems_stand_before_everything_else(reports: Reports) -> None:
    text, page = reports["varied"].text("html"), reports["varied"].page
    assert text.index('class="problems"') < text.index('class="share"')
    panel = page.one("aside", class_="problems")
    assert panel.text.startswith("1 thing could not be read.")
    assert panel.all("li")[0].text == "ssm:X in 1/eu failed: Denied: no. Allow it."
    assert not reports["healthy"].page.all(class_="problems")

    many = reports["large"].page.one("aside", class_="problems")
    assert many.text.startswith("130 things could not be read.")
    assert [len(many.all("li")), len(many.one("details").all("li"))] == [100, 95]
    assert "The rest is in report.json." in many.text


def test_what_needs_action_is_a_table_and_the_rest_is_folded(reports: Reports) -> None:
    page, made = reports["varied"].page, reports["varied"].fleet
    action = section(page, "action")
    assert f"{made['summary']['blocked']} instances with blockers, in this order" in action.text
    assert "The first 100 are shown; all are in report.csv" in action.text
    rows = action.one("tbody").all("tr")
    assert len(rows) == 100
    known = {one["gd_instance_id"]: one for one in made["instances"]}
    for row in rows:
        one = known[row.one(class_="id").text if len(row.all(class_="id")) == 1 else row.all(class_="id")[0].text]
        assert one["gd_tags"]["Name"] in row.text and one["gd_account_id"] in row.text
        assert [code.text for code in row.one(class_="codes").all("li")] == one["gd_blockers"]

    rest = section(page, "rest")
    quiet = [one for one in made["instances"] if not one["gd_blockers"]]
    healthy = [one for one in quiet if one["gd_wanted"] and one["gd_coverage"] == "healthy"]
    assert rest.text.startswith(f"The rest {len(healthy)} instances report healthy without blockers")
    assert all(one["gd_instance_id"] not in reports["varied"].text("html") for one in healthy)
    folded = rest.one("details").all("tbody")[0].all("tr")
    assert len(folded) == min(100, len(quiet) - len(healthy))


def test_a_large_fleet_stays_a_page(reports: Reports) -> None:
    report = reports["large"]
    assert len(report.text("html")) < 250_000
    where = section(report.page, "where")
    assert "18 more accounts" in where.text
    assert [len(one.all("tr")) for one in where.all("tbody")] == [12, 18]
    assert len(report.text("csv").splitlines()) == 1501


def test_fleets_at_the_edge_have_their_own_sentence(reports: Reports) -> None:
    assert reports["empty"].page.one(class_="claim").text == "No instance was read."
    healthy = reports["healthy"]
    count = len(healthy.fleet["instances"])
    assert healthy.page.one(class_="share").text == "100 %"
    assert healthy.page.one(class_="claim").text == f"All {count} instances that should run the agent report healthy."
    off = reports["off"]
    count = len(off.fleet["instances"])
    said = f"Runtime Monitoring is off for {count} of {count} instances, and none reports."
    assert off.page.one(class_="claim").text == said and said in off.text("md")
    assert [cell.text for cell in section(off.page, "where").all("td")] == [f"off {count} instances"] * 4
    assert section(off.page, "left-out").one("h2").text == "Why all are left out"
    for name in ("action", "blockers", "left-out"):
        assert not healthy.page.all("section", **{"aria-labelledby": name})


def test_text_of_others_stays_text(reports: Reports) -> None:
    report = reports["hostile"]
    page = report.page
    assert not page.all("script", "img") and len(page.all("style")) == len(page.all("title")) == 1
    shown = page.one("main").text
    for text in HOSTILE:
        assert " ".join(text.split()) in shown, text
    assert "executed" not in re.sub(r"{% if true %}executed{% endif %}", "", shown)
    rows = {one["gd_instance_id"]: one for one in report.json["instances"]}
    for one in report.fleet["instances"]:
        assert rows[one["gd_instance_id"]]["gd_tags"] == one["gd_tags"]


def test_markdown_has_every_text_of_others_in_code(reports: Reports) -> None:
    text = reports["hostile"].text("md")
    plain = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "CODE", text)
    for sign in ("<script", "<img", "onerror", "@everyone", "](", "HYPERLINK", "{{"):
        assert sign in text and sign not in plain, sign
    widths = [line.replace("\\|", "").count("|") for line in plain.splitlines() if line.startswith("|")]
    assert widths and len(set(widths)) > 1
    for block in re.findall(r"(?:^\|.*\n)+", plain, re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1, block


def test_markdown_and_json_have_the_numbers(reports: Reports) -> None:
    report = reports["varied"]
    summary = report.fleet["summary"]
    text = report.text("md")
    assert f"**{summary['healthy_percent']:g} %**: {summary['healthy']} of {summary['wanted']} instances" in text
    for one in summary["blockers"]:
        assert f"| {one['instances']} | `{one['blocker']}` | {BLOCKERS[one['blocker']].cause} |" in text
    assert report.json["summary"] == summary
    assert report.json["reads"] == [{"time": "2026-11-24 06:00", "regions": ["eu-west-1"], "scope": "all"}]
    assert "request id" not in text + report.text("json") + report.text("html")


def templates(kind: str) -> list[Path]:
    found = sorted(TEMPLATES.glob(f"report*.{kind}.j2"))
    assert found
    return found


@pytest.mark.parametrize("path", templates("html"), ids=lambda path: path.name)
def test_every_expression_of_the_page_is_escaped(path: Path) -> None:
    rendering = environment()
    assert callable(rendering.autoescape) and rendering.autoescape(path.name)
    assert not re.search(r"\|\s*safe\b|{%-?\s*autoescape", path.read_text(encoding="utf-8"))


def test_the_page_reader_sees_tags_that_do_not_nest() -> None:
    with pytest.raises(AssertionError, match="closes"):
        Page("<p><b>x</p></b>")
    with pytest.raises(AssertionError, match="not closed"):
        Page("<p>x")


def colors(css: str, scheme: str) -> dict[str, str]:
    blocks = {
        "light": css.split("@media", 1)[0],
        "dark": css.split("prefers-color-scheme: dark", 1)[1].split("* {", 1)[0],
    }
    blocks["print"] = css.split("@media print", 1)[1]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]+);", blocks[scheme]))


def luminance(color: str) -> float:
    digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
    channels = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_text_and_charts_have_the_contrast_that_wcag_asks_for(scheme: str) -> None:
    found = colors((TEMPLATES / "report.css").read_text(encoding="utf-8"), scheme)
    pairs: list[tuple[str, str, float]] = [
        *((text, ground, 4.5) for text in ("ink", "muted", "link") for ground in ("paper", "panel")),
        *(("ink", tint, 4.5) for tint in ("none", "few", "many", "most", "all")),
        *((mark, "paper", 3.0) for mark in ("good", "bad", "hatch")),
        ("good", "track", 3.0),
    ]
    weak: list[Any] = [
        (one, other, round(contrast(found[one], found[other]), 2))
        for one, other, least in pairs
        if contrast(found[one], found[other]) < least
    ]
    assert not weak
