"""Model families: the kinds of model that a member can be, and their interface.

Encoder, imbalance strategy, check of the saved file and correction of the scores are the same for
all families; a family fits, saves and loads. To add one, add its name to propensity/settings.py, a
line to FAMILIES, and a module that `import_family` returns.
"""

from dataclasses import dataclass

from propensity.model.records import Family
from propensity.settings import FamilyName


@dataclass(frozen=True)
class FamilyFacts:
    """Facts of a family that do not require its libraries.

    Args:
        label: Name of one of its models in reports; the plural adds an s.
        ending: File name suffix of a member's model.
    """

    label: str
    ending: str


FAMILIES: dict[FamilyName, FamilyFacts] = {
    "network": FamilyFacts("Keras network", ".keras"),
    "logistic": FamilyFacts("logistic regression", ".json"),
}


def import_family(name: FamilyName) -> Family:
    """Import the module of a family only when it is used, because TensorFlow takes seconds."""
    if name == "network":
        from propensity.model.network import family as network_family

        return network_family
    from propensity.model import logistic_family

    return logistic_family
