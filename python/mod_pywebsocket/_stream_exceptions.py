"""What goes wrong on a stream."""


class ConnectionTerminatedException(Exception):
    """The connection has ended; nothing can be received or sent any more."""


class InvalidFrameException(ConnectionTerminatedException):
    """The peer has sent a frame that breaks the rules: Close 1002."""


class BadOperationException(Exception):
    """The handler asks for what can't be done now, or never: Close 1011."""


class UnsupportedFrameException(Exception):
    """The peer has sent a frame that is not understood: Close 1003."""


class InvalidUTF8Exception(Exception):
    """The peer has sent text that is not UTF-8: Close 1007."""
