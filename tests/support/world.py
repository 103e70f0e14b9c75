"""A gateway, a billing system and their keys for each test."""

from pathlib import Path
from types import SimpleNamespace

import pytest

import callbacks
import certs
from billing_stub import BillingStub
from gateway import BIN, Gateway, new_webhook_secret
from schema import validate
from sslcommerz import SSLCommerz
from stub_server import tls_context


def pytest_sessionstart(session):
    if not Path(BIN).exists():
        pytest.exit(f"{BIN} is not there: run make first", 2)


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    """Paths: ca, and (certificate, key) of each who listens."""
    directory = tmp_path_factory.mktemp("keys")
    return SimpleNamespace(
        dir=directory,
        gateway=certs.make(directory, "gateway"),
        billing=certs.make(directory, "billing"),
        provider=certs.make(directory, "provider"),
        ca=directory / "ca.crt")


@pytest.fixture
def billing(keys):
    """A billing system; every event that it got has to be right."""
    stub = BillingStub(*keys.billing, [new_webhook_secret()],
                       check=lambda event: validate(event, "event")).start()
    yield stub
    stub.stop()
    assert stub.faults() == []


@pytest.fixture
def provider(keys):
    """SSLCommerz as it should be, until a test wants it otherwise."""
    with SSLCommerz(tls_context(*keys.provider),
                    {callbacks.MERCHANT: callbacks.PASSWORD}) as stand_in:
        yield stand_in


@pytest.fixture
def make_gateway(tmp_path, keys):
    """A function that makes gateways; none outlives the test."""
    made = []

    def make(**more):
        directory = tmp_path / f"gateway{len(made)}"
        directory.mkdir(mode=0o700)
        made.append(Gateway(directory, keys, **more))
        return made[-1]

    yield make
    for gateway in made:
        gateway.stop()
    for gateway in made:
        for log in gateway.logs:
            assert log.noise == [], "written past the log"
            assert log.find("nonsense") is None


@pytest.fixture
def gateway(make_gateway, billing):
    """A running gateway that delivers to billing; it has to end well."""
    running = make_gateway(billing=billing).start()
    yield running
    if running.process is not None:
        assert running.stop() == 0


@pytest.fixture
def asking(make_gateway, billing, provider):
    """A running gateway whose payments SSLCommerz has to confirm."""
    running = make_gateway(billing=billing, provider=provider).start()
    yield running
    if running.process is not None:
        assert running.stop() == 0
