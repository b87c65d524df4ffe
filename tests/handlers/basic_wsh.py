# Its own 401 first; the next connection has the password.
import base64

from pywebsocket3 import handshake


def web_socket_do_extra_handshake(request):
    word = base64.b64encode(b'user:secret').decode()
    if request.headers_in.get('Authorization') == 'Basic ' + word:
        return
    request.connection.write(
        b'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n'
        b'WWW-Authenticate: Basic realm="camelot"\r\n\r\n')
    raise handshake.AbortedByUserException('no password')


def web_socket_transfer_data(request):
    request.ws_stream.send_message('in')
