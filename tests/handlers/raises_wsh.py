# Each of the exceptions, by its name in the query.
import urllib

from mod_pywebsocket import handshake, msgutil
from mod_pywebsocket import stream


def web_socket_do_extra_handshake(request):
    query = urllib.parse.urlsplit(request.uri).query
    if query == 'early':
        raise handshake.HandshakeException('no', 503)
    if query == 'early-abort':
        raise handshake.AbortedByUserException('no')
    if query == 'early-bug':
        return 1 / 0
    request.wanted = query  # an attribute of its own


def web_socket_transfer_data(request):
    request.ws_stream.send_message('before')
    wanted = request.wanted
    if wanted == 'AbortedByUserException':
        raise handshake.AbortedByUserException('')
    if wanted == 'exit':
        raise SystemExit(3)
    if hasattr(stream, wanted):
        raise getattr(stream, wanted)('')
    if wanted == 'again':
        while msgutil.receive_message(request) is not None:
            pass
        msgutil.receive_message(request)
    if wanted == 'none':
        request.ws_stream.send_message(None)
    if wanted == 'mixed':
        request.ws_stream.send_message('a', end=False)
        request.ws_stream.send_message(b'b', end=True, binary=True)
    if wanted == 'long':
        request.ws_stream.close_connection(1000, 'x' * 200)
    if wanted == 'code':
        request.ws_stream.close_connection(1006)
    raise IndexError('no query')
