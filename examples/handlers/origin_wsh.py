"""Lets in only pages that were opened from this machine or from a file; an
exception refuses the others with 403."""

from urllib.parse import urlsplit

from mod_pywebsocket import handshake

_HOSTS = ('localhost', '127.0.0.1', '::1')


def web_socket_do_extra_handshake(request):
    origin = request.ws_origin
    host = urlsplit(origin or '').hostname
    if origin in ('null', 'file://') or host in _HOSTS:
        return
    raise handshake.HandshakeException('a page from %s' % origin)


def web_socket_transfer_data(request):
    request.ws_stream.send_message('welcome, %s' % request.ws_origin)
