"""Counts a browser's visits in a cookie, which goes with the answer to the
handshake."""

from http.cookies import SimpleCookie


def web_socket_do_extra_handshake(request):
    cookies = SimpleCookie(request.headers_in.get('Cookie', ''))
    try:
        visits = int(cookies['visits'].value)
    except (KeyError, ValueError):
        visits = 0
    request.visits = visits + 1
    request.extra_headers.append(
        ('Set-Cookie', 'visits=%d; HttpOnly; SameSite=Strict'
         % request.visits))


def web_socket_transfer_data(request):
    request.ws_stream.send_message('visit number %d' % request.visits)
