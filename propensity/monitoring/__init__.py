"""What has changed since last night: counts, drift, segments and curves of a scored book.

What lives here
    `profile.py` counts each value of each feature once a night; `drift.py` compares two such
    counts; `segments.py` gives the share of yes per segment; `curves.py` traces precision, recall
    and reliability from the scored parts.

How to think about it
    One pass over the book and one over the scores give small tallies; everything else is
    computed from them. The profile is kept beside the page of the night, and the next night
    compares with it.

What bites
    Drift is an effect size and never a p-value: with a million policyholders everything is
    significant. Counts of two nights compare only if the cells are the same, so the cells of
    `metrics/binning.py` must not change. Another model spreads scores differently, so scores are
    compared only where the same version gave them.

Where it meets the rest
    It reads the parts of ingest/ and scoring/. `runtime/alerts.py` turns large drift into events
    and reporting/ draws it. It does not know the warehouse.

When you edit
    Keep memory flat: one batch at a time, counts instead of rows.
"""
