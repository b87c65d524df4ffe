"""The other name of mod_pywebsocket: the same modules, the same objects."""

import importlib
import sys

import mod_pywebsocket

__doc__ = mod_pywebsocket.__doc__

for _name in ('_stream_base', '_stream_exceptions', 'common', 'dispatch',
              'extensions', 'handshake', 'handshake._base', 'handshake.base',
              'handshake.hybi', 'http_header_util', 'memorizingfile',
              'msgutil', 'request_handler', 'server_util', 'stream', 'util',
              'websocket_server'):
    _module = importlib.import_module('mod_pywebsocket.' + _name)
    sys.modules['pywebsocket3.' + _name] = _module
    if '.' not in _name:
        globals()[_name] = _module
