"""The request that a handler's functions get."""

import http.client
import struct

from mod_pywebsocket import _link
from mod_pywebsocket import common
from mod_pywebsocket import extensions
from mod_pywebsocket import handshake
from mod_pywebsocket import stream
from mod_pywebsocket._stream_exceptions import ConnectionTerminatedException


def _address(text):
    """A text such as 127.0.0.1:9998 as a host and a port."""
    host, _, port = text.rpartition(':')
    if not port.isdigit():
        return text, 0
    return host.strip('[]'), int(port)


class Connection(object):
    """The bytes of a connection: ``request.connection``."""

    def __init__(self, link, peer, local, lines):
        self._link = link
        self._stream = None  # once it is open
        self._ended = False
        self._lines = lines
        self.remote_addr = _address(peer)
        self.local_addr = _address(local)

    def get_memorized_lines(self):
        """The lines of the request, as bytes."""
        return self._lines

    def get_remote_addr(self):
        return self.remote_addr

    def get_local_addr(self):
        return self.local_addr

    def write(self, data):
        """Sends bytes as they are, before the answer to the handshake or
        between frames, and returns when they are on their way."""
        try:
            for start in range(0, len(data), _link.PART_MAX):
                self._link.send(_link.WRITE,
                                data[start:start + _link.PART_MAX])
        except _link.Ended as error:
            raise ConnectionTerminatedException(str(error)) from None

    def read(self, length):
        """Waits for as many bytes of the peer, which are fewer only when it
        ends; in the handshake, or, of frames, when it is done."""
        if length <= 0:
            return b''
        if self._stream is not None:
            try:
                return self._stream.receive_bytes(length)
            except ConnectionTerminatedException:
                return b''
        return self._read_before_the_answer(length)

    def _read_before_the_answer(self, length):
        data = b''
        if self._ended:
            return data
        try:
            self._link.send(_link.READ, struct.pack('!I', length))
            while len(data) < length:
                operation, payload = self._link.receive()
                if operation != _link.BYTES:
                    self._ended = True
                    break
                data += payload
        except _link.Ended:
            self._ended = True
        return data


class Request(object):
    """One connection, the same object in all functions of its handler, which
    may add attributes of their own.

    uri, unparsed_uri        path and query, as they were sent
    method, protocol         'GET', 'HTTP/1.1'
    headers_in               fields of the request, upper or lower case
    connection               its bytes: a Connection
    ws_resource              the same as uri
    ws_origin                the field Origin, or None
    ws_version               13
    ws_requested_protocols   the subprotocols that the client offers, or None
    ws_protocol              for web_socket_do_extra_handshake to set: one of
                             them
    ws_requested_extensions  what the client offers, or None
    ws_extension_processors  of what is known of that; without them there is
                             no extension
    extra_headers            (name, value), to be added to the answer
    ws_extensions            what was agreed on, or None
    ws_stream                the messages: a stream.Stream
    client_terminated        whether the peer has closed
    server_terminated        whether we have
    ws_close_code, ws_close_reason   why the peer has; None before
    on_ping_handler, on_pong_handler functions of request and payload; with
                             one for Pings these are not answered otherwise
    """

    def __init__(self, link, head, peer, local, secure):
        lines = head.split(b'\r\n')
        self._link = link
        self._secure = secure
        self.connection = Connection(
            link, peer, local, [line + b'\r\n' for line in lines])
        self.method, self.uri, self.protocol = (
            lines[0].decode('latin-1').split(' '))
        self.unparsed_uri = self.uri
        self.headers_in = http.client.HTTPMessage()
        for line in lines[1:]:
            name, colon, value = line.decode('latin-1').partition(':')
            if colon:
                self.headers_in[name] = value.strip()
        self.ws_close_code = None
        self.ws_close_reason = None
        self.on_pong_handler = None

    def is_https(self):
        return self._secure

    def get_uri(self):
        return self.uri

    def __getattr__(self, name):
        if name == '_request_handler':
            raise AttributeError(
                'request._request_handler is not there: the server has read '
                'the request, which request.headers_in has')
        raise AttributeError('a request has no attribute %s' % name)

    # So that the server hears of one that is set at any time.
    @property
    def on_ping_handler(self):
        return self.__dict__.get('on_ping_handler')

    @on_ping_handler.setter
    def on_ping_handler(self, handler):
        self.__dict__['on_ping_handler'] = handler
        try:
            self._link.send(_link.CONTROL,
                            b'\x00' if handler is None else b'\x01')
        except _link.Ended:
            pass

    def _offered_protocols(self):
        fields = self.headers_in.get_all(
            common.SEC_WEBSOCKET_PROTOCOL_HEADER) or []
        return [name.strip() for name in ','.join(fields).split(',')]

    def _open(self):
        """Has the server answer, and waits until the connection is open."""
        flags = 0
        if not extensions.is_accepted(self.ws_extension_processors):
            flags |= _link.ACCEPT_UNCOMPRESSED
        protocol = (self.ws_protocol or '').encode('latin-1')
        if protocol:
            if self.ws_protocol not in self._offered_protocols():
                raise handshake.HandshakeException(
                    'the handler has chosen a subprotocol that was not '
                    'offered: %s' % self.ws_protocol,
                    common.HTTP_STATUS_BAD_REQUEST)
            flags |= _link.ACCEPT_PROTOCOL
        lines = ''.join('%s: %s\r\n' % pair for pair in self.extra_headers)
        try:
            self._link.send(_link.ACCEPT, struct.pack(
                '!BH', flags, len(protocol)) + protocol +
                lines.encode('utf-8'))
            operation, payload = self._link.receive()
        except _link.Ended as error:
            raise ConnectionTerminatedException(str(error)) from None
        if operation != _link.OPENED:
            raise ConnectionTerminatedException(
                'the peer has left before it was open')
        text = payload.decode('latin-1')
        self.ws_extensions = (common.parse_extensions(text) if text
                              else None)
        self.ws_stream = stream.Stream(self)
