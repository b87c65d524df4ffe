"""Numbers and names that handlers and the other modules have in common."""

from mod_pywebsocket import http_header_util

LOGLEVEL_FINE = 9

# Versions of the protocol.
VERSION_HYBI13 = 13
VERSION_HYBI14 = 13
VERSION_HYBI15 = 13
VERSION_HYBI16 = 13
VERSION_HYBI17 = 13
VERSION_HYBI08 = 8
VERSION_HYBI_LATEST = VERSION_HYBI13

DEFAULT_WEB_SOCKET_PORT = 80
DEFAULT_WEB_SOCKET_SECURE_PORT = 443
WEB_SOCKET_SCHEME = 'ws'
WEB_SOCKET_SECURE_SCHEME = 'wss'

# RFC 6455, section 11.8.
OPCODE_CONTINUATION = 0x0
OPCODE_TEXT = 0x1
OPCODE_BINARY = 0x2
OPCODE_CLOSE = 0x8
OPCODE_PING = 0x9
OPCODE_PONG = 0xa

# RFC 6455, section 1.3.
WEBSOCKET_ACCEPT_UUID = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

WEBSOCKET_UPGRADE_TYPE = 'websocket'
UPGRADE_CONNECTION_TYPE = 'Upgrade'

# Names of header fields.
UPGRADE_HEADER = 'Upgrade'
CONNECTION_HEADER = 'Connection'
HOST_HEADER = 'Host'
ORIGIN_HEADER = 'Origin'
SEC_WEBSOCKET_KEY_HEADER = 'Sec-WebSocket-Key'
SEC_WEBSOCKET_ACCEPT_HEADER = 'Sec-WebSocket-Accept'
SEC_WEBSOCKET_VERSION_HEADER = 'Sec-WebSocket-Version'
SEC_WEBSOCKET_PROTOCOL_HEADER = 'Sec-WebSocket-Protocol'
SEC_WEBSOCKET_EXTENSIONS_HEADER = 'Sec-WebSocket-Extensions'

PERMESSAGE_DEFLATE_EXTENSION = 'permessage-deflate'

# RFC 6455, section 7.4.1.
STATUS_NORMAL_CLOSURE = 1000
STATUS_GOING_AWAY = 1001
STATUS_PROTOCOL_ERROR = 1002
STATUS_UNSUPPORTED_DATA = 1003
STATUS_NO_STATUS_RECEIVED = 1005
STATUS_ABNORMAL_CLOSURE = 1006
STATUS_INVALID_FRAME_PAYLOAD_DATA = 1007
STATUS_POLICY_VIOLATION = 1008
STATUS_MESSAGE_TOO_BIG = 1009
STATUS_MANDATORY_EXTENSION = 1010
STATUS_INTERNAL_ENDPOINT_ERROR = 1011
STATUS_TLS_HANDSHAKE = 1015
STATUS_USER_REGISTERED_BASE = 3000
STATUS_USER_REGISTERED_MAX = 3999
STATUS_USER_PRIVATE_BASE = 4000
STATUS_USER_PRIVATE_MAX = 4999

# Older names of these.
STATUS_NORMAL = STATUS_NORMAL_CLOSURE
STATUS_UNSUPPORTED = STATUS_UNSUPPORTED_DATA
STATUS_CODE_NOT_AVAILABLE = STATUS_NO_STATUS_RECEIVED
STATUS_ABNORMAL_CLOSE = STATUS_ABNORMAL_CLOSURE
STATUS_INVALID_FRAME_PAYLOAD = STATUS_INVALID_FRAME_PAYLOAD_DATA
STATUS_MANDATORY_EXT = STATUS_MANDATORY_EXTENSION

HTTP_STATUS_BAD_REQUEST = 400
HTTP_STATUS_FORBIDDEN = 403
HTTP_STATUS_NOT_FOUND = 404


def is_control_opcode(opcode):
    """Whether a frame with this opcode is a control frame."""
    return (opcode & 8) != 0


class ExtensionParsingException(Exception):
    """A Sec-WebSocket-Extensions field that is none."""


class ExtensionParameter(object):
    """An extension with its parameters, of an offer or of an answer."""

    def __init__(self, name):
        self._name = name
        self._parameters = []

    def name(self):
        return self._name

    def add_parameter(self, name, value):
        """A value of None: the parameter has none."""
        self._parameters.append((name, value))

    def get_parameters(self):
        """A list of (name, value), in order."""
        return self._parameters

    def get_parameter_names(self):
        return [name for name, _ in self._parameters]

    def has_parameter(self, name):
        return any(known == name for known, _ in self._parameters)

    def get_parameter_value(self, name):
        """The value of the first of that name, or None."""
        for known, value in self._parameters:
            if known == name:
                return value
        return None


def _parse_parameter(state, extension):
    http_header_util.consume_lwses(state)
    name = http_header_util.consume_token(state)
    if name is None:
        raise ExtensionParsingException('a parameter of %s has no name'
                                        % extension.name())
    http_header_util.consume_lwses(state)
    value = None
    if http_header_util.consume_string(state, '='):
        http_header_util.consume_lwses(state)
        value = http_header_util.consume_token_or_quoted_string(state)
        if value is None:
            raise ExtensionParsingException('%s has no value behind its ='
                                            % name)
        http_header_util.consume_lwses(state)
    extension.add_parameter(name, value)


def _parse_extension(state):
    name = http_header_util.consume_token(state)
    if name is None:
        return None
    extension = ExtensionParameter(name)
    http_header_util.consume_lwses(state)
    while http_header_util.consume_string(state, ';'):
        _parse_parameter(state, extension)
    return extension


def parse_extensions(data):
    """The extensions of a Sec-WebSocket-Extensions field, in their order."""
    state = http_header_util.ParsingState(data)
    extensions = []
    while True:
        http_header_util.consume_lwses(state)
        extension = _parse_extension(state)
        if extension is not None:
            extensions.append(extension)
        http_header_util.consume_lwses(state)
        if http_header_util.peek(state) is None:
            break
        if not http_header_util.consume_string(state, ','):
            raise ExtensionParsingException(
                'an extension is followed by %r'
                % http_header_util.peek(state))
    if not extensions:
        raise ExtensionParsingException('there is no extension in it')
    return extensions


def format_extension(extension):
    """As it stands in a header field."""
    parts = [extension.name()]
    for name, value in extension.get_parameters():
        parts.append(name if value is None else '%s=%s' % (
            name, http_header_util.quote_if_necessary(value)))
    return '; '.join(parts)


def format_extensions(extensions):
    """Several of them, as they stand in a header field."""
    if not extensions:
        raise ValueError('there is no extension to format')
    return ', '.join(format_extension(extension) for extension in extensions)
