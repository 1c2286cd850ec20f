"""The card of a model version: what it learnt from, how good it is and where, its limits."""

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
    """Everything the templates say.

    Args:
        night: Which run trained it, from which files, with which settings.
        contest: Candidate, champion and baselines, and the slices.
        decision: What came of it.
        history: Decisions about model versions, this one among them, newest first.
    """

    night: OpenNight
    contest: Contest
    decision: Decision
    history: tuple[Promotion, ...]

    @property
    def candidate(self) -> Contender:
        """The version whose card this is, and its quality."""
        return self.contest.candidate

    @property
    def version(self) -> ModelVersion:
        """The version whose card this is."""
        return self.candidate.version

    @property
    def model_label(self) -> str:
        """What each of its members is."""
        return FAMILIES[self.version.members[0].family].label

    @property
    def decided_at(self) -> dt.datetime:
        """When it was trained and judged."""
        mine = (p for p in self.history if p.to_version == self.version.name)
        return next(mine).decided_at

    @property
    def code_version(self) -> str:
        """Of this software."""
        return __version__

    @property
    def n_positive(self) -> int:
        """Buyers among the labelled."""
        return sum(d.actual_buyers for d in self.candidate.deciles)

    @property
    def n_agreeing(self) -> int:
        """Deciles in which as many said yes as the probabilities make likely."""
        return sum(d.agrees for d in self.candidate.deciles)

    @property
    def gap_is_chance(self) -> bool:
        """Whether chance takes the threshold as far from half of F1."""
        quality = self.candidate.evaluation
        return abs(quality.threshold_gap) <= quality.threshold_gap_by_chance

    @property
    def slices(self) -> list[Slice]:
        """The greatest loss first."""
        return sort_slices(self.contest.slices)

    @property
    def slice_level(self) -> float:
        """Level of the interval of each gain."""
        return find_level(len(self.contest.slices))

    def collapses(self, found: Slice) -> bool:
        """Tell whether the gate calls this a collapse."""
        return found.collapses(self.night.config.slice_tolerance)


def write_card(card: ModelCard) -> Path:
    """Write card.md and card.html beside the members; return the path of card.md."""
    folder = card.version.folder
    write_text(render_page(card), folder / "card.html")
    return write_text(render_markdown(card), find_card(folder))


def find_card(folder: Path) -> Path:
    """Where the card of a version is, as Markdown; the page is beside it."""
    return folder / "card.md"


def render_markdown(card: ModelCard) -> str:
    """Render Markdown without pictures: it is read on the terminal too."""
    return templates.get_template("card.md.j2").render(card=card)


def render_page(card: ModelCard) -> str:
    """Render a self-contained HTML page."""
    picture = to_svg(draw_deciles(card.candidate.deciles), "deciles")
    return templates.get_template("card.html.j2").render(card=card, picture=picture)


def draw_deciles(deciles: tuple[Decile, ...]) -> Figure:
    """Draw the buyers there were over those to expect, the best tenth first."""
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
