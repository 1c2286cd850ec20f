"""Pictures of a book: class balance, segments, scores, drift."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from propensity.metrics.class_balance import ClassBalance
from propensity.monitoring.drift import LARGE, NOTABLE, ColumnDrift
from propensity.monitoring.segments import FeatureSegments, Segment
from propensity.reporting.pictures import (
    COOL,
    INK,
    LOUD,
    QUIET,
    draw_on_axes,
    format_axis_counts,
    format_axis_shares,
)

MAX_NAME = 20
DRAWN_SHARE = 0.999
"""Share of the book that is drawn; the highest probabilities would stretch the axis."""


def draw_balance(balance: ClassBalance, response: str) -> Figure:
    """Draw how many respondents said no and yes."""
    counts = [balance.n_negative, balance.n_positive]
    with draw_on_axes(2.2) as (figure, axes):
        bars = axes.bar(["0: said no", "1: said yes"], counts, color=[QUIET, LOUD], width=0.6)
        axes.bar_label(bars, [f"{n:,}" for n in counts], padding=2)
        axes.set_ylabel("policyholders")
        axes.set_title(response)
        format_axis_counts(axes, "y")
        axes.margins(y=0.15)
    return figure


def draw_segments(found: FeatureSegments, prevalence: float, highest: float) -> Figure:
    """Draw the share that said yes in each segment of a feature, with intervals.

    Args:
        found: The feature and its segments.
        prevalence: Prevalence of the whole book, drawn as a dashed line.
        highest: End of the axis, the same for all features.
    """
    known = [s for s in found.segments if s.n_labelled]
    with draw_on_axes(0.95 + 0.27 * len(known)) as (figure, axes):
        rows = range(len(known))
        axes.axvline(prevalence, color=INK, linestyle="--", linewidth=1)
        shares = [s.n_positive / s.n_labelled for s in known]
        axes.errorbar(
            shares, rows, xerr=_reach(known, shares), fmt="o", color=LOUD, ecolor=COOL, capsize=3
        )
        axes.set_yticks(rows, [_shorten(s.name) for s in known])
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(known) - 0.4, -0.6)
        axes.set_xlim(0, highest)
        axes.set_xlabel("said yes")
        format_axis_shares(axes, "x")
    return figure


def _reach(known: list[Segment], shares: list[float]) -> NDArray[np.float64]:
    intervals = [s.interval for s in known]
    ends = [(p - i.low, i.high - p) for p, i in zip(shares, intervals, strict=True) if i]
    # at a share of 0 or 1, rounding may put an end of the interval on the wrong side
    return np.asarray(np.maximum(np.array(ends).T, 0))


def _shorten(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"


def draw_scores(tonight: NDArray[np.float64], last: NDArray[np.float64] | None) -> Figure:
    """Draw the distribution of the probabilities, tonight and last night.

    The first bin is not drawn: it may hold half of the book, and would flatten all others.

    Args:
        tonight: Share of the book in bins of equal width from 0 to 1, shape (n,).
        last: The same for last night, if available.
    """
    n_bins = len(tonight)
    seen = tonight if last is None else np.maximum(tonight, last)
    reached = np.cumsum(seen) / seen.sum()
    n_shown = max(2, int(np.searchsorted(reached, DRAWN_SHARE)) + 1)
    edges = np.arange(n_shown + 1) / n_bins
    with draw_on_axes(3.0) as (figure, axes):
        axes.stairs(tonight[1:n_shown], edges[1:], fill=True, color=QUIET, label="tonight")
        if last is not None:
            axes.stairs(
                last[1:n_shown], edges[1:], color=LOUD, linewidth=1.8, linestyle="--",
                label="last night",
            )  # fmt: skip
            figure.legend(loc="outside lower center", ncols=2)
        axes.set_xlim(edges[1], edges[-1])
        axes.set_xlabel("predicted probability")
        axes.set_ylabel("share of the book")
        format_axis_shares(axes, "x")
        format_axis_shares(axes, "y")
    return figure


def draw_drift(nights: tuple[ColumnDrift, ...], unlabelled: tuple[ColumnDrift, ...]) -> Figure:
    """Draw the stability index of each column, with the customary limits.

    Args:
        nights: Tonight compared with last night; may be empty.
        unlabelled: Unlabelled compared with labelled policyholders; may be empty.
    """
    names = list(dict.fromkeys(d.column for d in (*nights, *unlabelled)))
    place = {name: i for i, name in enumerate(names)}
    series = (
        (nights, "o", LOUD, "since last night"),
        (unlabelled, "D", COOL, "unlabelled vs. labelled"),
    )
    highest = max((d.stability_index for d in (*nights, *unlabelled)), default=0)
    with draw_on_axes(1.55 + 0.29 * len(names)) as (figure, axes):
        for limit, name in ((NOTABLE, "notable"), (LARGE, "large")):
            axes.axvline(limit, color=INK, linestyle="--", linewidth=1)
            axes.text(limit, -0.75, name, ha="center", va="bottom")
        for drifts, marker, colour, label in series:
            if drifts:
                sizes, rows = [d.stability_index for d in drifts], [place[d.column] for d in drifts]
                face = colour if marker == "o" else "none"  # open, so that both show if equal
                axes.plot(
                    sizes, rows, marker, color=colour, label=label, markersize=8,
                    markerfacecolor=face, markeredgewidth=1.8,
                )  # fmt: skip
        axes.set_yticks(range(len(names)), [_shorten(n.replace("_", " ")) for n in names])
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(names) - 0.5, -0.7)
        right = max(0.32, 1.08 * highest)
        axes.set_xlim(-right / 30, right)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("stability index, PSI (0: no change)")
        figure.legend(loc="outside lower center", ncols=1)
    return figure
