"""Help: the table of keys, the networks' cards, and what this program is."""

from viewer.actions.context import Context
from viewer.actions.registry import action


@action("help.keys", "Keys and mouse", group="Help", keys=("?", "F1"))
def keys(context: Context) -> None:
    """List every action with its key, and what the mouse does."""
    context.door.show_page("keys")


@action("help.networks", "Network cards", group="Help")
def networks(context: Context) -> None:
    """Show what each network is for, how well it does on unseen studies, and its limits."""
    context.door.show_page("networks")


@action("help.filters", "Filters and presets", group="Help")
def filters(context: Context) -> None:
    """Show what each filter and preset is for, what it can fake, and what was measured."""
    context.door.show_page("filters")


@action("help.methods", "Segmentation by method and by hand", group="Help")
def methods(context: Context) -> None:
    """Show what each method is for, how it fails, and what was measured; and what the hands do."""
    context.door.show_page("methods")


@action("help.about", "About Negatoscope", group="Help")
def about(context: Context) -> None:
    """Say what this program is, its version, its licence, and that it is not for diagnosis."""
    context.door.show_page("about")
