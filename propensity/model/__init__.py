"""The model: five members, how they are trained, saved, loaded and turned into probabilities.

What lives here
    `cross_fitting.py` trains one member: `encoder.py` and `target_encoding.py` prepare inputs,
    `imbalance.py` plans rows and weights, `network.py`, `layers.py` and `losses.py` are the
    network, `training_loop.py` fits it, `early_stopping.py` keeps an epoch. `store.py` saves and
    verifies versions. `prediction.py` scores; `prior_correction.py` makes scores probabilities.

How to think about it
    A version is five members. Member k never sees fold k and scores exactly fold k. A strategy
    distorts the odds during training, says by how much, and scoring undoes it.

What bites
    Anything fitted is fitted on training rows of one member: an encoder fitted on the whole book
    leaks. Target statistics leave a row's own response out. Keras finds layers by the name they
    were registered under (`propensity>PiecewiseLinear`), not by module: never rename those.
    A model file is compared with its digest before Keras opens it.

Where it meets the rest
    It reads the book and the contract of ingest/. evaluation/, comparison/ and scoring/ load
    versions through `prediction.py`. Only this room imports TensorFlow and Keras.

When you edit
    Keep `store.py`, `encoder.py` and `imbalance.py` free of TensorFlow: commands that need no
    network start fast. Measure a change with benchmarks/ablation.py (docs/network.md).
"""
