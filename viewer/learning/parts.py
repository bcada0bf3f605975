"""A long piece of work in parts, each with its share of the progress."""

from viewer.jobs.job import Progress, Ticket


def part(whole: Ticket, low: float, high: float, title: str = "") -> Ticket:
    """Return a ticket for the part of ``whole`` from ``low`` to ``high`` (0..1).

    Cancelling the whole cancels the part.
    """

    def tell(progress: Progress) -> None:
        share = None if progress.fraction is None else low + (high - low) * progress.fraction
        whole.report(share, ": ".join(text for text in (title, progress.text) if text))

    ticket = Ticket(tell)
    whole.when_cancelled(ticket.cancel)
    return ticket
