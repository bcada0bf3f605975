"""The ways to explain a classifier's answer, and what each can show and fake."""

from dataclasses import dataclass

from viewer.domain.card import NetworkCard
from viewer.errors import InputRefused

NOT_A_SEGMENTATION = "explanation, not segmentation"


@dataclass(frozen=True, slots=True)
class ExplanationMethod:
    """A way to explain an answer: what it shows, what it can fake, and who described it."""

    key: str
    title: str
    shows: str
    can_fake: str
    source: str
    needs_gradients: bool = True


METHODS = {
    method.key: method
    for method in (
        ExplanationMethod(
            "grad_cam",
            "Grad-CAM",
            "Where the last feature maps speak for the class, at their own coarse resolution.",
            "Its patches are as large as the feature maps' cells: their rims mean nothing.",
            "Selvaraju et al. 2017, doi:10.1109/ICCV.2017.74",
        ),
        ExplanationMethod(
            "integrated_gradients",
            "Integrated gradients",
            "How much each pixel adds to the class's log-odds, against a picture of one grey.",
            "Edges stand out because they differ from grey, also where they do not matter.",
            "Sundararajan et al. 2017, arXiv 1703.01365",
        ),
        ExplanationMethod(
            "occlusion",
            "Occlusion",
            "How much the class's log-odds fall where a square of the picture is covered in grey.",
            "A covered square is itself something that the network has never seen.",
            "Zeiler and Fergus 2014, doi:10.1007/978-3-319-10590-1_53",
            needs_gradients=False,
        ),
    )
}


def method_called(key: str) -> ExplanationMethod:
    """Return the method.

    Raises
    ------
    InputRefused
        There is none of this name.
    """
    if key not in METHODS:
        raise InputRefused(
            f"There is no explanation called {key}.", remedy=f"Choose one of: {', '.join(METHODS)}."
        )
    return METHODS[key]


def class_number(card: NetworkCard, name: str) -> int:
    """Return which class is called ``name``.

    Raises
    ------
    InputRefused
        The card names no such class.
    """
    if name not in card.classes:
        raise InputRefused(
            f"{card.title} knows no class {name}.",
            remedy=f"Choose one of: {', '.join(card.classes)}.",
        )
    return card.classes.index(name)
