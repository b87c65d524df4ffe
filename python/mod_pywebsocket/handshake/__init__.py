"""The opening handshake: what a handler may raise in it."""

from mod_pywebsocket.handshake.base import (  # noqa: F401
    AbortedByUserException, HandshakeException, VersionException)


def do_handshake(request, dispatcher):
    """Asks the handler of the request, and has the server answer it.

    The server has read and checked the request already; its answer is in C.
    """
    from mod_pywebsocket.handshake import hybi
    hybi.Handshaker(request, dispatcher).do_handshake()
