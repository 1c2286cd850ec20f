"""Everything the nightly job does, without Prefect: frames, Keras, SQL, files."""

import os
from importlib.metadata import version

# Read when TensorFlow is first imported, by whichever module: only errors go to the terminal, and
# no oneDNN, which announces that its rounding varies (training is not slower without).
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

__version__ = version("propensity")
