"""Pictures of the quality of scores: curve, reliability, gains, contest, comparison."""

import math
import textwrap
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from propensity.comparison.records import ComparedArm, Comparison
from propensity.evaluation.records import Contest
from propensity.metrics.intervals import Interval
from propensity.monitoring.curves import Called, CurvePoint, ReliabilityBin
from propensity.reporting.pictures import (
    COOL,
    INK,
    LOUD,
    QUIET,
    draw_on_axes,
    format_axis_counts,
    format_axis_shares,
)
from propensity.scoring.gains import Gain


def draw_precision_recall(
    curve: tuple[CurvePoint, ...], called: Called, prevalence: float, f1: float
) -> Figure:
    """Draw the precision-recall curve, the point of the thresholds, and random calls.

    Args:
        curve: Points by increasing recall.
        called: Precision and recall at the decision thresholds.
        prevalence: Precision of random calls.
        f1: F1 at the decision thresholds, and of all points of the dotted line.
    """
    recall = [p.recall for p in curve]
    # for precision p, recall r and F1 f: p = f r / (2 r - f)
    reachable = np.linspace(max(0.51 * f1, f1 / (2 - f1)), 1, 100)
    highest = min(1.0, 1.15 * max(p.precision for p in curve))
    with draw_on_axes(3.4) as (figure, axes):
        axes.plot(recall, [p.precision for p in curve], color=COOL, linewidth=2.2, label="scores")
        axes.plot(
            reachable, f1 * reachable / (2 * reachable - f1), ":", color=INK, label=f"F1 {f1:.2f}"
        )
        axes.axhline(prevalence, color=INK, linestyle="--", linewidth=1, label="random calls")
        axes.plot(
            called.recall, called.precision, "o", color=LOUD, markersize=10, label="thresholds"
        )
        axes.set_xlim(0, 1)
        axes.set_ylim(0, highest)
        axes.set_xlabel("recall: share of buyers found")
        axes.set_ylabel("precision")
        format_axis_shares(axes, "x")
        format_axis_shares(axes, "y")
        figure.legend(loc="outside lower center", ncols=2)
    return figure


def draw_reliability(bins: tuple[ReliabilityBin, ...]) -> Figure:
    """Draw the actual shares against the predicted ones, with intervals."""
    said = np.array([b.mean_probability for b in bins])
    happened = np.array([b.actual_share for b in bins])
    ends = np.array([(b.interval.low, b.interval.high) for b in bins])
    highest = 1.08 * max(float(said.max()), float(ends.max()))
    reach = np.maximum(np.abs(ends.T - happened), 0)
    with draw_on_axes(3.6) as (figure, axes):
        axes.plot([0, highest], [0, highest], "--", color=INK, linewidth=1, label="perfect")
        axes.errorbar(
            said, happened, yerr=reach, fmt="o", color=LOUD, ecolor=COOL, capsize=3, markersize=5,
            label="a twentieth of the respondents",
        )  # fmt: skip
        axes.set_xlim(-0.02 * highest, highest)
        axes.set_ylim(-0.02 * highest, highest)
        axes.set_xlabel("predicted probability")
        axes.set_ylabel("share that said yes")
        format_axis_shares(axes, "x")
        format_axis_shares(axes, "y")
        figure.legend(loc="outside lower center", ncols=1)
    return figure


def draw_gains(gains: list[Gain]) -> Figure:
    """Draw the expected buyers against the leads called, best first and at random."""
    called = [0, *(g.n_policyholders for g in gains)]
    expected = [0.0, *(g.expected_buyers for g in gains)]
    low, high = [0.0, *(g.expected_low for g in gains)], [0.0, *(g.expected_high for g in gains)]
    with draw_on_axes(3.4) as (figure, axes):
        axes.fill_between(called, low, high, color=QUIET, alpha=0.45, linewidth=0, label="95 %")
        axes.plot(called, expected, color=COOL, linewidth=2.2, label="best first")
        ends = [0, called[-1]], [0, expected[-1]]
        axes.plot(*ends, "--", color=INK, linewidth=1, label="at random")
        for gain in (gains[9], gains[29]):
            spot = gain.n_policyholders, gain.expected_buyers
            axes.plot(*spot, "o", color=LOUD, markersize=8)
            axes.annotate(f"{gain.percent} %", spot, xytext=(10, -6), textcoords="offset points")
        axes.set_xlim(0, called[-1])
        axes.set_ylim(0, None)
        axes.set_xlabel("leads called, best first")
        axes.set_ylabel("expected buyers")
        axes.locator_params(axis="x", nbins=5)
        format_axis_counts(axes, "x")
        format_axis_counts(axes, "y")
        figure.legend(loc="outside lower center", ncols=3)
    return figure


@dataclass(frozen=True)
class _Row:
    """A named value with its interval, if it has one."""

    name: str
    value: float
    interval: Interval | None


def draw_contest(contest: Contest) -> Figure:
    """Draw the F1 of candidate, champion and baselines with intervals."""
    contenders = [("candidate", contest.candidate), ("champion", contest.champion)]
    rows = [_Row(n, c.evaluation.f1, c.evaluation.f1_interval) for n, c in contenders if c]
    rows += [_Row(_wrap(b.description), b.f1, None) for b in contest.baselines]
    with draw_on_axes(0.95 + 0.5 * len(rows)) as (figure, axes):
        _draw_rows(axes, rows)
        for place, row in enumerate(rows):
            axes.annotate(
                f"{row.value:.4f}", (row.value, place), ha="center", xytext=(0, 8),
                textcoords="offset points",
            )  # fmt: skip
        axes.set_xlim(0, math.ceil(10 * max(row.value for row in rows)) / 10)
        axes.set_xlabel("F1")
    return figure


def draw_comparison(comparison: Comparison) -> Figure:
    """Draw the difference between each arm's F1 and that of `none`.

    Baselines without a model are not drawn: they are far off and would compress the others.
    """
    rows = [
        _Row(_wrap(a.name.replace("_", " ")), a.difference, _find_interval(a))
        for a in comparison.arms
        if a.difference is not None and a.fit_seconds is not None
    ]
    with draw_on_axes(1.05 + 0.4 * len(rows)) as (figure, axes):
        _draw_rows(axes, rows)
        axes.axvline(0, color=INK, linestyle="--", linewidth=1)
        axes.locator_params(axis="x", nbins=5)
        axes.set_xlabel("F1 minus that of none")
    return figure


def _find_interval(arm: ComparedArm) -> Interval | None:
    low, high = arm.difference_low, arm.difference_high
    return None if low is None or high is None else Interval(low, high)


def _wrap(name: str) -> str:
    return "\n".join(textwrap.wrap(name, 24)[:2])


def _draw_rows(axes: Axes, rows: list[_Row]) -> None:
    for place, row in enumerate(rows):
        if row.interval is None:
            axes.plot(row.value, place, "D", color=QUIET, markersize=7)
        else:
            reach = [[row.value - row.interval.low], [row.interval.high - row.value]]
            axes.errorbar(
                row.value, place, xerr=np.maximum(reach, 0), fmt="o", color=LOUD, ecolor=COOL,
                capsize=4,
            )  # fmt: skip
    axes.set_yticks(range(len(rows)), [row.name for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.5, -0.7)
