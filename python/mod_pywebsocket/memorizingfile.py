"""A file that remembers the lines that were read of it."""


class MemorizingFile(object):
    """Reads lines of another file, and keeps up to `max_memorized_lines`."""

    def __init__(self, file_, max_memorized_lines=2048):
        self._file = file_
        self._lines = []
        self._max = max_memorized_lines
        self._open = False  # the last line has no end yet

    def __getattr__(self, name):
        return getattr(self._file, name)

    def readline(self, size=-1):
        line = self._file.readline(size)
        if line:
            self._memorize(line)
        return line

    def _memorize(self, line):
        if self._open and self._lines:
            self._lines[-1] += line
        elif len(self._lines) < self._max:
            self._lines.append(line)
        self._open = line[-1:] not in (b'\n', '\n')

    def get_memorized_lines(self):
        return self._lines
