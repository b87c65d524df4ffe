"""A program that serves many WebSocket connections behind towline (worker: true).

    import towline_worker

    class Echo(towline_worker.Worker):
        def on_message(self, connection, message):
            connection.send(message)

    Echo().run()

Text is str, binary is bytes. What a callback has returned from is acknowledged: it is not given again. What
was given and not acknowledged when a process dies is given to the next one, with `self.again` true. A callback
that raises has its traceback in the log and its connection closed with 1011.

The protocol is docs/handler-protocol.md. Standard output is its own: what is printed goes to standard error,
which is towline's log. Needs Python 3.8 and nothing else."""

import os
import struct
import sys
import threading
import traceback

STATE_MAX = 2048

_HELLO, _OPEN, _RESUME, _MESSAGE, _CLOSED, _DRAIN = range(1, 7)
_READY, _ACKNOWLEDGE, _SEND, _BROADCAST, _ATTACH, _CLOSE = range(16, 22)
_AGAIN, _BINARY = 1, 2

_header = struct.Struct(">IB")
_event = struct.Struct(">QB")
_id = struct.Struct(">Q")
_entry = struct.Struct(">QI")
_code = struct.Struct(">H")
_send = struct.Struct(">IBQB")
_message = _send  # it begins as what is sent does


def _as_bytes(message):
    """The flags and the payload of a message."""
    if isinstance(message, str):
        return 0, message.encode()
    return _BINARY, bytes(message)


class Connection:
    """A client. `user` is the worker's own; it is lost with the process, where `state` is not."""

    __slots__ = ("id", "environment", "user", "_state", "_worker")

    def __init__(self, worker, number, environment, state):
        self.id = number
        self.environment = environment  # of its request, as CGI has it; empty in a later process
        self.user = None
        self._state = state
        self._worker = worker

    @property
    def state(self):
        """Up to 2,048 bytes that towline keeps for the next process."""
        return self._state

    @state.setter
    def state(self, state):
        state = bytes(state)
        if len(state) > STATE_MAX:
            raise ValueError("a state has at most 2,048 bytes")
        self._state = state
        self._worker._write(_header.pack(8 + len(state), _ATTACH) + _id.pack(self.id) + state)

    def send(self, message):
        """Sends a text (str) or binary (bytes) message."""
        flags, data = (0, message.encode()) if isinstance(message, str) else (_BINARY, bytes(message))
        self._worker._write(_send.pack(9 + len(data), _SEND, self.id, flags) + data)

    def close(self, code=1000, reason=""):
        """Begins the closing handshake; on_close follows."""
        data = _code.pack(code) + reason.encode()
        self._worker._write(_header.pack(8 + len(data), _CLOSE) + _id.pack(self.id) + data)


class Worker:
    """What to do is in these callbacks; others of them do nothing."""

    def on_start(self):
        """Before the first connection; `self.number` of `self.count` processes."""

    def on_open(self, connection):
        """A client is there."""

    def on_resume(self, connection):
        """A client that an earlier process had; its `state` is as that left it."""

    def on_message(self, connection, message):
        """A message came."""

    def on_close(self, connection, code, reason):
        """A client is gone; `code` is 1006 if it did not say so."""

    def on_drain(self):
        """The process is to end, as another takes its place; what was given to it has been done."""

    def broadcast(self, message, connections=None):
        """Sends a message to all clients of all processes, or to these."""
        flags, data = _as_bytes(message)
        ids = [] if connections is None else [connection.id for connection in connections]
        if connections is not None and not ids:
            return
        head = _header.pack(5 + 8 * len(ids) + len(data), _BROADCAST)
        self._write(head + struct.pack(">BI%dQ" % len(ids), flags, len(ids), *ids) + data)

    def run(self):
        """Serves until it is told to end. Never returns."""
        self._input, self._output = os.dup(0), os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        sys.stdout.reconfigure(line_buffering=True)
        self.connections = {}
        self.again = False
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._said = []
        self._done = {}
        self._drains = False
        try:
            self._serve()
        except BrokenPipeError:
            pass  # towline has let us go
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)

    def _serve(self):
        pending = b""
        while not self._drains:
            some = os.read(self._input, 1 << 16)  # as much as comes at once; for more, memory would be mapped each time
            if not some:
                return
            pending = self._take(pending + some if pending else some)
            self._flush()
        self._call(None, self.on_drain)
        self._flush()

    def _take(self, data):
        """Does what whole frames ask for, and returns the rest."""
        at, end = 0, len(data)
        while end - at >= 5:
            length, kind = _header.unpack_from(data, at)
            if end - at - 5 < length:
                break
            if kind == _MESSAGE:
                at = self._messages(data, at, end)
                continue
            at += 5
            self._other(kind, data[at : at + length])
            at += length
        return data[at:]

    def _messages(self, data, at, end):
        """Does what a row of messages asks for, and returns where it ends. This is where a worker that has much to do spends
        its time, so nothing is called here but what must be."""
        unpack, done = _message.unpack_from, self._done
        connections, on_message = self.connections, self.on_message
        while end - at >= 14:
            length, kind, number, flags = unpack(data, at)
            last = at + 5 + length
            if kind != _MESSAGE or last > end:
                break
            payload = data[at + 14 : last]
            at = last
            self.again = flags & _AGAIN != 0
            connection = connections.get(number)
            try:
                on_message(connection, payload if flags & _BINARY else payload.decode())
            except Exception:  # one client's trouble is not that of others
                self._trouble(connection)
            done[number] = done.get(number, 0) + 1
        return at

    def _other(self, kind, data):
        if kind == _HELLO:
            version, self.number, self.count = struct.unpack(">HHH", data[:6])
            if version != 1:
                sys.exit("towline speaks another version of the protocol: %d" % version)
            self.on_start()
            self._said.append(_header.pack(0, _READY))
        elif kind == _DRAIN:
            self._drains = True
        elif kind == _RESUME:
            (number,) = _id.unpack_from(data)
            connection = self.connections[number] = Connection(self, number, {}, data[8:])
            self._call(connection, self.on_resume, connection)
        else:
            self._begin_or_end(kind, data)

    def _begin_or_end(self, kind, data):
        number, flags = _event.unpack_from(data)
        self.again = flags & _AGAIN != 0
        if kind == _OPEN:
            pairs = (text.partition("=") for text in data[9:].decode("utf-8", "surrogateescape").split("\0") if text)
            connection = self.connections[number] = Connection(self, number, {name: value for name, _, value in pairs}, b"")
            self._call(connection, self.on_open, connection)
        elif kind == _CLOSED:
            connection = self.connections.pop(number, None)
            (code,) = _code.unpack_from(data, 9)
            self._call(None, self.on_close, connection, code, data[11:].decode("utf-8", "replace"))
        self._done[number] = self._done.get(number, 0) + 1

    def _call(self, connection, callback, *arguments):
        try:
            callback(*arguments)
        except Exception:
            self._trouble(connection)

    def _trouble(self, connection):
        traceback.print_exc()
        if connection is not None:
            connection.close(1011)

    def _write(self, data):
        """From another thread at once, else with all else that a read has brought."""
        if threading.get_ident() == self._thread:
            self._said.append(data)
        else:
            self._put(data)

    def _put(self, data):
        with self._lock:
            view = memoryview(data)
            while view:
                view = view[os.write(self._output, view) :]

    def _flush(self):
        """What was said stands before what is acknowledged: it is not lost, if we die in between."""
        if self._done:
            self._said.append(_header.pack(12 * len(self._done), _ACKNOWLEDGE))
            self._said.extend(_entry.pack(number, count) for number, count in self._done.items())
            self._done.clear()
        if self._said:
            said = b"".join(self._said)
            self._said.clear()
            self._put(said)
