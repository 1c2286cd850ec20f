"""The real processes of prefect_stack.py, for the tests of a module."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from propensity.simulation.book import simulate_book

from . import prefect_stack
from .prefect_stack import PrefectStack


@dataclass(frozen=True)
class PrefectApi:
    """The server of the tests, for commands that shall report to it: by PREFECT_API_URL."""

    url: str

    def read_artifact(self, key: str) -> dict[str, Any]:
        """The newest under this key."""
        answer = httpx.get(f"{self.url}/artifacts/{key}/latest", timeout=prefect_stack.PATIENCE)
        return dict(answer.raise_for_status().json())


@pytest.fixture(scope="session")
def prefect_api(prefect_server: None) -> PrefectApi:
    from prefect.settings import PREFECT_API_URL  # seconds, and only where it is used

    return PrefectApi(str(PREFECT_API_URL.value()))


@pytest.fixture(scope="module", autouse=True)
def family() -> Iterator[None]:
    """Train logistic regressions, in a second and without TensorFlow: these tests are of flows.

    Where a test needs the network it says so, in its configuration or by this fixture.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROPENSITY_MODEL_FAMILY", "logistic")
        yield


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., Any]:
    return prefect_stack.wait_until


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectStack]:
    folder = tmp_path_factory.mktemp("stack")
    simulate_book(folder / "book.csv", n_rows=20_000, seed=0, unlabelled_share=0.25)
    stack = PrefectStack(folder)
    try:
        stack.start_server()
        stack.deploy()
        stack("propensity", "ops", "setup")
        stack.start_worker()
        yield stack
    finally:
        stack.stop_all()
