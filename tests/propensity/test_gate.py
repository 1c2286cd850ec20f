"""Every case of the gate, and that each reason is one sentence with its numbers."""

import re
from pathlib import Path

import pytest

from propensity.evaluation import Baseline, Evaluation, Interval
from propensity.gate import Contender, Contest, Decision, decide
from propensity.registry import ModelVersion

MARGIN = 0.002
BASELINES = (Baseline("everyone positive", 0.2184), Baseline("the rule", 0.3985))


def make_contender(name: str, f1: float, half_width: float = 0.004) -> Contender:
    interval = Interval(f1 - half_width, f1 + half_width)
    evaluation = Evaluation(
        n_labelled=1000,
        prevalence=0.12,
        thresholds=(0.2,) * 5,
        f1=f1,
        f1_interval=interval,
        precision=0.4,
        recall=0.5,
        average_precision=0.35,
        average_precision_interval=Interval(0.34, 0.36),
        roc_auc=0.85,
        brier=0.09,
        calibration_error=0.01,
        mean_probability=0.12,
    )
    return Contender(ModelVersion(name, Path(name), "digest", ()), evaluation)


def hold_contest(
    f1: float, champion_f1: float | None = None, difference: tuple[float, float] | None = None
) -> tuple[Contest, Decision]:
    champion = None if champion_f1 is None else make_contender("v1", champion_f1)
    interval = Interval(*difference) if difference else None
    contest = Contest(make_contender("v2", f1), BASELINES, champion, difference=interval)
    return contest, decide(contest, MARGIN)


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
    candidate = make_contender("v2", low + 0.05, half_width=0.05)
    exact = Interval(low, low + 0.1)
    object.__setattr__(candidate.evaluation, "f1_interval", exact)
    assert decide(Contest(candidate, BASELINES), MARGIN).outcome == outcome


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
    why = "champion v1 cannot be judged (its folder is missing)"
    contest = Contest(make_contender("v2", f1), BASELINES, no_champion_reason=why)
    decision = decide(contest, MARGIN)
    assert decision.outcome == outcome
    assert (why in decision.reason) == (outcome == "promoted")
