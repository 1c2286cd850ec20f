"""Is the candidate better than the champion? The contest, the gate, and second calibration.

What lives here
    `contest.py` scores candidate and champion on the same labelled rows; `gate.py` decides and
    words the reason; `slices.py` and `slice_counts.py` look into parts of the book; `deciles.py`
    compares expected with actual buyers; `recalibration.py` and `calibration_curves.py` learn a
    second calibration where it helps; `records.py` holds Contender, Contest and Decision.

How to think about it
    metrics/ is arithmetic on arrays; this room knows books and model versions. All scores are
    cross-fitted: no policyholder is scored by a network that has seen their response.

What bites
    What is chosen on responses must be applied to other folds only: thresholds and curves of fold
    k are learned on the folds other than k. Many slices mean many comparisons: `slices.py` widens
    the intervals (Bonferroni).

Where it meets the rest
    It reads the curated book of ingest/ and the versions of model/. Its Contender tells scoring/
    which members, curves and thresholds to use; its Decision goes to the warehouse and the card.

When you edit
    The gate is one function with one sentence per outcome; keep it so. Its error rates are
    measured in benchmarks/truth.py: run that before and after a change (docs/truth.md).
"""
