"""The card of a model version: its training data, quality, slices and limits."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from propensity import __version__
from propensity.evaluation.deciles import Decile
from propensity.evaluation.records import Contender, Contest, Decision
from propensity.evaluation.slices import Slice, find_level
from propensity.model.families import FAMILIES
from propensity.model.store import ModelVersion
from propensity.reporting.contest import sort_slices
from propensity.reporting.pictures import (
    COOL,
    LOUD,
    QUIET,
    draw_on_axes,
    format_axis_counts,
    to_svg,
)
from propensity.reporting.rendering import templates, write_text
from propensity.runtime.night import OpenNight
from propensity.warehouse.promotions import Promotion


@dataclass(frozen=True)
class ModelCard:
    """The facts of a model card.

    Args:
        night: The run that trained the version, its files and settings.
        contest: Candidate, champion, baselines and slices.
        decision: Outcome of the contest.
        history: Decisions about model versions, including this one, newest first.
    """

    night: OpenNight
    contest: Contest
    decision: Decision
    history: tuple[Promotion, ...]

    @property
    def candidate(self) -> Contender:
        """The version that the card describes, and its quality."""
        return self.contest.candidate

    @property
    def version(self) -> ModelVersion:
        """The version that the card describes."""
        return self.candidate.version

    @property
    def model_label(self) -> str:
        """Name of the model family of its members."""
        return FAMILIES[self.version.members[0].family].label

    @property
    def decided_at(self) -> dt.datetime:
        """Time of its training and evaluation."""
        mine = (p for p in self.history if p.to_version == self.version.name)
        return next(mine).decided_at

    @property
    def code_version(self) -> str:
        """Version of this software."""
        return __version__

    @property
    def n_positive(self) -> int:
        """Number of labelled policyholders that said yes."""
        return sum(d.actual_buyers for d in self.candidate.deciles)

    @property
    def n_agreeing(self) -> int:
        """Number of deciles whose interval contains the actual number of buyers."""
        return sum(d.agrees for d in self.candidate.deciles)

    @property
    def gap_is_chance(self) -> bool:
        """Whether chance can explain the gap between mean threshold and half of F1."""
        quality = self.candidate.evaluation
        return abs(quality.threshold_gap) <= quality.threshold_gap_by_chance

    @property
    def slices(self) -> list[Slice]:
        """The slices, largest loss first."""
        return sort_slices(self.contest.slices)

    @property
    def slice_level(self) -> float:
        """Confidence level of the interval of each gain."""
        return find_level(len(self.contest.slices))

    def collapses(self, found: Slice) -> bool:
        """Return whether the candidate collapses in this slice by the rule of the gate."""
        return found.collapses(self.night.config.slice_tolerance)


def write_card(card: ModelCard) -> Path:
    """Write card.md and card.html to the version's folder; return the path of card.md."""
    folder = card.version.folder
    write_text(render_page(card), folder / "card.html")
    return write_text(render_markdown(card), find_card(folder))


def find_card(folder: Path) -> Path:
    """Return the path of a version's card in Markdown; the page is in the same folder."""
    return folder / "card.md"


def render_markdown(card: ModelCard) -> str:
    """Render Markdown without pictures, because the terminal shows it too."""
    return templates.get_template("card.md.j2").render(card=card)


def render_page(card: ModelCard) -> str:
    """Render a self-contained HTML page."""
    picture = to_svg(draw_deciles(card.candidate.deciles), "deciles")
    return templates.get_template("card.html.j2").render(card=card, picture=picture)


def draw_deciles(deciles: tuple[Decile, ...]) -> Figure:
    """Draw actual and expected buyers of each tenth, best tenth first."""
    places = [d.decile for d in deciles]
    expected = [d.expected_buyers for d in deciles]
    reach = [
        [d.expected_buyers - d.interval.low for d in deciles],
        [d.interval.high - d.expected_buyers for d in deciles],
    ]
    with draw_on_axes(3.2) as (figure, axes):
        axes.bar(
            places, expected, yerr=reach, color=QUIET, alpha=0.6, ecolor=COOL, capsize=5,
            label="expected, 95 %",
        )  # fmt: skip
        axes.plot(
            places, [d.actual_buyers for d in deciles], "o", color=LOUD, markersize=6,
            label="said yes",
        )  # fmt: skip
        axes.set_xticks(places)
        axes.set_xlabel("tenth by probability, 1 is the best")
        axes.set_ylabel("buyers")
        axes.set_ylim(0, None)
        format_axis_counts(axes, "y")
        axes.legend(loc="upper right")
    return figure
