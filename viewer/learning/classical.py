"""The classical classifiers that a network has to beat: one protocol, on the same pictures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.agreement import wilson_interval
from viewer.learning.image_evaluate import auc, auc_interval

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Merit:
    """How one classifier did on the validation part, with 95 % intervals."""

    name: str
    accuracy: float
    accuracy_interval: tuple[float, float]
    auc: float
    auc_interval: tuple[float, float]
    n_cases: int

    def record(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "classifier": self.name,
            "accuracy": self.accuracy,
            "accuracy_interval_95": list(self.accuracy_interval),
            "auc": self.auc,
            "auc_interval_95": list(self.auc_interval),
            "n_cases": self.n_cases,
        }


def merit(name: str, score: Floats, said: Labels, labels: Labels, groups: Labels) -> Merit:
    """Return accuracy and AUC of two classes; groups of near-duplicates are drawn together."""
    right = said == labels
    k, n = int(right.sum()), len(labels)
    positive = labels == 1
    return Merit(
        name,
        k / n,
        wilson_interval(k, n),
        auc(score, positive),
        auc_interval(score, positive, groups),
        n,
    )


def classifiers() -> Mapping[str, Callable[[], Any]]:
    """Return name -> maker of each, with the protocol's settings and seeds of 0."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    return {
        "k-NN": lambda: KNeighborsClassifier(5),
        "tree": lambda: DecisionTreeClassifier(max_depth=6, random_state=0),
        "forest": lambda: RandomForestClassifier(300, class_weight="balanced", random_state=0),
        "MLP": lambda: MLPClassifier((128,), early_stopping=True, random_state=0),
        "SVM": lambda: SVC(kernel="rbf", class_weight="balanced", random_state=0),
    }


def classical_merits(
    train: tuple[Floats, Labels],
    validation: tuple[Floats, Labels],
    groups: Labels,
    check: Callable[[], None] = lambda: None,
) -> tuple[Merit, ...]:
    """Return how each classifier does after training on ``train``; features are standardised."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    found = []
    for name, make in classifiers().items():
        check()
        model = make_pipeline(StandardScaler(), make())
        model.fit(*train)
        said = np.asarray(model.predict(validation[0]), dtype=np.int64)
        if hasattr(model[-1], "predict_proba"):
            score = np.asarray(model.predict_proba(validation[0])[:, 1], dtype=np.float64)
        else:
            score = np.asarray(model.decision_function(validation[0]), dtype=np.float64)
        found.append(merit(name, score, said, validation[1], groups))
    return tuple(found)
