"""Frames (RFC 6455, section 5), and the stream of a connection.

The server makes and reads the frames of a connection, in C. What is here
besides is for handlers that write frames of their own.
"""

import collections
import struct

from mod_pywebsocket import _link
from mod_pywebsocket import common
from mod_pywebsocket import util
from mod_pywebsocket._stream_exceptions import (  # noqa: F401
    BadOperationException, ConnectionTerminatedException,
    InvalidFrameException, InvalidUTF8Exception, UnsupportedFrameException)

_CONTROL_MAX = 125


class Frame(object):
    """A frame, without its mask."""

    def __init__(self, fin=1, rsv1=0, rsv2=0, rsv3=0, opcode=None,
                 payload=b''):
        self.fin = fin
        self.rsv1 = rsv1
        self.rsv2 = rsv2
        self.rsv3 = rsv3
        self.opcode = opcode
        self.payload = payload


def create_length_header(length, mask):
    """The length as it stands in a header, with the bit for a mask."""
    bit = 0x80 if mask else 0
    if length <= 125:
        return struct.pack('!B', bit | length)
    if length < 1 << 16:
        return struct.pack('!BH', bit | 126, length)
    if length < 1 << 63:
        return struct.pack('!BQ', bit | 127, length)
    raise ValueError('a frame can not be that long')


def create_header(opcode, payload_length, fin, rsv1, rsv2, rsv3, mask):
    """The header of a frame; with `mask` a masking key follows it."""
    if opcode < 0 or opcode > 0xf:
        raise ValueError('no opcode: %r' % (opcode,))
    if payload_length < 0 or payload_length >= 1 << 63:
        raise ValueError('no length of a frame: %r' % (payload_length,))
    if (fin | rsv1 | rsv2 | rsv3) & ~1:
        raise ValueError('FIN and reserved bits are 0 or 1')
    first = fin << 7 | rsv1 << 6 | rsv2 << 5 | rsv3 << 4 | opcode
    return util.pack_byte(first) + create_length_header(payload_length, mask)


def _build_frame(header, body, mask):
    if not mask:
        return header + body
    key = util.random_masking_key()
    return header + key + util.RepeatedXorMasker(key).mask(body)


def _filter_and_format_frame_object(frame, mask, frame_filters):
    for frame_filter in frame_filters or []:
        frame_filter.filter(frame)
    header = create_header(frame.opcode, len(frame.payload), frame.fin,
                           frame.rsv1, frame.rsv2, frame.rsv3, mask)
    return _build_frame(header, frame.payload, mask)


def create_binary_frame(message, opcode=common.OPCODE_BINARY, fin=1,
                        mask=False, frame_filters=None):
    """A frame with these bytes."""
    return _filter_and_format_frame_object(
        Frame(fin=fin, opcode=opcode, payload=message), mask, frame_filters)


def create_text_frame(message, opcode=common.OPCODE_TEXT, fin=1, mask=False,
                      frame_filters=None):
    """A frame with this text."""
    return create_binary_frame(message.encode('utf-8'), opcode, fin, mask,
                               frame_filters)


class FragmentedFrameBuilder(object):
    """Frames of messages that are made in fragments."""

    def __init__(self, mask, frame_filters=None, encode_utf8=True):
        self._mask = mask
        self._frame_filters = frame_filters
        self._encode_utf8 = encode_utf8
        self._started = False
        self._opcode = None

    def build(self, payload_data, end, binary):
        """The frame of the next fragment."""
        kind = common.OPCODE_BINARY if binary else common.OPCODE_TEXT
        if self._started and kind != self._opcode:
            raise ValueError('a message is text or binary as a whole')
        opcode = common.OPCODE_CONTINUATION if self._started else kind
        self._opcode = kind
        self._started = not end
        if not binary and self._encode_utf8:
            payload_data = payload_data.encode('utf-8')
        return create_binary_frame(payload_data, opcode, 1 if end else 0,
                                   self._mask, self._frame_filters)


def _create_control_frame(opcode, body, mask, frame_filters):
    if len(body) > _CONTROL_MAX:
        raise BadOperationException(
            'the payload of a control frame has at most 125 bytes')
    return create_binary_frame(body, opcode, 1, mask, frame_filters)


def create_ping_frame(body, mask=False, frame_filters=None):
    return _create_control_frame(common.OPCODE_PING, body, mask,
                                 frame_filters)


def create_pong_frame(body, mask=False, frame_filters=None):
    return _create_control_frame(common.OPCODE_PONG, body, mask,
                                 frame_filters)


def create_close_frame(body, mask=False, frame_filters=None):
    return _create_control_frame(common.OPCODE_CLOSE, body, mask,
                                 frame_filters)


def create_closing_handshake_body(code, reason):
    """The payload of a Close; with a code of None it is empty."""
    if code is None:
        return b''
    if (code < common.STATUS_NORMAL_CLOSURE or
            code > common.STATUS_USER_PRIVATE_MAX or
            code in (common.STATUS_NO_STATUS_RECEIVED,
                     common.STATUS_ABNORMAL_CLOSURE,
                     common.STATUS_TLS_HANDSHAKE)):
        raise BadOperationException(
            '%r is a code that no Close may have' % (code,))
    return struct.pack('!H', code) + reason.encode('utf-8')


def parse_frame(receive_bytes, logger=None, ws_version=13,
                unmask_receive=True):
    """Reads a frame by `receive_bytes(count)`: opcode, payload, and the bits
    FIN, RSV1, RSV2, RSV3."""
    first, second = bytearray(receive_bytes(2))
    masked = second >> 7
    length = second & 0x7f
    if bool(masked) != bool(unmask_receive):
        raise InvalidFrameException('the frame is %smasked'
                                    % ('' if masked else 'not '))
    if length == 126:
        length, = struct.unpack('!H', receive_bytes(2))
    elif length == 127:
        length, = struct.unpack('!Q', receive_bytes(8))
        if length >> 63:
            raise InvalidFrameException('the length of a frame has 63 bits')
    key = receive_bytes(4) if masked else None
    payload = receive_bytes(length) if length else b''
    if masked:
        payload = util.RepeatedXorMasker(key).mask(payload)
    return (first & 0xf, payload, first >> 7, first >> 6 & 1, first >> 5 & 1,
            first >> 4 & 1)


class StreamOptions(object):
    """What a stream may be told; the server keeps to RFC 6455 whatever it
    says."""

    def __init__(self):
        self.outgoing_frame_filters = []
        self.incoming_frame_filters = []
        self.encode_text_message_to_utf8 = True
        self.mask_send = False
        self.unmask_receive = True


def _is_closing_code(code):
    """Those that a server may send (RFC 6455, section 7.4)."""
    return (1000 <= code <= 1003 or 1007 <= code <= 1014 or
            3000 <= code <= 4999)


def _link_of(connection):
    if hasattr(connection, '_link'):
        return connection._link
    raise TypeError(
        'a Stream speaks through the server, so its request has to be one '
        'that towline serve gave to a handler, and its connection is a %s: '
        'to try a handler, serve it (towline serve -p 9998 -w DIR) and talk '
        'to it by towline connect' % type(connection).__name__)


class Stream(object):
    """The messages of a connection, ``request.ws_stream``.

    One thread may receive while another one sends.
    """

    def __init__(self, request, options=None):
        self._request = request
        self._options = options if options is not None else StreamOptions()
        self._link = _link_of(request.connection)
        self._ping_queue = collections.deque()
        self._last_opcode = None
        self._sends = None   # BINARY or 0: a message in fragments
        self._raw = b''      # frames that are to be read as bytes
        self._closed = False
        request.connection._stream = self
        request.client_terminated = False
        request.server_terminated = False

    # What comes.

    def _next(self):
        if self._closed:
            raise ConnectionTerminatedException('the connection is over')
        try:
            return self._link.receive()
        except _link.Ended as error:
            self._end()
            raise ConnectionTerminatedException(str(error)) from None

    def _end(self):
        self._closed = True
        self._request.client_terminated = True
        self._request.server_terminated = True

    def _note_close(self, code, reason):
        self._request.client_terminated = True
        self._request.ws_close_code = code
        self._request.ws_close_reason = (
            None if code == common.STATUS_NO_STATUS_RECEIVED
            else reason.decode('utf-8', 'replace'))

    def _receive_closed(self, payload):
        """The connection is over. Returns if that was in order."""
        clean, code, ours = struct.unpack_from('!BHH', payload)
        self._end()
        if clean:
            self._note_close(code, payload[5:])
            return
        text = payload[5:].decode('utf-8', 'replace')
        if ours == common.STATUS_PROTOCOL_ERROR:
            raise InvalidFrameException(text)
        if ours == common.STATUS_INVALID_FRAME_PAYLOAD_DATA:
            raise InvalidUTF8Exception(text)
        raise ConnectionTerminatedException(text)

    def _receive_close(self, payload):
        """The peer has closed: the handler says what the answer is."""
        request = self._request
        code, = struct.unpack_from('!H', payload)
        self._last_opcode = common.OPCODE_CLOSE
        self._note_close(code, payload[2:])
        if request.server_terminated:
            return
        code, reason = request._dispatcher.passive_closing_handshake(request)
        if code is None and reason:
            util.get_class_logger(self).warning(
                'a Close without a code has no reason: %r is left out',
                reason)
        try:
            self._send_closing_handshake(code, reason or '')
        except ConnectionTerminatedException:
            pass  # the peer did not wait for it

    def _receive_ping(self, payload):
        handler = self._request.on_ping_handler
        self._last_opcode = common.OPCODE_PING
        if handler is not None:
            handler(self._request, payload)
        else:
            self._send_pong(payload)

    def _receive_pong(self, payload):
        self._last_opcode = common.OPCODE_PONG
        known = payload in self._ping_queue
        while known and self._ping_queue.popleft() != payload:
            pass
        handler = self._request.on_pong_handler
        # Those without a payload answer the server's own Pings.
        if handler is not None and (known or payload):
            handler(self._request, payload)

    def _receive_control(self, operation, payload):
        """Returns whether nothing more comes."""
        if operation == _link.PING:
            self._receive_ping(payload)
        elif operation == _link.PONG:
            self._receive_pong(payload)
        elif operation == _link.CLOSE:
            self._receive_close(payload)
            return True
        elif operation == _link.CLOSED:
            self._receive_closed(payload)
            return True
        return False

    def receive_message(self):
        """Waits for a message: a str, or bytes if it is binary. None: the
        peer has closed; ws_close_code and ws_close_reason of the request say
        why. Pings are answered meanwhile."""
        if self._request.client_terminated:
            raise BadOperationException(
                'nothing can be received: the peer has closed')
        parts = []
        while True:
            operation, payload = (self._next() if not self._raw
                                  else self._next_of_raw())
            if operation < _link.DATA:
                if self._receive_control(operation, payload):
                    return None
                continue
            if not operation & _link.LAST or parts:
                parts.append(payload)
                if not operation & _link.LAST:
                    continue
                payload = b''.join(parts)
            if operation & _link.BINARY:
                self._last_opcode = common.OPCODE_BINARY
                return payload
            self._last_opcode = common.OPCODE_TEXT
            return payload.decode('utf-8')

    def get_last_received_opcode(self):
        """Of the message, or control frame, that came last."""
        return self._last_opcode

    # What comes, as bytes: the server has read the frames already, so they
    # are made again of what was in them, masked as a client's are.

    def _read(self, length):
        """The next `length` bytes of frames."""
        while len(self._raw) < length:
            operation, payload = self._next()
            if operation == _link.CLOSED:
                self._receive_closed(payload)
                raise ConnectionTerminatedException('the peer has closed')
            self._raw += self._frame_of(operation, payload)
        data, self._raw = self._raw[:length], self._raw[length:]
        return data

    def receive_bytes(self, length):
        return self._read(length)

    def _frame_of(self, operation, payload):
        if operation == _link.CLOSE:
            code, = struct.unpack_from('!H', payload)
            empty = code == common.STATUS_NO_STATUS_RECEIVED
            return create_close_frame(b'' if empty else payload, mask=True)
        if operation == _link.PING:
            return create_ping_frame(payload, mask=True)
        if operation == _link.PONG:
            return create_pong_frame(payload, mask=True)
        opcode = common.OPCODE_CONTINUATION
        if operation & _link.FIRST:
            opcode = (common.OPCODE_BINARY if operation & _link.BINARY
                      else common.OPCODE_TEXT)
        return create_binary_frame(payload, opcode,
                                   1 if operation & _link.LAST else 0, True)

    def _next_of_raw(self):
        """The same back, for a handler that reads both ways."""
        opcode, payload, fin, _, _, _ = self._receive_frame()
        if opcode == common.OPCODE_CLOSE:
            empty = struct.pack('!H', common.STATUS_NO_STATUS_RECEIVED)
            return _link.CLOSE, payload or empty
        if opcode == common.OPCODE_PING:
            return _link.PING, payload
        if opcode == common.OPCODE_PONG:
            return _link.PONG, payload
        operation = _link.DATA | (_link.LAST if fin else 0)
        if opcode != common.OPCODE_CONTINUATION:
            operation |= _link.FIRST
        if opcode == common.OPCODE_BINARY:
            operation |= _link.BINARY
        return operation, payload

    def _receive_frame(self):
        """The next frame: opcode, payload, FIN, RSV1, RSV2, RSV3."""
        return parse_frame(self._read)

    def _receive_frame_as_frame_object(self):
        opcode, payload, fin, rsv1, rsv2, rsv3 = self._receive_frame()
        return Frame(fin, rsv1, rsv2, rsv3, opcode, payload)

    def receive_filtered_frame(self):
        """The next frame as an object, which the filters have seen."""
        frame = self._receive_frame_as_frame_object()
        for frame_filter in self._options.incoming_frame_filters:
            frame_filter.filter(frame)
        return frame

    # What goes.

    def _call(self, function, *arguments):
        try:
            function(*arguments)
        except _link.Ended as error:
            raise ConnectionTerminatedException(str(error)) from None

    def _write(self, data):
        """Bytes as they are, between frames."""
        for start in range(0, len(data), _link.PART_MAX):
            self._call(self._link.send, _link.WRITE,
                       data[start:start + _link.PART_MAX])

    def _compresses(self):
        for processor in self._request.ws_extension_processors or []:
            compresses = getattr(processor, 'compresses', None)
            if compresses is not None and not compresses():
                return False
        return True

    def send_message(self, message, end=True, binary=False):
        """Sends a str, or bytes with `binary`, and returns when they are on
        their way. With `end` False it is a fragment, and the next call goes
        on with the message."""
        if self._request.server_terminated:
            raise BadOperationException(
                'nothing can be sent: the connection is closed')
        if binary and isinstance(message, str):
            raise BadOperationException('a binary message is made of bytes')
        kind = _link.BINARY if binary else 0
        flags = kind
        if self._sends is None:
            flags |= _link.FIRST
        elif self._sends != kind:
            raise BadOperationException(
                'a message is text or binary as a whole')
        payload = message if binary else message.encode('utf-8')
        if end:
            flags |= _link.LAST
        if flags & _link.WHOLE != _link.WHOLE or not self._compresses():
            flags |= _link.PLAIN
        self._sends = None if end else kind
        self._call(self._link.send_message, flags, payload)

    def _send_control(self, operation, body):
        if self._request.server_terminated:
            raise BadOperationException(
                'nothing can be sent: the connection is closed')
        if len(body) > _CONTROL_MAX:
            raise BadOperationException(
                'the payload of a control frame has at most 125 bytes')
        self._call(self._link.send, operation, body)

    def send_ping(self, body, binary=False):
        """A Ping with a str, or with bytes."""
        if isinstance(body, str):
            body = body.encode('utf-8')
        self._ping_queue.append(body)
        self._send_control(_link.PING, body)

    def _send_pong(self, body):
        if isinstance(body, str):
            body = body.encode('utf-8')
        self._send_control(_link.PONG, body)

    def _send_close(self, code, reason, waits):
        if code is not None:
            body = create_closing_handshake_body(code, reason)
            if len(body) > _CONTROL_MAX:
                raise BadOperationException(
                    'the reason of a Close has at most 123 bytes')
            if not _is_closing_code(code):
                raise BadOperationException(
                    'RFC 6455 has %d for nobody to send' % code)
        else:
            body = b'\x00\x00'
        self._request.server_terminated = True
        self._call(self._link.send, _link.CLOSE,
                   util.pack_byte(1 if waits else 0) + body)

    def _send_closing_handshake(self, code, reason):
        """Our Close; what the peer sends is received until it closes, too."""
        self._send_close(code, reason, False)

    def _await_close(self):
        while not self._request.client_terminated:
            operation, payload = self._next()
            if operation == _link.CLOSED:
                self._receive_closed(payload)
            elif operation == _link.CLOSE:
                self._receive_close(payload)

    def close_connection(self, code=common.STATUS_NORMAL_CLOSURE, reason='',
                         wait_response=True):
        """Closes, and waits for the peer's Close, but for codes 1001 and
        1002. With a code of None the Close has none."""
        if self._request.server_terminated:
            return
        waits = wait_response and code not in (
            common.STATUS_GOING_AWAY, common.STATUS_PROTOCOL_ERROR)
        self._send_close(code, reason or '', waits)
        if waits:
            self._await_close()
