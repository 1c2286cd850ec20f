from collections.abc import Iterator

import pytest

from propensity.dataset import CuratedBook
from propensity.gate import Contest, Decision
from propensity.night import OpenNight, open_night
from propensity.registry import Member
from propensity.settings import NightlyConfig
from propensity.simulate import simulate_book


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory, prefect_server: None) -> Iterator[OpenNight]:
    folder = tmp_path_factory.mktemp("night")
    csv = folder / "book.csv"
    simulate_book(csv, n_rows=20_000, seed=1, unlabelled_share=0.25)
    lines = csv.read_text(encoding="utf-8").splitlines()
    lines[10] = lines[10].replace("Male", "Mole").replace("Female", "Femole")
    csv.write_text("\n".join(lines), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROPENSITY_DATA_DIR", str(folder / "data"))
        config = NightlyConfig(csv=[str(csv)], max_epochs=2, batch_size=256, n_bootstrap=50)
        yield open_night(config, "a-flow-run")


@pytest.fixture(scope="session")
def book(night: OpenNight) -> CuratedBook:
    from tasks.ingest import ingest

    return ingest(night)


@pytest.fixture(scope="session")
def members(night: OpenNight, book: CuratedBook) -> list[Member]:
    from tasks.train import train

    return [train(night, book, fold) for fold in range(5)]


@pytest.fixture(scope="session")
def contest(night: OpenNight, book: CuratedBook, members: list[Member]) -> Contest:
    from tasks.evaluate import evaluate

    return evaluate(night, book, members)


@pytest.fixture(scope="session")
def decision(night: OpenNight, contest: Contest) -> Decision:
    from tasks.promote import promote

    return promote(night, contest)
