"""Every path that the job writes, as a method of one object."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Workspace:
    """The folder of run data; folders are created only when something is written."""

    root: Path

    @property
    def lock(self) -> Path:
        """Lock file of the night in progress."""
        return self.root / "night.lock"

    @property
    def raw(self) -> Path:
        """Simulated books."""
        return self.root / "raw"

    @property
    def comparisons(self) -> Path:
        """Parent of the folders of strategy comparisons."""
        return self.root / "comparisons"

    def curated(self, run_name: str) -> Path:
        """Parts of checked rows, and rejected.csv, of one run."""
        return self.root / "curated" / run_name

    def reports(self, run_name: str) -> Path:
        """HTML pages and profile of one run."""
        return self.root / "reports" / run_name

    def night_page(self, run_name: str) -> Path:
        """The page that shows one run."""
        return self.reports(run_name) / "night.html"

    def decision_card(self, run_name: str) -> Path:
        """The decision card of one run, as shown in the Prefect UI."""
        return self.reports(run_name) / "decision.md"

    def profile(self, run_name: str) -> Path:
        """Value counts of one run's book, with which the next night compares its own."""
        return self.reports(run_name) / "counts.json"

    def model(self, version: str) -> Path:
        """Members, encoders and manifest of one model version."""
        return self.root / "models" / version

    def checkpoints(self, run_name: str) -> Path:
        """Checkpoints of the stages of one run."""
        return self.root / "checkpoints" / run_name

    def scores(self, run_name: str) -> Path:
        """Parts with the scores of one run."""
        return self.root / "scores" / run_name
