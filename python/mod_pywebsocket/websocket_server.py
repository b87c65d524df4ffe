"""The server, for programs that start it themselves."""

import os
import subprocess

_HERE = os.path.dirname(os.path.abspath(__file__))


def _program():
    """Where towline is: as the environment says, where it is installed with
    these modules, built beside them, or in PATH."""
    if os.environ.get('TOWLINE'):
        return os.environ['TOWLINE']
    for place in ('../../../../bin/towline', '../../build/towline'):
        path = os.path.normpath(os.path.join(_HERE, place))
        if os.access(path, os.X_OK):
            return path
    return 'towline'


def _value(option, value):
    from mod_pywebsocket import standalone
    if option.attribute == 'log_level':
        return standalone._LEVELS[value]
    return str(value)


def command_of(options):
    """The command that serves what the options ask for, as a list. They are
    those of standalone, as attributes; missing ones have their defaults."""
    from mod_pywebsocket import standalone
    given = getattr(options, '_given', ())
    command = [_program(), 'serve']
    for option in standalone.OPTIONS:
        value = getattr(options, option.attribute, option.default)
        if not option.serve:
            continue
        if option.value is None:
            command += [option.serve] if value else []
        elif (option.attribute in ('port', 'websock_handlers') or
              option.attribute in given or value != option.default):
            command += [option.serve, _value(option, value)]
    return command


class WebSocketServer(object):
    """A server with the options of standalone._parse_args_and_config."""

    def __init__(self, options):
        self.websocket_server_options = options
        self.request_queue_size = getattr(options, 'request_queue_size', 128)
        self._process = None

    def serve_forever(self, poll_interval=0.5):
        """Serves until shutdown is called, on another thread, or the program
        is interrupted."""
        self._process = subprocess.Popen(
            command_of(self.websocket_server_options))
        try:
            status = self._process.wait()
        except KeyboardInterrupt:
            status = self._process.wait()
        if status > 0:
            raise RuntimeError('towline serve has ended with status %d'
                               % status)

    def shutdown(self):
        """Ends it in order: connections are closed with 1001."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def server_close(self):
        """The same, if that was not done."""
        self.shutdown()
