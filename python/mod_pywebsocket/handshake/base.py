"""What handshakes have in common."""

from mod_pywebsocket import common
from mod_pywebsocket import http_header_util


class AbortedByUserException(Exception):
    """The handler ends the connection: nothing more is sent."""


class HandshakeException(Exception):
    """The handshake is refused, with this status of HTTP where it is known.
    """

    def __init__(self, name, status=None):
        super(HandshakeException, self).__init__(name)
        self.status = status


class VersionException(Exception):
    """The client wants a version that is not spoken here."""

    def __init__(self, name, supported_versions=''):
        super(VersionException, self).__init__(name)
        self.supported_versions = supported_versions


def get_default_port(is_secure):
    return (common.DEFAULT_WEB_SOCKET_SECURE_PORT if is_secure
            else common.DEFAULT_WEB_SOCKET_PORT)


def validate_subprotocol(subprotocol):
    """Raises HandshakeException if that is no name of a subprotocol."""
    state = http_header_util.ParsingState(subprotocol or '')
    if (not subprotocol or
            http_header_util.consume_token(state) != subprotocol):
        raise HandshakeException('%r is no name of a subprotocol'
                                 % (subprotocol,),
                                 common.HTTP_STATUS_BAD_REQUEST)


def parse_token_list(data):
    """The tokens of a header field, between commas."""
    state = http_header_util.ParsingState(data)
    tokens = []
    while True:
        http_header_util.consume_lwses(state)
        token = http_header_util.consume_token(state)
        if token is not None:
            tokens.append(token)
        http_header_util.consume_lwses(state)
        if http_header_util.peek(state) is None:
            break
        if not http_header_util.consume_string(state, ','):
            raise HandshakeException('%r is no list of tokens' % (data,),
                                     common.HTTP_STATUS_BAD_REQUEST)
    if not tokens:
        raise HandshakeException('there is no token in %r' % (data,),
                                 common.HTTP_STATUS_BAD_REQUEST)
    return tokens


def get_mandatory_header(request, key):
    """The value of a field that must be there."""
    value = request.headers_in.get(key)
    if value is None:
        raise HandshakeException('the request has no %s' % key,
                                 common.HTTP_STATUS_BAD_REQUEST)
    return value


def validate_mandatory_header(request, key, expected_value,
                              fail_status=None):
    value = get_mandatory_header(request, key)
    if value.lower() != expected_value.lower():
        raise HandshakeException('%s is %r, and not %r'
                                 % (key, value, expected_value), fail_status)


def check_request_line(request):
    if request.method != 'GET':
        raise HandshakeException('the method is not GET',
                                 common.HTTP_STATUS_BAD_REQUEST)
    if request.protocol != 'HTTP/1.1':
        raise HandshakeException('the version is not HTTP/1.1',
                                 common.HTTP_STATUS_BAD_REQUEST)


class HandshakerBase(object):
    """What a handler may ask of a request, and is asked of the handler."""

    def __init__(self, request, dispatcher):
        self._request = request
        self._dispatcher = dispatcher

    def _protocol_rfc(self):
        raise NotImplementedError()

    def _prepare(self):
        """The attributes that web_socket_do_extra_handshake finds."""
        request = self._request
        request.ws_resource = request.uri
        request.ws_origin = request.headers_in.get(common.ORIGIN_HEADER)
        request.ws_version = common.VERSION_HYBI_LATEST
        request.ws_protocol = None
        request.extra_headers = []
        protocols = request.headers_in.get_all(
            common.SEC_WEBSOCKET_PROTOCOL_HEADER)
        request.ws_requested_protocols = (
            parse_token_list(','.join(protocols)) if protocols else None)
        self._parse_extensions()

    def _parse_extensions(self):
        from mod_pywebsocket import extensions
        request = self._request
        offers = request.headers_in.get_all(
            common.SEC_WEBSOCKET_EXTENSIONS_HEADER)
        request.ws_requested_extensions = None
        request.ws_extension_processors = []
        if not offers:
            return
        try:
            request.ws_requested_extensions = common.parse_extensions(
                ','.join(offers))
        except common.ExtensionParsingException as error:
            raise HandshakeException(str(error),
                                     common.HTTP_STATUS_BAD_REQUEST)
        for offer in request.ws_requested_extensions:
            processor = extensions.get_extension_processor(offer)
            if processor is not None:
                request.ws_extension_processors.append(processor)

    def _check_protocol(self):
        request = self._request
        if request.ws_requested_protocols is not None:
            if request.ws_protocol is None:
                raise HandshakeException(
                    'the handler has chosen none of the subprotocols: it has '
                    'to set ws_protocol, or ws_requested_protocols to None',
                    common.HTTP_STATUS_BAD_REQUEST)
            validate_subprotocol(request.ws_protocol)
        elif request.ws_protocol is not None:
            raise HandshakeException(
                'the handler has chosen a subprotocol (%r), and none was '
                'requested' % (request.ws_protocol,),
                common.HTTP_STATUS_BAD_REQUEST)
