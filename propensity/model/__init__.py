"""The model: five members, how they are trained, saved, loaded and turned into probabilities.

What lives here
    `cross_fitting.py` trains one member: `encoder.py`, `encoded_rows.py` and `target_encoding.py`
    prepare its inputs, `imbalance.py` plans rows and weights (`smote.py` makes synthetic rows),
    and a family of `families.py` fits it (`records.py`, `validation.py`). The families are network/
    and `logistic_family.py`. `store.py` saves and verifies versions; `prediction.py` scores;
    `prior_correction.py` turns scores into probabilities.

How to think about it
    A version is five members of one family. Member k never sees fold k and scores exactly fold k.
    A family fits, saves and loads; everything else is the same for all families. A strategy
    distorts the odds during training, says by how much, and scoring undoes it.

What bites
    Anything fitted is fitted on training rows of one member: an encoder fitted on the whole book
    leaks. Target statistics leave a row's own response out. A model file is compared with its
    digest before anything opens it.

Where it meets the rest
    It reads the book and the contract of ingest/. evaluation/, comparison/ and scoring/ load
    versions through `prediction.py`. Only this room imports TensorFlow and Keras.

When you edit
    Keep `store.py`, `encoder.py`, `imbalance.py` and `families.py` free of TensorFlow: commands
    that need no network start fast. Measure a change with benchmarks/ablation.py (docs/network.md).
"""
