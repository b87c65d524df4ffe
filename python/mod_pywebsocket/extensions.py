"""What a handler can say about extensions, in web_socket_do_extra_handshake.

``request.ws_extension_processors`` has a processor for each extension that
the client offers and that is known here. Compressing is done by the server,
which agrees on the details with the client; the processor says whether, and
which messages are not to be compressed.
"""

import logging

from mod_pywebsocket import common

_log = logging.getLogger(__name__)

_available_processors = {}


class ExtensionProcessorInterface(object):
    """Of one extension that the client offers."""

    def __init__(self, request):
        self._request = request
        self._active = True

    def request(self):
        """The offer, an ExtensionParameter."""
        return self._request

    def name(self):
        """A name for people."""
        return self._request.name()

    def check_consistency_with_other_processors(self, processors):
        """May set itself inactive when others are there."""

    def set_active(self, active):
        """Whether the extension is to be agreed on."""
        self._active = active

    def is_active(self):
        return self._active

    def _get_extension_response_internal(self):
        return None

    def get_extension_response(self):
        """The answer, an ExtensionParameter; None: it is declined."""
        return self._get_extension_response_internal() \
            if self._active else None

    def setup_stream_options(self, stream_options):
        """When the handshake is done."""


class PerMessageDeflateExtensionProcessor(ExtensionProcessorInterface):
    """permessage-deflate (RFC 7692)."""

    def __init__(self, request):
        ExtensionProcessorInterface.__init__(self, request)
        self._client_max_window_bits = None
        self._client_no_context_takeover = False
        self._bfinal = False
        self._compresses = True

    def name(self):
        return 'deflate'

    def _get_extension_response_internal(self):
        return common.ExtensionParameter(self._request.name())

    def set_client_max_window_bits(self, value):
        """The server agrees on windows itself: this is remembered only."""
        self._client_max_window_bits = value

    def set_client_no_context_takeover(self, value):
        """The server asks for that anyway, by --compression shared."""
        self._client_no_context_takeover = value

    def set_bfinal(self, value):
        """Messages end with a final block: one of those that RFC 7692 allows
        and few senders use. It has no effect on what the server compresses.
        """
        self._bfinal = value

    def enable_outgoing_compression(self):
        self._compresses = True

    def disable_outgoing_compression(self):
        """What is sent from now on is not compressed."""
        self._compresses = False

    def compresses(self):
        return self._compresses


class _PerMessageDeflateFramer(object):
    """Compressed messages of its own, which only the server makes here."""

    def __init__(self, deflate_params, logger=None):
        raise NotImplementedError(
            '_PerMessageDeflateFramer: the server compresses what a handler '
            'sends (towline serve --compression), and towline connect speaks '
            'permessage-deflate as a client')


_available_processors[common.PERMESSAGE_DEFLATE_EXTENSION] = (
    PerMessageDeflateExtensionProcessor)


def get_extension_processor(extension_request):
    """The processor for an offer, or None when it is not known."""
    kind = _available_processors.get(extension_request.name())
    return kind(extension_request) if kind is not None else None


def is_accepted(processors):
    """Whether the list that a handler leaves asks for permessage-deflate."""
    for processor in processors or []:
        if processor is None or not processor.is_active():
            continue
        answer = processor.get_extension_response()
        if answer is None:
            continue
        if answer.name() == common.PERMESSAGE_DEFLATE_EXTENSION:
            return True
        _log.warning('%s is an extension that the server does not speak',
                     answer.name())
    return False
