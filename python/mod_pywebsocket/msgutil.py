"""Messages: what most handlers need."""

import queue
import threading
import traceback

from mod_pywebsocket import util
from mod_pywebsocket._stream_exceptions import (  # noqa: F401
    BadOperationException, ConnectionTerminatedException,
    InvalidFrameException, InvalidUTF8Exception, UnsupportedFrameException)


def close_connection(request):
    """Closes with 1000 and waits for the peer's Close."""
    request.ws_stream.close_connection()


def send_message(request, data, end=True, binary=False):
    """Sends a str, or bytes with `binary`; with `end` False a fragment."""
    request.ws_stream.send_message(data, end, binary)


def receive_message(request):
    """Waits for a message: a str, bytes if it is binary, or None when the
    peer has closed."""
    return request.ws_stream.receive_message()


def send_ping(request, body):
    request.ws_stream.send_ping(body)


class MessageReceiver(threading.Thread):
    """A thread that receives, until the peer has closed.

    Messages go to `onmessage`, or, without it, are kept for `receive` and
    `receive_nowait`.
    """

    _END = object()

    def __init__(self, request, onmessage=None):
        threading.Thread.__init__(self, daemon=True)
        self._request = request
        self._queue = queue.Queue()
        self._onmessage = onmessage
        self._stopped = False
        self.start()

    def run(self):
        try:
            while not self._stopped:
                message = receive_message(self._request)
                if message is None:
                    break
                if self._onmessage is not None:
                    self._onmessage(message)
                else:
                    self._queue.put(message)
        except ConnectionTerminatedException:
            pass
        except Exception:
            util.get_class_logger(self).error(
                'the thread that receives has ended: %s',
                traceback.format_exc())
        self._queue.put(self._END)

    def _take(self, block):
        message = self._queue.get(block)
        if message is self._END:
            self._queue.put(message)
            return None
        return message

    def receive(self):
        """Waits for a message; None when no more come."""
        return self._take(True)

    def receive_nowait(self):
        """A message that is there, else None."""
        try:
            return self._take(False)
        except queue.Empty:
            return None

    def stop(self):
        """The one that is received now is the last."""
        self._stopped = True


class MessageSender(threading.Thread):
    """A thread that sends what it is given, in that order."""

    def __init__(self, request):
        threading.Thread.__init__(self, daemon=True)
        self._request = request
        self._queue = queue.Queue()
        self.start()

    def run(self):
        while True:
            message, sent = self._queue.get()
            try:
                send_message(self._request, message,
                             binary=isinstance(message, bytes))
            except Exception as error:
                util.get_class_logger(self).debug('not sent: %s', error)
            if sent is not None:
                sent.set()

    def send(self, message):
        """Returns when it is sent."""
        sent = threading.Event()
        self._queue.put((message, sent))
        sent.wait()

    def send_nowait(self, message):
        """Returns at once."""
        self._queue.put((message, None))
