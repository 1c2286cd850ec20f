"""Every case of the gate, and that each reason is one sentence with its numbers."""

import re
from pathlib import Path

import pytest

from propensity.evaluation.gate import decide
from propensity.evaluation.records import Contender, Contest, Decision
from propensity.evaluation.slices import Slice
from propensity.metrics.intervals import Interval
from propensity.metrics.records import Baseline
from propensity.model.store import ModelVersion

from ..conftest import QUALITY, change_quality

MARGIN = 0.002
TOLERANCE = 0.02
BASELINES = (Baseline("everyone positive", 0.2184), Baseline("the rule", 0.3985))


def make_contender(name: str, f1: float, half_width: float = 0.004) -> Contender:
    interval = Interval(f1 - half_width, f1 + half_width)
    evaluation = change_quality(
        QUALITY,
        n_labelled=1000,
        f1=f1,
        f1_interval=interval,
    )
    return Contender(ModelVersion(name, Path(name), "digest", ()), evaluation)


def hold_contest(
    f1: float,
    champion_f1: float | None = None,
    difference: tuple[float, float] | None = None,
    slices: tuple[Slice, ...] = (),
) -> tuple[Contest, Decision]:
    champion = None if champion_f1 is None else make_contender("v1", champion_f1)
    interval = Interval(*difference) if difference else None
    contest = Contest(
        make_contender("v2", f1), BASELINES, champion, difference=interval, slices=slices
    )
    return contest, decide(contest, MARGIN, TOLERANCE)


@pytest.mark.parametrize(
    ("f1", "champion_f1", "difference", "outcome"),
    [
        pytest.param(0.46, None, None, "promoted", id="first version beats the baselines"),
        pytest.param(0.30, None, None, "rejected", id="first version beats one baseline only"),
        pytest.param(0.40, None, None, "rejected", id="first version not clearly better"),
        pytest.param(0.46, 0.45, (0.008, 0.012), "promoted", id="clearly better than champion"),
        pytest.param(0.46, 0.459, (0.0005, 0.0015), "kept_champion", id="within the margin"),
        pytest.param(0.46, 0.457, (-0.001, 0.007), "kept_champion", id="not surely better"),
        pytest.param(0.46, 0.457, (0.0, 0.006), "kept_champion", id="interval touches 0"),
        pytest.param(0.45, 0.46, (-0.012, -0.008), "kept_champion", id="worse than champion"),
        pytest.param(0.46, 0.46, (0.0, 0.0), "kept_champion", id="the same as champion"),
        pytest.param(0.30, 0.20, (0.08, 0.12), "kept_champion", id="beats champion, not the rule"),
    ],
)
def test_outcome(
    f1: float, champion_f1: float | None, difference: tuple[float, float] | None, outcome: str
) -> None:
    contest, decision = hold_contest(f1, champion_f1, difference)
    serving = {"promoted": contest.candidate, "kept_champion": contest.champion, "rejected": None}
    assert decision.outcome == outcome
    assert decision.serving is serving[outcome]
    assert f"F1 {f1:.4f} ({f1 - 0.004:.4f} to {f1 + 0.004:.4f})" in decision.reason
    assert re.fullmatch(r"F1 [^\n]*[^.]\.", decision.reason)
    assert not re.search(r"\. [A-Z]", decision.reason), "more than one sentence"


@pytest.mark.parametrize(("low", "outcome"), [(0.3985, "rejected"), (0.39851, "promoted")])
def test_the_interval_must_lie_above_the_strongest_baseline(low: float, outcome: str) -> None:
    exact = change_quality(QUALITY, f1=low + 0.05, f1_interval=Interval(low, low + 0.1))
    candidate = Contender(ModelVersion("v2", Path("v2"), "digest", ()), exact)
    assert decide(Contest(candidate, BASELINES), MARGIN, TOLERANCE).outcome == outcome


@pytest.mark.parametrize(
    ("contest", "reason"),
    [
        (
            (0.46,),
            (
                "F1 0.4600 (0.4560 to 0.4640) beats the baseline 'the rule' (0.3985) and there is "
                "no champion yet."
            ),
        ),
        (
            (0.30,),
            "F1 0.3000 (0.2960 to 0.3040) does not clearly beat the baseline 'the rule' (0.3985).",
        ),
        (
            (0.46, 0.45, (0.008, 0.012)),
            (
                "F1 0.4600 (0.4560 to 0.4640) against 0.4500 of champion v1: difference +0.0100 "
                "(+0.0080 to +0.0120) is above the margin of 0.0020."
            ),
        ),
        (
            (0.45, 0.46, (-0.012, 0.001)),
            (
                "F1 0.4500 (0.4460 to 0.4540) against 0.4600 of champion v1: difference -0.0100 "
                "(-0.0120 to +0.0010) is not clearly above the margin of 0.0020."
            ),
        ),
    ],
)
def test_reason_word_for_word(contest: tuple[float, ...], reason: str) -> None:
    assert hold_contest(*contest)[1].reason == reason


@pytest.mark.parametrize(("f1", "outcome"), [(0.46, "promoted"), (0.3, "rejected")])
def test_without_a_usable_champion_only_the_baselines_count(f1: float, outcome: str) -> None:
    why = "champion v1 cannot be evaluated (its folder is missing)"
    contest = Contest(make_contender("v2", f1), BASELINES, no_champion_reason=why)
    decision = decide(contest, MARGIN, TOLERANCE)
    assert decision.outcome == outcome
    assert (why in decision.reason) == (outcome == "promoted")


def make_slice(name: str, difference: float | None, half_width: float = 0.01) -> Slice:
    """4,512 policyholders on whom the champion has F1 0.4512; F1 and net benefit differ alike."""
    if difference is None:
        return Slice(name, 4512, 512, 505.25, 0.3, Interval(0.28, 0.32))
    f1 = 0.4512 + difference
    interval = Interval(difference - half_width, difference + half_width)
    own = Interval(f1 - 0.02, f1 + 0.02)
    return Slice(name, 4512, 512, 505.25, f1, own, 0.4512, difference, interval)


FALLEN = make_slice("Region_Code = 28", -0.1501, 0.03)
SOUND = make_slice("Gender = Male", 0.01)
BETTER = (0.46, 0.45, (0.008, 0.012))


@pytest.mark.parametrize(
    ("slices", "outcome"),
    [
        pytest.param((), "promoted", id="no slices"),
        pytest.param((SOUND,), "promoted", id="sound"),
        pytest.param((make_slice("a", 0.0, 0.0),), "promoted", id="equal"),
        pytest.param((make_slice("a", -0.0199, 0.001),), "promoted", id="just tolerated"),
        pytest.param((make_slice("a", -0.0201, 0.02),), "kept_champion", id="just not tolerated"),
        pytest.param((make_slice("a", -0.05, 0.05),), "promoted", id="maybe by chance"),
        pytest.param((make_slice("a", -0.05, 0.049),), "kept_champion", id="not by chance"),
        pytest.param((SOUND, FALLEN, SOUND), "kept_champion", id="one of many"),
        pytest.param((make_slice("a", None),), "promoted", id="nothing to compare with"),
    ],
)
def test_a_better_candidate_may_not_collapse_in_a_slice(
    slices: tuple[Slice, ...], outcome: str
) -> None:
    contest, decision = hold_contest(*BETTER, slices)
    assert decision.outcome == outcome
    serving = contest.candidate if outcome == "promoted" else contest.champion
    assert decision.serving is serving


@pytest.mark.parametrize(
    ("slices", "others"),
    [
        ((SOUND, FALLEN), ""),
        ((make_slice("a", -0.1), FALLEN, SOUND), ", and 1 other slice collapses"),
        (
            (make_slice("a", -0.1), FALLEN, make_slice("b", -0.15)),
            ", and 2 other slices collapse",
        ),
    ],
)
def test_the_reason_names_the_worst_slice_with_its_numbers(
    slices: tuple[Slice, ...], others: str
) -> None:
    assert hold_contest(*BETTER, slices)[1].reason == (
        "F1 0.4600 (0.4560 to 0.4640) against 0.4500 of champion v1: difference +0.0100 "
        "(+0.0080 to +0.0120) is above the margin of 0.0020, but it collapses in the slice "
        "'Region_Code = 28' (4,512 policyholders, 512 of them buyers): F1 0.3011 against 0.4512, "
        "net benefit -0.1501 per buyer (-0.1801 to -0.1201, "
        f"widened for {len(slices)} slices), where -0.0200 is tolerated{others}."
    )


def test_who_loses_anyway_is_told_why_and_not_about_slices() -> None:
    reason = hold_contest(0.45, 0.46, (-0.012, -0.008), (FALLEN,))[1].reason
    assert "margin" in reason
    assert "Region_Code" not in reason


def test_a_first_version_has_nothing_to_collapse_from() -> None:
    slices = (make_slice("Region_Code = 28", None),)
    assert hold_contest(0.46, slices=slices)[1].outcome == "promoted"
