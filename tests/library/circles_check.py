#!/usr/bin/env python3
"""The files of a floor do not call each other in a circle: what a file needs lies below it, and what lies above is reached by a
callback. Read from the symbols of the floor's archive, so that a call counts and a declaration that nobody uses does not."""

import collections
import pathlib
import subprocess
import sys


def symbols(archive):
    """For each object file the names that it defines, and those that it needs."""
    lines = subprocess.run(["nm", "-A", archive], check=True, capture_output=True, text=True).stdout.splitlines()
    defined, needed = collections.defaultdict(set), collections.defaultdict(set)
    for line in lines:
        place, _, rest = line.rpartition(":")
        kind, name = rest.split()[-2:]
        member = pathlib.Path(place.split(":")[1]).stem
        (needed if kind in "Uwv" else defined)[member].add(name)
    return defined, needed


def calls(archive):
    defined, needed = symbols(archive)
    owner = {name: member for member, names in defined.items() for name in names if name.startswith("tow_")}
    return {member: sorted({owner[name] for name in names if name in owner} - {member}) for member, names in needed.items()}


def circle(graph):
    """The files of one circle, in their order, or none."""
    done = set()

    def walk(member, path):
        if member in path:
            return path[path.index(member):] + [member]
        if member in done:
            return None
        for other in graph.get(member, []):
            found = walk(other, path + [member])
            if found:
                return found
        done.add(member)
        return None

    return next(filter(None, (walk(member, []) for member in sorted(graph))), None)


def main(*archives):
    failed = False
    for archive in archives:
        graph = calls(archive)
        found = circle(graph)
        failed |= found is not None
        name = pathlib.Path(archive).name
        print(f"{name}: a circle: {' -> '.join(found)}" if found else f"{name}: {len(graph)} files, no circle")
    return 1 if failed else 0


sys.exit(main(*sys.argv[1:]))
