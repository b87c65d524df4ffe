#!/usr/bin/env python3
"""What the symbols of the floors' archives say.

    archives_check.py circles ARCHIVE...   the files of a floor do not call each other in a circle: what a file needs lies below it,
                                           and what lies above is reached by a callback
    archives_check.py names ARCHIVE...     no two files of all archives have a global name in common: of archives, a linker takes the
                                           first that comes and says nothing, until something needs both files

Read from symbols, so that a call counts and a declaration that nobody uses does not."""

import collections
import pathlib
import subprocess
import sys


def symbols(archive):
    """Each as the object file, its kind and its name."""
    lines = subprocess.run(["nm", "-A", archive], check=True, capture_output=True, text=True).stdout.splitlines()
    for line in lines:
        place, _, rest = line.rpartition(":")
        kind, name = rest.split()[-2:]
        yield pathlib.Path(place.split(":")[1]).stem, kind, name


def calls(archive):
    defined, needed = collections.defaultdict(set), collections.defaultdict(set)
    for member, kind, name in symbols(archive):
        (needed if kind in "Uwv" else defined)[member].add(name)
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


def circles(archives):
    failed = False
    for archive in archives:
        graph = calls(archive)
        found = circle(graph)
        failed |= found is not None
        name = pathlib.Path(archive).name
        print(f"{name}: a circle: {' -> '.join(found)}" if found else f"{name}: {len(graph)} files, no circle")
    return failed


def names(archives):
    places = collections.defaultdict(list)
    for archive in archives:
        for member, kind, name in symbols(archive):
            if kind.isupper() and kind != "U":
                places[name].append(f"{pathlib.Path(archive).name}({member})")
    shared = {name: where for name, where in places.items() if len(where) > 1}
    for name, where in sorted(shared.items()):
        print(f"{name}: {', '.join(where)}")
    print(f"{len(places)} global names, {len(shared)} of them more than once")
    return bool(shared) or not places


sys.exit({"circles": circles, "names": names}[sys.argv[1]](sys.argv[2:]))
