"""The arithmetic of quality: F1 and its intervals, thresholds, calibration error, class balance.

What lives here
    `catalog.py` declares every quality metric once; `evaluation.py` evaluates cross-fitted scores
    with them and `records.py` holds the result. `classification.py` has F1, net benefit and their
    bootstraps; `threshold.py` chooses and applies thresholds; `intervals.py`, `binning.py`,
    `calibration_error.py` and `class_balance.py` are what their names say.

How to think about it
    Arrays in, numbers out. No files, no Keras, no settings, no book. Each quantity is defined in
    one place, so the gate, the page and SQL cannot disagree.

What bites
    A threshold is applied with `>=` everywhere. F1 depends on four counts only, so the bootstrap
    draws counts, not rows: 10,000 resamples cost nothing at any size. Comparisons are paired, on
    the same policyholders in the same order.

Where it meets the rest
    The rooms above import it; it imports only `errors.py` and `folds.py`. storage/, on the same
    floor, is unknown to it.

When you edit
    Give each formula its source. Test against scikit-learn or by hand, never against a stored
    result of the same code. CONTRIBUTING.md has the recipe for a new metric.
"""
