"""What the command needs of the options."""

import logging


def parse_alias_file(file_name):
    """The pairs of a file of aliases: (alias, existing path), in order."""
    pairs = []
    with open(file_name) as lines:
        for line in lines:
            words = line.split()
            if line.startswith('#') or not words:
                continue
            if len(words) != 2:
                logging.warning('%s: not an alias and a path: %s', file_name,
                                line.rstrip())
                continue
            pairs.append(tuple(words))
    return pairs


def configure_logging(options):
    """Lines of this process; the server has a log of its own."""
    logging.basicConfig(level=getattr(logging, str(getattr(
        options, 'log_level', 'warning')).upper(), logging.WARNING))
