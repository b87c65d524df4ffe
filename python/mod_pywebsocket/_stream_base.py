"""The name that mod_pywebsocket had for _stream_exceptions."""

from mod_pywebsocket._stream_exceptions import *  # noqa: F401,F403
