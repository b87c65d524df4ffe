"""The handlers' process beside a server that has no time for it (Apache):
the files are given when it starts, and it looks after itself.

Arguments are the files' encoding, or nothing, and the files, whose numbers
count from 1. Descriptor 3 is the socket to accept from. Standard input ends
when nobody needs the process any more. To standard output goes a line for
each file, once: its number, and why it could not be loaded, if so. Standard
error is the log.

This process only waits for the one that runs the handlers, and starts it
again when it has died, at once, and then ever later.
"""

import logging
import os
import select
import signal
import socket
import struct
import sys
import threading
import time

from mod_pywebsocket import _host
from mod_pywebsocket import _link

_ACCEPTS = 3
_SHORT_LIFE = 1  # seconds
_REST = 5
_PATIENCE = 30
_LONGEST_WAIT = 60

_log = logging.getLogger(__name__)


class _Report(object):
    """What the files' loading says to the server."""

    def __init__(self, fd):
        self._fd = fd

    def send(self, operation, payload):
        number, = struct.unpack_from('!Q', payload)
        text = payload[8:].replace(b'\n', b' ')
        if operation == _link.FAILED:
            _log.error('%s', text.decode('utf-8', 'replace'))
        if self._fd == 2:
            return  # the process was started again: it was told
        try:
            os.write(self._fd, b'%d %s\n' % (number, text))
        except OSError:
            pass  # the server waits no longer


def _run(encoding, files, report):
    """The handlers' process."""
    listener = socket.socket(fileno=_ACCEPTS)
    listener.setblocking(True)
    os.register_at_fork(after_in_child=listener.close)
    versions = _host._Versions(_Report(report), encoding)
    for number, file_name in enumerate(files, 1):
        versions.load(number, file_name)
    threading.Thread(target=_host._accept_all, args=(listener, versions),
                     daemon=True).start()
    while os.read(0, 4096):
        pass
    os._exit(0)


def _serves(path, process):
    """Whether it takes a connection, which it is given time for."""
    try:
        with _link.ask_for_life(path, False) as sock:
            return sock in select.select([sock, process], [], [], _PATIENCE)[0]
    except BlockingIOError:
        return False  # too many wait already
    except OSError:
        return True  # it is us who can't ask


def _wait(process):
    """Its status, when it has ended: one that serves no more is ended."""
    with socket.socket(fileno=os.dup(_ACCEPTS)) as listener:
        path = listener.getsockname()
    last = time.monotonic()
    end = os.pidfd_open(process)
    while not select.select([end], [], [], _REST)[0]:
        if _serves(path, end):
            last = time.monotonic()
        elif time.monotonic() - last >= _PATIENCE:
            _log.error('the process of the Python handlers serves no more')
            os.kill(process, signal.SIGKILL)
    os.close(end)
    return os.waitpid(process, 0)[1]


def _say_end(status):
    if os.WIFSIGNALED(status):
        how = 'was ended by signal %d' % os.WTERMSIG(status)
    else:
        how = 'has ended with status %d' % os.WEXITSTATUS(status)
    _log.error('the process of the Python handlers %s; it is started again',
               how)


def main(arguments):
    encoding, files = arguments[0] or None, arguments[1:]
    report = os.dup(1)
    os.set_inheritable(report, False)
    os.dup2(2, 1)
    sys.stdout.reconfigure(line_buffering=True)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO,
        format='[%(asctime)s] [towline:%(levelname)s] %(message)s')
    wait = 0
    while True:
        began = time.monotonic()
        process = os.fork()
        if process == 0:
            _run(encoding, files, report)
        status = _wait(process)
        if status == 0:
            os._exit(0)
        _say_end(status)
        if report != 2:
            os.close(report)  # the server has heard enough
            report = 2
        if time.monotonic() - began < _SHORT_LIFE:
            wait = min(2 * wait + 1, _LONGEST_WAIT)
        else:
            wait = 0
        if select.select([0], [], [], wait)[0]:
            os._exit(0)  # its end: nobody needs us
