"""The opening handshake of RFC 6455."""

import base64
import hashlib

from mod_pywebsocket import common
from mod_pywebsocket.handshake.base import (  # noqa: F401
    AbortedByUserException, HandshakeException, HandshakerBase,
    VersionException, get_mandatory_header)


def compute_accept(key):
    """Sec-WebSocket-Accept for a Sec-WebSocket-Key, both as bytes."""
    digest = hashlib.sha1(key + common.WEBSOCKET_ACCEPT_UUID).digest()
    return base64.b64encode(digest)


def compute_accept_from_unicode(unicode_key):
    """The same for a key that is a str; returns bytes."""
    return compute_accept(unicode_key.encode('UTF-8'))


def format_header(name, value):
    """A line of a header."""
    return '%s: %s\r\n' % (name, value)


class Handshaker(HandshakerBase):
    """Has the handler say what it wants, and the server answer."""

    def _protocol_rfc(self):
        return 'RFC 6455'

    def do_handshake(self):
        """Returns when the connection is open. Raises HandshakeException,
        with the status to refuse it by; AbortedByUserException: the handler
        ends it."""
        request = self._request
        self._prepare()
        request._accept = compute_accept_from_unicode(
            get_mandatory_header(request, common.SEC_WEBSOCKET_KEY_HEADER))
        request._dispatcher = self._dispatcher
        self._dispatcher.do_extra_handshake(request)
        self._check_protocol()
        request._open()
