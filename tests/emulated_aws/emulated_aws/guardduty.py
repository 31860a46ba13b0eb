# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GuardDuty's operations: detectors, their tags, coverage."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.guardduty import urls
from moto.guardduty.responses import GuardDutyResponse as MotoGuardDuty

from . import behaviour, constraints, coverage, coverage_rows, guardduty_state, paging
from .guardduty_detector import Detector, features_of, refused, require_features
from .wire import AwsError

Rows = Sequence[Any]


def _invalid() -> AwsError:
    return refused("an invalid or out-of-range value is specified as an input parameter.")


class GuardDutyResponse(MotoGuardDuty):
    """GuardDuty on this world. moto's filters stay; the rest of moto's GuardDuty is replaced."""

    def _input(self) -> dict[str, Any]:
        self.parse_parameters(self.normalized_request)
        parameters: dict[str, Any] = self.params
        if constraints.violations("guardduty", self._get_action(), parameters):
            raise _invalid()
        return parameters

    @property
    def _state(self) -> guardduty_state.GuardDutyState:
        return guardduty_state.state(self.current_account, self.region)

    def _page(self, rows: Callable[[], Rows], parameters: Mapping[str, Any]) -> tuple[Rows, str | None]:
        # 1 to 50 (botocore); the default is documented for ListMembers only: 50.
        return paging.page(
            rows,
            parameters,
            default=50,
            maximum=50,
            bad_size=lambda _: _invalid(),
            bad_token=_invalid,
            scope=f"{self._get_action()} {self.current_account} {self.region}",
        )

    # Detectors

    def create_detector(self) -> Any:
        p = self._input()
        features = p.get("Features") or []
        require_features(features, p.get("DataSources"))
        detector = Detector(
            self.current_account,
            self.region,
            enabled=p["Enable"],
            frequency=p.get("FindingPublishingFrequency") or "SIX_HOURS",
            tags=dict(p.get("Tags") or {}),
            client_token=p.get("ClientToken"),
        )
        detector = self._state.create(detector)
        detector.apply(features or features_of(p.get("DataSources") or {}))
        return ActionResult({"DetectorId": detector.detector_id})

    def list_detectors(self) -> Any:
        p, there = self._input(), self._state.detector
        ids, token = self._page(lambda: [there.detector_id] if there is not None else [], p)
        return ActionResult({"DetectorIds": ids, "NextToken": token})

    def get_detector(self) -> Any:
        return ActionResult(self._state.get(self._input()["DetectorId"]).describe())

    def update_detector(self) -> Any:
        p = self._input()
        detector = self._state.get(p["DetectorId"])
        features = p.get("Features") or []
        require_features(features, p.get("DataSources"))
        features = features or features_of(p.get("DataSources") or {})
        if features:
            guardduty_state.require_own_settings(self.current_account, self.region)
        detector.apply(features)
        if p.get("Enable") is not None:
            detector.enabled = p["Enable"]
        if p.get("FindingPublishingFrequency"):
            detector.frequency = p["FindingPublishingFrequency"]
        return EmptyResult()

    def delete_detector(self) -> Any:
        self._state.get(self._input()["DetectorId"])
        guardduty_state.require_own_settings(self.current_account, self.region)
        self._state.detector = None
        return EmptyResult()

    # Tags

    def _tagged(self, arn: str) -> Detector:
        there = self._state.detector
        if there is None or there.arn != arn:
            raise refused("the resource does not exist in the current account and Region.")
        return there

    def tag_resource(self) -> Any:
        p = self._input()
        self._tagged(p["ResourceArn"]).tags.update(p["Tags"])
        return EmptyResult()

    def untag_resource(self) -> Any:
        p = self._input()
        tags = self._tagged(p["ResourceArn"]).tags
        for key in p["TagKeys"]:
            tags.pop(key, None)
        return EmptyResult()

    def list_tags_for_resource(self) -> Any:
        return ActionResult({"Tags": self._tagged(self._input()["ResourceArn"]).tags})

    # Coverage

    def _coverage(self, criteria: Mapping[str, Any] | None) -> list[dict[str, Any]]:
        for account in guardduty_state.visible(self.current_account, self.region):
            behaviour.settle(account, self.region)
        return coverage_rows.filtered(coverage.rows(self.current_account, self.region), criteria)

    def list_coverage(self) -> Any:
        p = self._input()
        self._state.get(p["DetectorId"])
        criteria, sort = p.get("FilterCriteria"), p.get("SortCriteria")
        rows, token = self._page(lambda: coverage_rows.ordered(self._coverage(criteria), sort, criteria), p)
        body = {"resources": rows} | ({"nextToken": token} if token else {})
        # Not through moto's model serializer, which takes milliseconds a row.
        return 200, {"Content-Type": "application/json"}, json.dumps(body)

    def get_coverage_statistics(self) -> Any:
        p = self._input()
        self._state.get(p["DetectorId"])
        counts = coverage_rows.statistics(self._coverage(p.get("FilterCriteria")), p["StatisticsType"])
        return ActionResult({"CoverageStatistics": counts})


def register() -> None:
    # moto lists a few paths; its router finds the operation from botocore's model by itself.
    urls.url_paths.clear()
    urls.url_paths["{0}/.*$"] = GuardDutyResponse.dispatch


load = guardduty_state.load
