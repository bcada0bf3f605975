"""``negatoscope networks``: the cards of the networks that are installed; ``networks export`` etc."""

import argparse
from importlib import import_module
from pkgutil import iter_modules

import viewer.command_line as doors
from viewer.command_line.verb import OK, Verb, emit_list, plain

_PREFIX = "networks_"  # viewer/command_line/networks_export.py holds VERB of "networks export"


def _add(parser: argparse.ArgumentParser) -> None:
    more = parser.add_subparsers(dest="what", metavar="WHAT")
    names = [one.name for one in iter_modules(doors.__path__) if one.name.startswith(_PREFIX)]
    for name in sorted(names):
        verb: Verb = import_module(f"{doors.__name__}.{name}").VERB
        made = more.add_parser(verb.name, help=verb.help, description=verb.help)
        for flag in ("--json", "--force"):
            made.add_argument(flag, action="store_true", default=argparse.SUPPRESS)
        verb.add(made)
        made.set_defaults(run_what=verb.run)


def _run(chosen: argparse.Namespace) -> int:
    run = getattr(chosen, "run_what", None)
    if run is not None:
        return int(run(chosen))
    from viewer.command_line.network_list import listed

    found = listed()
    if chosen.json:
        emit_list(found)
        return OK
    for one in found:
        figures = "; ".join(
            f"{f['name']} {f['value']:.3f} ({f['interval_95'][0]:.3f}-{f['interval_95'][1]:.3f},"
            f" n = {f['n_cases']})"
            for f in one["figures"]
        )
        print(plain(f"{one['key']:20} {one['title']} {one['version']}: {one['kind']}. {figures}"))
        print(plain(f"{'':20} {one['limits']}"))
    return OK


VERB = Verb("networks", "list the networks that are installed, with their cards", _add, _run)
