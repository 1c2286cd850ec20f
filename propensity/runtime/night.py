"""What every stage of a night needs to know, settled before the first one starts."""

import datetime as dt
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from propensity.errors import BusyError
from propensity.ingest.contract import Contract, load_contract
from propensity.model.store import check_if_there
from propensity.settings import NightlyConfig, Settings
from propensity.storage.hashing import digest_config, digest_files
from propensity.storage.input_files import find_files
from propensity.storage.workspace import Workspace
from propensity.warehouse.access import open_warehouse
from propensity.warehouse.locks import only_one
from propensity.warehouse.model_registry import find_files_digest
from propensity.warehouse.promotions import find_champion
from propensity.warehouse.runs import Night, Run, find_earlier, find_published, start_run


@dataclass(frozen=True)
class OpenNight:
    """A run under way: what to read, where to write, by which rules.

    `is_repeat` says that this very night (date, book, configuration) was published before and need
    not be run; `run` is then that run. `earlier` are the names of attempts at it that were not, the
    latest first, whose outputs may be taken: none where everything is to be done anew.
    """

    run: Run
    files: tuple[Path, ...]
    config: NightlyConfig
    contract: Contract
    workspace: Workspace
    is_repeat: bool
    earlier: tuple[str, ...] = ()

    @property
    def version_name(self) -> str:
        """Name of the model version this run trains."""
        return self.run.run_name


def open_night(config: NightlyConfig, flow_run_id: str | None = None) -> OpenNight:
    """Identify the night by date, digest of the book and digest of the configuration.

    Args:
        config: Which files, which date, which settings.
        flow_run_id: Of the Prefect flow run, to be found again from the warehouse.

    Raises:
        InputError: No such files.
        ChangedModelError: A file of the champion is not the one that was saved.
        WarehouseError: The database does not answer.
    """
    settings, contract = Settings(), load_contract()
    files = find_files(config.csv)
    config_digest = digest_config(contract.digest, config.decisive)
    night = Night(config.as_of, digest_files(files), config_digest)
    engine = open_warehouse(settings.warehouse_url)
    workspace = Workspace(settings.data_dir.resolve())
    published = None if config.force else find_published(engine, night)
    if published:
        return OpenNight(published, tuple(files), config, contract, workspace, is_repeat=True)
    run = start_run(engine, night, files, flow_run_id)
    _check_champion(engine, workspace, config.as_of)
    earlier = () if config.force else find_earlier(engine, run)
    return OpenNight(
        run, tuple(files), config, contract, workspace, is_repeat=False, earlier=earlier
    )


def _check_champion(engine: Engine, workspace: Workspace, as_of: dt.date) -> None:
    """Find out now, and not after an hour of training; whoever loads it checks again."""
    champion = find_champion(engine, as_of)
    if champion:
        check_if_there(workspace.model(champion), find_files_digest(engine, champion))


@contextmanager
def only_one_night() -> Iterator[None]:
    """Hold the locks of the data folder and the warehouse; they end with the process.

    Without it a second night would take the first for crashed and clean up after it.

    Raises:
        BusyError: Another process holds one.
        WarehouseError: The database does not answer.
    """
    lock = Workspace(Settings().data_dir).lock
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            todo = "Wait for it, or look for it in the Prefect UI and cancel it there"
            raise BusyError(f"Another night is running in {lock.parent}", todo=todo) from None
        with only_one(reach_warehouse(), "night"):
            yield


def reach_warehouse() -> Engine:
    """Connect to the warehouse of this machine's settings, its schema up to date."""
    return open_warehouse(Settings().warehouse_url)


def rejoin_warehouse() -> Engine:
    """Connect again in the middle of a night: a database that restarts is waited for.

    At its start a night has nothing to lose and fails at once; later it would lose an hour of
    training.

    Raises:
        WarehouseAwayError: It does not answer for PROPENSITY_WAREHOUSE_PATIENCE.
    """
    settings = Settings()
    return open_warehouse(settings.warehouse_url, settings.warehouse_patience)
