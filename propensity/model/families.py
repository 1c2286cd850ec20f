"""Model families: kinds of model that a member can be, and what each has to offer.

The encoder, the treatment of the imbalance, the check of the saved file and the correction of the
scores are the same for all. A family fits, saves and loads. To add one: its name in
propensity/settings.py, its line in FAMILIES, and a module that `import_family` returns.
"""

from dataclasses import dataclass

from propensity.model.records import Family
from propensity.settings import FamilyName


@dataclass(frozen=True)
class FamilyFacts:
    """What is known of a family before its libraries are imported.

    Args:
        label: What one of its models is called in reports; an s makes it plural.
        ending: Of the file that holds the model of a member.
    """

    label: str
    ending: str


FAMILIES: dict[FamilyName, FamilyFacts] = {
    "network": FamilyFacts("Keras network", ".keras"),
    "logistic": FamilyFacts("logistic regression", ".json"),
}


def import_family(name: FamilyName) -> Family:
    """Import the module of a family: TensorFlow takes seconds, so only where it is used."""
    if name == "network":
        from propensity.model.network import family as network_family

        return network_family
    from propensity.model import logistic_family

    return logistic_family
