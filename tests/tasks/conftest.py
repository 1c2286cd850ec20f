import dataclasses
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from propensity.evaluation.records import Contest, Decision
from propensity.ingest.book import CuratedBook
from propensity.model.store import Member
from propensity.runtime.night import OpenNight, open_night
from propensity.runtime.night_facts import NightFacts
from propensity.scoring.records import ScoredBook
from propensity.settings import NightlyConfig, Settings
from propensity.simulation.book import simulate_book
from propensity.warehouse.access import open_warehouse


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
        settings = Settings()
        yield open_night(config, settings, open_warehouse(settings.warehouse_url), "a-flow-run")


@pytest.fixture(scope="session")
def begin_again(night: OpenNight) -> Callable[[str], OpenNight]:
    """Make another attempt at the night, in folders of its own."""

    def begin(name: str) -> OpenNight:
        run = dataclasses.replace(night.run, run_name=f"{night.run.run_name}-{name}")
        return dataclasses.replace(night, run=run, earlier=(night.run.run_name,))

    return begin


@pytest.fixture(scope="session")
def damage() -> Callable[[Path], AbstractContextManager[None]]:
    """Flip a bit of a file for as long as the block lasts."""

    @contextmanager
    def flip(path: Path) -> Iterator[None]:
        sound = path.read_bytes()
        middle = len(sound) // 2
        path.write_bytes(sound[:middle] + bytes([sound[middle] ^ 1]) + sound[middle + 1 :])
        yield
        path.write_bytes(sound)

    return flip


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


@pytest.fixture(scope="session")
def scores(night: OpenNight, book: CuratedBook, decision: Decision) -> ScoredBook:
    from tasks.score import score

    assert decision.serving is not None
    return score(night, book, decision.serving)


@pytest.fixture(scope="session")
def facts(
    night: OpenNight, book: CuratedBook, contest: Contest, decision: Decision, scores: ScoredBook
) -> NightFacts:
    from tasks.describe import describe

    return describe(night, book, contest, decision, scores)
