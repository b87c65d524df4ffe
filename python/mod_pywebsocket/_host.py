"""The process that runs the handlers of a server: a thread for each
connection, which blocks on a socket of its own.

The server starts it, with a socket to accept from as descriptor 3; standard
input and output are its own way to the server, by which it has handlers
loaded and gets what is for the log. Standard error becomes lines of the log
as well, and so does what handlers print.
"""

import errno
import logging
import os
import socket
import struct
import sys
import threading
import traceback

from mod_pywebsocket import _link
from mod_pywebsocket import common
from mod_pywebsocket import dispatch
from mod_pywebsocket import handshake
from mod_pywebsocket.request_handler import Request
from mod_pywebsocket._stream_exceptions import ConnectionTerminatedException

_ACCEPTS = 3
_PATIENCE = 30  # seconds
_PASSING = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM,
            errno.ECONNABORTED)
_LEVELS = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))

_log = logging.getLogger(__name__)


class _Versions(object):
    """Files as they were when they were loaded, by their numbers."""

    def __init__(self, control, encoding):
        self._control = control
        self._encoding = encoding
        self._loads = {}  # a lock and what there is, of each number
        self._change = threading.Condition()

    def load(self, number, file_name):
        ready = threading.Event()
        entry = [ready, None]
        with self._change:
            self._loads[number] = entry
            self._change.notify_all()
        # A file that takes its time, or for ever, keeps nobody waiting.
        threading.Thread(target=self._load, daemon=True,
                         args=(number, file_name, entry)).start()

    def _load(self, number, file_name, entry):
        head = struct.pack('!Q', number)
        try:
            entry[1] = dispatch.source_handler_file(file_name,
                                                    self._encoding)
            self._control.send(_link.LOADED, head)
        except dispatch.DispatchException as error:
            self._control.send(_link.FAILED, head + str(error).encode(
                'utf-8', 'replace')[:1000])
        entry[0].set()

    def unload(self, number):
        with self._change:
            self._loads.pop(number, None)

    def suite(self, number):
        """The functions of a version, waited for; None: there are none. In a
        process that was started again, a connection may be here first."""
        with self._change:
            self._change.wait_for(lambda: number in self._loads, _PATIENCE)
            entry = self._loads.get(number)
        if entry is None:
            return None
        entry[0].wait()
        return entry[1]


class _LogHandler(logging.Handler):
    """Lines for the server's log."""

    def __init__(self, control):
        logging.Handler.__init__(self)
        self._control = control

    def emit(self, record):
        level = 7
        for least, number in _LEVELS:
            if record.levelno >= least:
                level = number
                break
        try:
            for line in self.format(record).splitlines():
                self._control.send(_link.LOG, bytes((level,)) + line.encode(
                    'utf-8', 'replace')[:1000])
        except Exception:
            self.handleError(record)


def _texts(payload, at, count):
    texts = []
    for _ in range(count):
        length, = struct.unpack_from('!I', payload, at)
        texts.append(payload[at + 4:at + 4 + length])
        at += 4 + length
    return texts


def _refuse(link, status, text):
    link.send(_link.REFUSE, struct.pack('!H', status) +
              text.encode('utf-8', 'replace')[:300])


def _open(link, versions):
    """The request, when its handler has let it in; else None."""
    operation, payload = link.receive()
    if operation != _link.OPEN:
        return None  # one that only asks whether we live: this END tells
    number, secure = struct.unpack_from('!QB', payload)
    peer, local, head = _texts(payload, 9, 3)
    suite = versions.suite(number)
    if suite is None:
        _refuse(link, 500, 'the handler can not be loaded')
        return None
    request = Request(link, head[:-2], peer.decode('ascii'),
                      local.decode('ascii', 'replace'), bool(secure))
    try:
        handshake.do_handshake(request, dispatch.SuiteDispatcher(suite))
    except handshake.HandshakeException as error:
        _log.info('%s: refused: %s', request.uri, error)
        _refuse(link, error.status or common.HTTP_STATUS_BAD_REQUEST,
                'the handler refuses')
        return None
    return request


def _serve(sock, versions, process):
    link = _link.Link(sock)
    try:
        request = _open(link, versions)
        if request is not None:
            request._dispatcher.transfer_data(request)
        link.send(_link.END)
    except handshake.AbortedByUserException:
        _end(link)
    except (ConnectionTerminatedException, _link.Ended):
        _end(link)
    except BaseException:
        _log.error('%s', traceback.format_exc())
        _end(link)
    if os.getpid() != process:
        os._exit(0)  # a handler has forked, and comes back in the copy
    link.close()


def _end(link):
    try:
        link.send(_link.END)
    except _link.Ended:
        pass


def _accept_all(listener, versions):
    process = os.getpid()
    while True:
        try:
            sock, _ = listener.accept()
        except OSError as error:
            _log.error('a connection was not accepted: %s', error)
            if error.errno not in _PASSING:
                os._exit(1)  # somebody has closed our socket
            threading.Event().wait(0.1)
            continue
        try:
            threading.Thread(target=_serve, daemon=True,
                             args=(sock, versions, process)).start()
        except RuntimeError as error:
            _log.error('a connection has no thread: %s', error)
            sock.close()


def _say_alive(control, path):
    try:
        with _link.ask_for_life(path) as sock:
            sock.recv(1)
    except OSError as error:
        _log.error('no connection can be made: %s', error)
    control.send(_link.ALIVE)


def _prove_life(control, path):
    """By what a connection needs: one that is accepted and gets a thread."""
    try:
        threading.Thread(target=_say_alive, daemon=True,
                         args=(control, path)).start()
    except RuntimeError:
        control.send(_link.ALIVE)  # of threads there are too many


def _leave_when_forked(listener, control):
    """A handler's child has nothing of ours: what dies with us must not
    live on in it."""
    def after():
        listener.close()
        control.socket.close()
    os.register_at_fork(after_in_child=after)


class _Control(_link.Link):
    """Two sockets: what is said goes by another one than what is heard."""

    def __init__(self, heard, said):
        _link.Link.__init__(self, heard)
        self._said = said

    def _send_bytes(self, data):
        with self._lock:
            self._said.sendall(data)


def _take_control():
    """Standard input and output are the way to the server: from now on what
    reads there gets nothing, and what writes there is for the log."""
    heard = socket.socket(fileno=os.dup(0))
    said = socket.socket(fileno=os.dup(1))
    heard.setblocking(True)
    said.setblocking(True)
    control = _Control(heard, said)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return control


def main(arguments):
    control = _take_control()
    sys.stdout.reconfigure(line_buffering=True)
    root = logging.getLogger()
    root.addHandler(_LogHandler(control))
    root.setLevel(logging.DEBUG)
    _log.debug('%s runs handlers', sys.executable)  # so it has begun
    listener = socket.socket(fileno=_ACCEPTS)
    listener.setblocking(True)
    path = listener.getsockname()
    versions = _Versions(control, arguments[0] or None)
    _leave_when_forked(listener, control)
    threading.Thread(target=_accept_all, args=(listener, versions),
                     daemon=True).start()
    while True:
        try:
            operation, payload = control.receive()
        except _link.Ended:
            os._exit(0)  # the server has ended
        number, = struct.unpack_from('!Q', payload)
        if operation == _link.LOAD:
            versions.load(number, os.fsdecode(payload[8:]))
        elif operation == _link.UNLOAD:
            versions.unload(number)
        elif operation == _link.ALIVE:
            _prove_life(control, path)
