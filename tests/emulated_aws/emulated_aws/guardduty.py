# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GuardDuty's operations: detectors, their tags, coverage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.guardduty import urls

from . import behaviour, coverage, coverage_rows, guardduty_state
from .guardduty_detector import Detector, features_of, refused, require_features
from .guardduty_organization import OrganizationOperations


class GuardDutyResponse(OrganizationOperations):
    """GuardDuty on this world. moto's filters stay; the rest of moto's GuardDuty is replaced."""

    # Detectors

    def create_detector(self) -> Any:
        p = self.checked_input()
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
        detector = self.state.create(detector)
        detector.apply(features or features_of(p.get("DataSources") or {}))
        return ActionResult({"DetectorId": detector.detector_id})

    def list_detectors(self) -> Any:
        p, there = self.checked_input(), self.state.detector
        ids, token = self.paged(lambda: [there.detector_id] if there is not None else [], p)
        return ActionResult({"DetectorIds": ids, "NextToken": token})

    def get_detector(self) -> Any:
        return ActionResult(self.state.get(self.checked_input()["DetectorId"]).describe())

    def update_detector(self) -> Any:
        p = self.checked_input()
        detector = self.state.get(p["DetectorId"])
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
        self.state.get(self.checked_input()["DetectorId"])
        guardduty_state.require_own_settings(self.current_account, self.region)
        self.state.detector = None
        return EmptyResult()

    # Tags

    def _tagged(self, arn: str) -> Detector:
        there = self.state.detector
        if there is None or there.arn != arn:
            raise refused("the resource does not exist in the current account and Region.")
        return there

    def tag_resource(self) -> Any:
        p = self.checked_input()
        self._tagged(p["ResourceArn"]).tags.update(p["Tags"])
        return EmptyResult()

    def untag_resource(self) -> Any:
        p = self.checked_input()
        tags = self._tagged(p["ResourceArn"]).tags
        for key in p["TagKeys"]:
            tags.pop(key, None)
        return EmptyResult()

    def list_tags_for_resource(self) -> Any:
        return ActionResult({"Tags": self._tagged(self.checked_input()["ResourceArn"]).tags})

    # Coverage

    def _coverage(self, criteria: Mapping[str, Any] | None) -> list[dict[str, Any]]:
        for account in guardduty_state.visible(self.current_account, self.region):
            behaviour.settle(account, self.region)
        return coverage_rows.filtered(coverage.rows(self.current_account, self.region), criteria)

    def list_coverage(self) -> Any:
        p = self.checked_input()
        self.state.get(p["DetectorId"])
        criteria, sort = p.get("FilterCriteria"), p.get("SortCriteria")
        rows, token = self.paged(lambda: coverage_rows.ordered(self._coverage(criteria), sort, criteria), p)
        body = {"resources": rows} | ({"nextToken": token} if token else {})
        # Not through moto's model serializer, which takes milliseconds a row.
        return 200, {"Content-Type": "application/json"}, json.dumps(body)

    def get_coverage_statistics(self) -> Any:
        p = self.checked_input()
        self.state.get(p["DetectorId"])
        counts = coverage_rows.statistics(self._coverage(p.get("FilterCriteria")), p["StatisticsType"])
        return ActionResult({"CoverageStatistics": counts})


def register() -> None:
    # moto lists a few paths; its router finds the operation from botocore's model by itself.
    urls.url_paths.clear()
    urls.url_paths["{0}/.*$"] = GuardDutyResponse.dispatch


load = guardduty_state.load
