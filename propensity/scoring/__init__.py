"""Score the whole book, rank it best first, and forecast what calling brings.

What lives here
    `batch_scoring.py` scores, decides and ranks; `percentiles.py` counts probabilities;
    `external_sort.py` sorts the book; `gains.py` forecasts buyers; `records.py` is the schema of
    the scored parts and ScoredBook.

How to think about it
    Passes over Parquet parts. The first pass scores each row with the member of its fold and
    counts probabilities; these counts give percentiles and the buckets of the sort; the second
    pass writes the rows best first, with lead rank, percentile and decile.

What bites
    Memory must not grow with the book. Equal probabilities are ordered by policyholder_id, so the
    same night always gives the same ranks. The control group is chosen by a hash and never called.

Where it meets the rest
    evaluation/ provides the version, the curves and the thresholds; the warehouse loads the parts
    as they are; monitoring/ reads them again. It does not know comparison/.

When you edit
    A new score column goes through `records.py`, `warehouse/schema/score_tables.py`, a migration
    and the audit. `records.py` stays free of TensorFlow, because many modules import it.
"""
