"""The promotion gate: whether the candidate replaces the champion, and why, in one sentence."""

from dataclasses import replace

from propensity.evaluation.records import Contest, Decision
from propensity.evaluation.slices import Slice


def decide(contest: Contest, margin: float, slice_tolerance: float) -> Decision:
    """Decide whether the candidate is promoted.

    The candidate must beat every baseline: the lower end of its F1 interval must exceed their F1.
    If there is a champion, the candidate's F1 must be higher by more than `margin`, the paired
    interval of the difference must lie above 0, and in no slice may its net benefit be clearly
    worse by more than `slice_tolerance`. An equally good candidate is then promoted in 2.5 % of
    nights, and hardly ever if the margin exceeds chance variation in F1 (benchmarks/truth.py).
    If the candidate loses, the champion keeps serving; without a champion no model may serve.

    Args:
        contest: Candidate, champion and baselines on the same rows.
        margin: F1 difference by which the candidate must beat the champion.
        slice_tolerance: Net benefit it may lose in a slice, as a share of the slice's ones.
    """
    candidate, champion = contest.candidate, contest.champion
    quality, strongest = candidate.evaluation, max(contest.baselines, key=lambda b: b.f1)
    lost = Decision("kept_champion" if champion else "rejected", "", champion)
    own = f"F1 {quality.f1:.4f} ({quality.f1_interval:.4f})"
    rival = f"the baseline {strongest.description!r} ({strongest.f1:.4f})"
    if quality.f1_interval.low <= strongest.f1:
        return replace(lost, reason=f"{own} does not clearly beat {rival}.")
    if champion is None or contest.difference is None:
        reason = f"{own} beats {rival} and {contest.no_champion_reason}."
        return Decision("promoted", reason, candidate)
    difference = quality.f1 - champion.evaluation.f1
    against = (
        f"{own} against {champion.evaluation.f1:.4f} of champion {champion.version.name}: "
        f"difference {difference:+.4f} ({contest.difference:+.4f})"
    )
    if difference <= margin or contest.difference.low <= 0:
        return replace(lost, reason=f"{against} is not clearly above the margin of {margin:.4f}.")
    better = f"{against} is above the margin of {margin:.4f}"
    collapsed = [s for s in contest.slices if s.collapses(slice_tolerance)]
    if collapsed:
        fallen = _describe_collapse(collapsed, len(contest.slices), slice_tolerance)
        return replace(lost, reason=f"{better}, but {fallen}.")
    return Decision("promoted", f"{better}.", candidate)


def _describe_collapse(collapsed: list[Slice], n_slices: int, tolerance: float) -> str:
    """Describe the worst slice with its figures, and count the others."""
    worst = min(collapsed, key=lambda s: s.gain or 0.0)
    others = {1: "", 2: ", and 1 other slice collapses"}
    return (
        f"it collapses in the slice {worst.name!r} ({worst.n_rows:,} policyholders, "
        f"{worst.n_positive:,} of them buyers): F1 {worst.f1:.4f} against "
        f"{worst.champion_f1:.4f}, net benefit {worst.gain:+.4f} per buyer "
        f"({worst.gain_interval:+.4f}, widened for {n_slices} slices), "
        f"where -{tolerance:.4f} is tolerated"
        + others.get(len(collapsed), f", and {len(collapsed) - 1} other slices collapse")
    )
