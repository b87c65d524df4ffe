"""One number for all clients: "+" and "-" change it, and who has sent
something is told it. What stands at the top of a file is shared by all
connections, each of which has a thread."""

import threading

_lock = threading.Lock()
_count = 0


def _change(by):
    global _count
    with _lock:
        _count += by
        return _count


def web_socket_do_extra_handshake(request):
    pass


def web_socket_transfer_data(request):
    while True:
        message = request.ws_stream.receive_message()
        if message is None:
            return
        by = {'+': 1, '-': -1}.get(message, 0)
        request.ws_stream.send_message(str(_change(by)))
