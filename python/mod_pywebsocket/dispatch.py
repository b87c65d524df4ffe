"""Handlers: files whose names end in _wsh.py, and how they are called."""

import builtins
import io
import logging
import os
import urllib.parse  # noqa: F401  handlers use it by `import urllib` alone

from mod_pywebsocket import common
from mod_pywebsocket import handshake
from mod_pywebsocket import _stream_exceptions as exceptions

_SUFFIX = '_wsh.py'
_DO_EXTRA_HANDSHAKE = 'web_socket_do_extra_handshake'
_TRANSFER_DATA = 'web_socket_transfer_data'
_PASSIVE_CLOSING_HANDSHAKE = 'web_socket_passive_closing_handshake'

# What handlers that were written for Python 2 look for.
_LEFTOVERS = {'unicode': str, 'basestring': str, 'unichr': chr, 'long': int}

_log = logging.getLogger(__name__)


class DispatchException(Exception):
    """A handler that can't be loaded, or is not there."""

    def __init__(self, name, status=common.HTTP_STATUS_NOT_FOUND):
        super(DispatchException, self).__init__(name)
        self.status = status


def _default_passive_closing_handshake(request):
    return common.STATUS_NORMAL_CLOSURE, ''


class HandlerSuite(object):
    """The functions of one version of a file."""

    def __init__(self, do_extra_handshake, transfer_data,
                 passive_closing_handshake=None):
        self.do_extra_handshake = do_extra_handshake
        self.transfer_data = transfer_data
        self.passive_closing_handshake = (
            passive_closing_handshake or _default_passive_closing_handshake)


def _place_of(error, file_name):
    """FILE:LINE of what went wrong while the file was run, or compiled."""
    if isinstance(error, SyntaxError) and error.lineno:
        return '%s:%d' % (error.filename or file_name, error.lineno)
    line = None
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == file_name:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return file_name if line is None else '%s:%d' % (file_name, line)


def source_handler(text, file_name):
    """Runs a handler's text in a namespace of its own, and takes the
    functions out. Raises DispatchException, whose text has file and line."""
    names = {'__builtins__': builtins}
    names.update(_LEFTOVERS)
    try:
        exec(compile(text, file_name, 'exec', dont_inherit=True), names)
    except BaseException as error:
        raise DispatchException('%s: %s: %s' % (
            _place_of(error, file_name), type(error).__name__,
            getattr(error, 'msg', None) or error)) from None
    for name in (_DO_EXTRA_HANDSHAKE, _TRANSFER_DATA):
        if name not in names:
            raise DispatchException('%s: it has no function %s'
                                    % (file_name, name))
        if not callable(names[name]):
            raise DispatchException('%s: %s is no function'
                                    % (file_name, name))
    passive = names.get(_PASSIVE_CLOSING_HANDSHAKE)
    return HandlerSuite(names[_DO_EXTRA_HANDSHAKE], names[_TRANSFER_DATA],
                        passive if callable(passive) else None)


def source_handler_file(file_name, encoding=None):
    """The same for a file, which is read by `encoding`, or by the locale's.
    """
    try:
        with io.open(file_name, encoding=encoding) as file_:
            text = file_.read()
    except (OSError, ValueError, LookupError) as error:
        raise DispatchException('%s: %s' % (file_name, error)) from None
    return source_handler(text, file_name)


class SuiteDispatcher(object):
    """Calls the functions of a suite, and does what their exceptions ask
    for."""

    def __init__(self, suite):
        self._suite = suite

    def get_handler_suite(self, resource):
        return self._suite

    def _suite_of(self, request):
        suite = self.get_handler_suite(request.ws_resource)
        if suite is None:
            raise DispatchException('there is no handler for %s'
                                    % request.ws_resource)
        return suite

    def do_extra_handshake(self, request):
        suite = self._suite_of(request)
        try:
            suite.do_extra_handshake(request)
        except handshake.AbortedByUserException:
            raise
        except BaseException as error:
            level = (logging.INFO
                     if isinstance(error, handshake.HandshakeException)
                     else logging.ERROR)
            _log.log(level, '%s: %s refuses: %s', request.ws_resource,
                     _DO_EXTRA_HANDSHAKE, error,
                     exc_info=level == logging.ERROR)
            raise handshake.HandshakeException(
                str(error), common.HTTP_STATUS_FORBIDDEN) from None

    def transfer_data(self, request):
        """Runs the handler to its end; then the connection is closed, or has
        to be ended without a Close."""
        suite = self._suite_of(request)
        try:
            try:
                suite.transfer_data(request)
                if not request.server_terminated:
                    request.ws_stream.close_connection()
            except exceptions.BadOperationException as error:
                _log.error('%s: %s', request.ws_resource, error,
                           exc_info=True)
                request.ws_stream.close_connection(
                    common.STATUS_INTERNAL_ENDPOINT_ERROR)
            except exceptions.InvalidFrameException as error:
                _log.info('%s: %s', request.ws_resource, error)
                request.ws_stream.close_connection(
                    common.STATUS_PROTOCOL_ERROR)
            except exceptions.UnsupportedFrameException as error:
                _log.info('%s: %s', request.ws_resource, error)
                request.ws_stream.close_connection(
                    common.STATUS_UNSUPPORTED_DATA)
            except exceptions.InvalidUTF8Exception as error:
                _log.info('%s: %s', request.ws_resource, error)
                request.ws_stream.close_connection(
                    common.STATUS_INVALID_FRAME_PAYLOAD_DATA)
        except handshake.AbortedByUserException as error:
            _log.debug('%s: ended by the handler: %s', request.ws_resource,
                       error)
        except exceptions.ConnectionTerminatedException as error:
            _log.debug('%s: %s', request.ws_resource, error)
        except BaseException:
            _log.error('%s: %s has failed', request.ws_resource,
                       _TRANSFER_DATA, exc_info=True)

    def passive_closing_handshake(self, request):
        return self._suite_of(request).passive_closing_handshake(request)


class Dispatcher(SuiteDispatcher):
    """The handlers of a directory, by the paths that they serve.

    `towline serve` looks through directories itself; this is for programs
    that want to know what is there.
    """

    def __init__(self, root_dir, scan_dir=None,
                 allow_handlers_outside_root_dir=True,
                 handler_encoding=None):
        self._suites = {}
        self._warnings = []
        root = os.path.realpath(root_dir)
        scan = os.path.realpath(scan_dir or root_dir)
        if scan != root and not scan.startswith(root + os.sep):
            raise DispatchException(
                'the directory to scan (%s) is not below that of the '
                'handlers (%s)' % (scan_dir, root_dir))
        for folder, _, names in os.walk(scan):
            for name in sorted(names):
                path = os.path.join(folder, name)
                inside = os.path.realpath(path).startswith(root + os.sep)
                if not name.endswith(_SUFFIX) or not (
                        inside or allow_handlers_outside_root_dir):
                    continue
                self._add(path, root, handler_encoding)

    def _add(self, path, root, encoding):
        resource = path[len(root):-len(_SUFFIX)].replace(os.sep, '/')
        try:
            self._suites[resource] = source_handler_file(path, encoding)
        except DispatchException as error:
            self._warnings.append(str(error))

    def source_warnings(self):
        """Why files are not served, a text each; told once."""
        warnings, self._warnings = self._warnings, []
        return warnings

    def add_resource_path_alias(self, alias_resource_path,
                                existing_resource_path):
        """A second path for a handler."""
        suite = self._suites.get(existing_resource_path)
        if suite is None:
            raise DispatchException('there is no handler for %s'
                                    % existing_resource_path)
        self._suites[alias_resource_path] = suite

    def get_handler_suite(self, resource):
        """The suite for a path, without what follows ? in it; or None."""
        path, _, _ = resource.partition('?')
        if '#' in path:
            raise DispatchException('there is a fragment in %s' % resource,
                                    common.HTTP_STATUS_BAD_REQUEST)
        return self._suites.get(path)
