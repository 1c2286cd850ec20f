"""Every path the job writes, as a method of one object."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Workspace:
    """The folder of run data; nothing is made before it is written to."""

    root: Path

    @property
    def lock(self) -> Path:
        """Held by the night under way."""
        return self.root / "night.lock"

    @property
    def raw(self) -> Path:
        """Simulated books."""
        return self.root / "raw"

    @property
    def comparisons(self) -> Path:
        """A folder for each comparison of strategies."""
        return self.root / "comparisons"

    def curated(self, run_name: str) -> Path:
        """Parts of checked rows and rejected.csv of one run."""
        return self.root / "curated" / run_name

    def reports(self, run_name: str) -> Path:
        """HTML pages of one run, and its profile."""
        return self.root / "reports" / run_name

    def night_page(self, run_name: str) -> Path:
        """The page that shows one run."""
        return self.reports(run_name) / "night.html"

    def decision_card(self, run_name: str) -> Path:
        """The decision card of one run, as the UI shows it."""
        return self.reports(run_name) / "decision.md"

    def profile(self, run_name: str) -> Path:
        """How often each value occurred in one run's book; the next night compares with it."""
        return self.reports(run_name) / "counts.json"

    def model(self, version: str) -> Path:
        """Members, encoders and manifest of one model version."""
        return self.root / "models" / version

    def receipts(self, run_name: str) -> Path:
        """What the stages of one run left behind, by their digests."""
        return self.root / "receipts" / run_name

    def scores(self, run_name: str) -> Path:
        """Parts of scores of one run."""
        return self.root / "scores" / run_name
