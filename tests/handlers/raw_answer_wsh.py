# Its own answer 101 with a Close behind it in one write; reads the client's
# Close as bytes, and ends.
from mod_pywebsocket import common, handshake, stream
from mod_pywebsocket.handshake import hybi


def web_socket_do_extra_handshake(request):
    accept = hybi.compute_accept_from_unicode(
        request.headers_in.get(common.SEC_WEBSOCKET_KEY_HEADER))
    close = stream.create_close_frame(
        stream.create_closing_handshake_body(1001, 'PASS'))
    request.connection.write(
        b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n'
        b'Connection: Upgrade\r\nSec-WebSocket-Accept: ' + accept
        + b'\r\n\r\n' + close)
    request.connection.read(len(close) + 4)
    raise handshake.AbortedByUserException('done')


def web_socket_transfer_data(request):
    pass
