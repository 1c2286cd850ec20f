"""What every stage of a night needs, set up before the first one starts."""

import datetime as dt
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
from propensity.warehouse.engine import wait_for
from propensity.warehouse.locks import lock_file, only_one
from propensity.warehouse.model_registry import find_files_digest
from propensity.warehouse.promotions import find_champion
from propensity.warehouse.runs import Night, Run, find_earlier, find_published, start_run


@dataclass(frozen=True)
class OpenNight:
    """A run in progress: its input, its output locations and its rules.

    Args:
        run: This attempt at the night.
        files: CSV files of the book.
        config: Configuration of the night.
        contract: Contract that the files must satisfy.
        settings: Settings of the machine, read once per night.
        warehouse: The database, opened once per night; stages reach it through `rejoin`.
        is_repeat: Whether this night was already published; then `run` is the published run.
        earlier: Names of earlier attempts at the same date and book, latest first, whose outputs
            may be reused; empty if everything must be computed again.
    """

    run: Run
    files: tuple[Path, ...]
    config: NightlyConfig
    contract: Contract
    settings: Settings
    warehouse: Engine
    is_repeat: bool = False
    earlier: tuple[str, ...] = ()

    @property
    def workspace(self) -> Workspace:
        """The folder of run data."""
        return open_workspace(self.settings)

    @property
    def version_name(self) -> str:
        """Name of the model version that this run trains."""
        return self.run.run_name

    def rejoin(self) -> Engine:
        """Return the warehouse once it answers, waiting for a database that restarts.

        A night that has just started fails immediately instead; later, failing would waste an hour
        of training.

        Raises:
            WarehouseAwayError: No answer within PROPENSITY_WAREHOUSE_PATIENCE seconds.
        """
        wait_for(self.warehouse, self.settings.warehouse_patience)
        return self.warehouse


def open_workspace(settings: Settings) -> Workspace:
    """Return the workspace, with the absolute path of the data folder."""
    return Workspace(settings.data_dir.resolve())


def open_night(
    config: NightlyConfig, settings: Settings, warehouse: Engine, flow_run_id: str | None = None
) -> OpenNight:
    """Identify the night by its date, the digest of the book and the digest of the configuration.

    Args:
        config: Files, date and settings of the night.
        settings: Settings of the machine.
        warehouse: The database with a current schema.
        flow_run_id: Id of the Prefect flow run, stored in the warehouse as a reference.

    Raises:
        InputError: The files do not exist.
        ChangedModelError: A file of the champion was changed.
        WarehouseError: The database does not answer.
    """
    contract, files = load_contract(), tuple(find_files(config.csv))
    identity = digest_config(contract.digest, config.identity)
    night = Night(config.as_of, digest_files(list(files)), identity)
    published = None if config.force else find_published(warehouse, night)
    if published:
        return OpenNight(published, files, config, contract, settings, warehouse, is_repeat=True)
    run = start_run(warehouse, night, list(files), flow_run_id)
    _check_champion(warehouse, open_workspace(settings), config.as_of)
    earlier = () if config.force else find_earlier(warehouse, run)
    return OpenNight(run, files, config, contract, settings, warehouse, earlier=earlier)


def _check_champion(engine: Engine, workspace: Workspace, as_of: dt.date) -> None:
    """Detect a changed file before an hour of training; loading the model checks again."""
    champion = find_champion(engine, as_of)
    if champion:
        check_if_there(workspace.model(champion), find_files_digest(engine, champion))


@contextmanager
def only_one_night(settings: Settings) -> Iterator[Engine]:
    """Hold the locks of the data folder and the warehouse until the process ends.

    Without the locks, a second night would treat the first as crashed and clean up after it.

    Yields:
        The warehouse with a current schema.

    Raises:
        BusyError: Another process holds one of the locks.
        WarehouseError: The database does not answer, or a lock file cannot be written.
    """
    path = Workspace(settings.data_dir).lock
    todo = "Wait until it ends, or cancel it in the Prefect UI"
    with lock_file(path, BusyError(f"Another night is running in {path.parent}", todo=todo)):
        warehouse = open_warehouse(settings.warehouse_url)
        with only_one(warehouse, "night"):
            yield warehouse
