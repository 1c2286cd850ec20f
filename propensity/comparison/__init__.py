"""The strategies against class imbalance, trained side by side on the same folds.

What lives here
    `training.py` trains one arm (a strategy, or the logistic regression) and keeps its scores;
    `judgement.py` judges all arms on the same policyholders; `records.py` holds the results and
    where they are written.

How to think about it
    An experiment with one factor: book, folds, seed and network stay the same, only the treatment
    of the imbalance changes. Every arm is compared with `none` by a paired interval.

What bites
    The members of an arm are thrown away. Nothing here may become a champion or reach the
    warehouse. The intervals cover the draw of policyholders, not the seed: see docs/strategies.md.

Where it meets the rest
    It trains with `model/cross_fitting.py` and judges with `metrics/classification.py` and
    `evaluation/recalibration.py`, as a night does. tasks/compare.py runs it; reporting/ draws it.
    It does not know scoring/.

When you edit
    Keep the arms comparable: a step that one arm gets, all get.
"""
