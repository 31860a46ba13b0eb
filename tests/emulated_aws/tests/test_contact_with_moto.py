# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each point where this package touches moto's inside: a moto that changes there fails here, and says where."""

from __future__ import annotations

import inspect

import pytest
from moto.core.base_backend import BackendDict
from moto.core.request import Request, determine_request_protocol
from moto.core.responses import BaseResponse
from moto.core.routing import get_service_router
from moto.core.utils import camelcase_to_underscores, get_service_model
from moto.ec2 import urls
from moto.ec2.models import ec2_backends
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.models.instances import Instance, Reservation
from moto.ec2.responses import EC2Response as MotoEC2Response

from emulated_aws import ec2, ec2_state, ec2_view, loader, register
from emulated_aws.ec2_instances import FleetInstance
from emulated_aws.ec2_state import backend
from emulated_aws.fleet import parse_fleet

FLEET = """
accounts:
  "111111111111":
    regions:
      eu-west-1:
        vpcs: {shop: {subnets: {a: eu-west-1a}}}
        instances: [{name: web, vpc: shop}]
"""


@pytest.fixture
def state():
    loader.load(parse_fleet(FLEET))
    return backend("111111111111", "eu-west-1")


def test_url_paths_take_our_dispatch():
    register.register()
    assert {handler.__self__ for handler in urls.url_paths.values()} == {ec2.EC2Response}
    assert all(handler.__name__ == "dispatch" for handler in urls.url_paths.values())


def test_our_operations_come_before_motos():
    ours = [
        name
        for mixin in ec2.EC2Response.__mro__
        if mixin.__module__.startswith("emulated_aws")
        for name in vars(mixin)
        if name.startswith(("describe_", "create_", "delete_", "modify_"))
    ]
    assert len(ours) >= 18
    operations = {camelcase_to_underscores(name) for name in get_service_model("ec2").operation_names}
    assert set(ours) <= operations
    for name in ours:
        assert getattr(ec2.EC2Response, name) is not getattr(MotoEC2Response, name, None)


def test_base_response_still_parses_by_botocores_model():
    assert list(inspect.signature(BaseResponse.parse_parameters).parameters) == ["self", "request"]
    source = inspect.getsource(BaseResponse.setup_class)
    for attribute in ("current_account", "region", "normalized_request"):
        assert f"self.{attribute} = " in source


def test_the_account_comes_from_the_header():
    assert '"x-moto-account-id" in self.headers' in inspect.getsource(BaseResponse.get_current_account)


def test_backends_by_account_and_region(state):
    assert isinstance(ec2_backends, BackendDict)
    assert ec2_backends["111111111111"]["eu-west-1"] is state


def test_motos_stores_have_the_shapes_that_we_fill(state):
    reservation = next(iter(state.reservations.values()))
    assert isinstance(reservation, Reservation)
    assert isinstance(reservation.instances[0], FleetInstance)
    vpc = next(iter(state.vpcs.values()))
    assert state.groups[vpc.id] and state.subnets["eu-west-1a"]
    assert state.tags[vpc.id] == {"Name": "shop"}
    assert state.get_instance(reservation.instances[0].id) is reservation.instances[0]


def test_a_fleet_instance_has_every_attribute_of_motos(state):
    """FleetInstance skips moto's constructor: an attribute that moto adds must be added there too."""
    fleet_instance = state.all_instances()[0]
    subnet = state.get_subnet(fleet_instance.subnet_id)
    run = state.run_instances(
        image_id="ami-12345678",
        count=1,
        user_data=None,
        security_group_names=[],
        subnet_id=subnet.id,
        instance_type="m6i.large",
        is_instance_type_default=False,
    )
    missing = set(vars(run.instances[0])) - set(vars(fleet_instance))
    assert not missing


def test_tags_of_a_resource_are_read_by_id(state):
    register.register()
    vpc = next(iter(state.vpcs.values()))
    assert vpc.get_tags() == [{"resource_id": vpc.id, "key": "Name", "value": "shop"}]
    assert TaggedEC2Resource.get_tags is Instance.get_tags


def test_routing_of_rest_services():
    request = Request.from_primitives("GET", "https://guardduty.eu-west-1.amazonaws.com/detector", {})
    operation, dummy = get_service_router("guardduty").match(request)
    assert operation.name == "ListDetectors"
    assert determine_request_protocol(get_service_model("ec2"), "") == "ec2"


def test_a_load_empties_moto(state):
    state.vpcs.clear()
    loader.load(parse_fleet(FLEET))
    assert len(backend("111111111111", "eu-west-1").vpcs) == 1
    assert backend("111111111111", "us-east-1").vpcs == {}


def test_looking_makes_no_backend(state):
    """moto's mapping says that it has every region of AWS, and makes a backend when asked for one."""
    assert ec2_state.used("111111111111", "eu-west-1")
    assert ec2_view.instances("111111111111", "us-west-2") == []
    assert not ec2_state.used("111111111111", "us-west-2")
    assert ec2_state.accounts_in("us-west-2") == []
