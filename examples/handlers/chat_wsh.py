"""A room: who comes is welcomed, and what one says is told to all. A client's
thread receives; another one of its own sends what waits for it, so that
nobody waits for a client that is slow: of too much the client hears nothing
more."""

import queue
import threading

_WAITING_MAX = 100

_lock = threading.Lock()
_rooms = {}  # the queues of those who are in, by path


def web_socket_do_extra_handshake(request):
    pass


def _tell_all(room, text):
    with _lock:
        waiting = list(_rooms.get(room, ()))
    for each in waiting:
        try:
            each.put_nowait(text)
        except queue.Full:
            pass


def _send_what_waits(request, waiting):
    while True:
        text = waiting.get()
        if text is None or request.server_terminated:
            return
        request.ws_stream.send_message(text)


def web_socket_transfer_data(request):
    room = request.ws_resource
    waiting = queue.Queue(_WAITING_MAX)
    sender = threading.Thread(target=_send_what_waits,
                              args=(request, waiting), daemon=True)
    with _lock:
        _rooms.setdefault(room, set()).add(waiting)
    request.ws_stream.send_message('welcome')
    sender.start()
    try:
        while True:
            text = request.ws_stream.receive_message()
            if text is None:
                return
            _tell_all(room, text)
    finally:
        with _lock:
            _rooms[room].discard(waiting)
        while not waiting.empty():
            waiting.get_nowait()
        waiting.put(None)
