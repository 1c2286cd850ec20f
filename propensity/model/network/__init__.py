"""The Keras network: one of the model families, and the only one that needs TensorFlow.

What lives here
    `family.py` is what the registry of families imports: it fits, saves and loads.
    `architecture.py` builds the network from `layers.py`; `training_loop.py` trains it with a loss
    of `losses.py`; `early_stopping.py` decides which epoch is kept.

How to think about it
    Numbers become piecewise-linear bins, categories become embeddings, pairs of features become
    target statistics; two low-rank cross layers multiply all of them, and a sum is the logit.
    docs/network.md states what each part is worth.

What bites
    Keras finds layers by the name they were registered under (`propensity>PiecewiseLinear`), not
    by module: never rename those. A batch is padded to one shape, because the kernel, and with it
    the last bit of a score, depends on the shape.

Where it meets the rest
    Training and prediction reach it through `model/families.py` alone.

When you edit
    Import nothing from here at the top of a module outside this folder: TensorFlow takes ten
    seconds. Measure a change with benchmarks/ablation.py.
"""
