# Pings and Pongs by functions of its own.
import queue


def _on_ping(request, payload):
    request.seen.put('ping ' + payload.decode())
    if request.answers:
        request.ws_stream._send_pong(payload.upper())


def _on_pong(request, payload):
    request.seen.put('pong ' + payload.decode())


def web_socket_do_extra_handshake(request):
    request.seen = queue.Queue()
    request.answers = not request.uri.endswith('?silent')
    request.on_ping_handler = _on_ping
    request.on_pong_handler = _on_pong


def web_socket_transfer_data(request):
    request.ws_stream.send_ping('are you there')
    request.ws_stream.receive_message()
    while not request.seen.empty():
        request.ws_stream.send_message(request.seen.get())
