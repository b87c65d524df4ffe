"""The name that mod_pywebsocket had for handshake.base."""

from mod_pywebsocket.handshake.base import *  # noqa: F401,F403
