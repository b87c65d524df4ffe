"""`towline serve` with the options that pywebsocket's standalone.py had::

    python3 -m mod_pywebsocket.standalone -p 9998 -w DIRECTORY

The options are in one table here. Each is given to `towline serve`, or is
refused with a line that says what to do instead. Two differ: without a host
only this machine is listened on ("-H '*'" is every address), and files are
served only with a document root.
"""

import argparse
import configparser
import os
import sys

if __name__ == '__main__' and not __package__:  # by its name as a file
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from mod_pywebsocket import common  # noqa: F401
from mod_pywebsocket.websocket_server import WebSocketServer, command_of

_LEVELS = {'fine': 'debug', 'debug': 'debug', 'info': 'info',
           'warning': 'warning', 'warn': 'warning', 'error': 'error',
           'critical': 'error'}


class _Option(object):
    """`value`: what help calls it, None for a flag. `serve`: the option of
    `towline serve`, '': it is asked for nothing there. `refusal`: why it is
    refused."""

    def __init__(self, names, attribute, value=None, default=None,
                 serve=None, refusal=None, help=None):
        self.names = names.split()
        self.attribute = attribute
        self.value = value
        self.default = default
        self.serve = serve
        self.refusal = refusal
        self.help = help

    def spellings(self):
        under = ['--' + name[2:].replace('-', '_') for name in self.names
                 if name.startswith('--')]
        return self.names + [name for name in under if name not in self.names]


_PASSWORDS = ('make a file of users (htpasswd -B -c users NAME), and serve '
              'the same handlers by towline serve -p PORT -w DIR '
              '--basic-auth users')
_ROTATION = 'the log is not cut up here: use logrotate, and SIGHUP'

OPTIONS = (
    _Option('-H --server-host', 'server_host', 'HOST', '', '--server-host',
            help="where to listen; default localhost, '*' for all"),
    _Option('-p --port', 'port', 'PORT', 80, '--port'),
    _Option('-V --validation-host', 'validation_host', 'HOST', None,
            '--host', help='the host that requests must name'),
    _Option('-P --validation-port', 'validation_port', 'PORT', None,
            '', help='the port that requests name: that of --port'),
    _Option('-w --websock-handlers', 'websock_handlers', 'DIR', '.', '-w',
            help='the handlers'),
    _Option('-m --websock-handlers-map-file', 'websock_handlers_map_file',
            'FILE', None, '-m', help='aliases'),
    _Option('-s --scan-dir', 'scan_dir', 'DIR', None, '-s',
            help='the part of the handlers that is served'),
    _Option('--allow-handlers-outside-root-dir',
            'allow_handlers_outside_root_dir', None, False,
            '--allow-handlers-outside'),
    _Option('-d --document-root', 'document_root', 'DIR', '.', '-d',
            help='files to serve; other paths are relative to it'),
    _Option('-x --cgi-paths', 'cgi_paths', 'DIRS', None,
            refusal='CGI programs are not served'),
    _Option('-t --tls', 'use_tls', None, False, '-t'),
    _Option('-k --private-key', 'private_key', 'FILE', '', '-k'),
    _Option('-c --certificate', 'certificate', 'FILE', '', '-c'),
    _Option('--tls-client-auth', 'tls_client_auth', None, False, '',
            help='clients need a certificate; goes with --tls-client-ca'),
    _Option('--tls-client-cert-optional', 'tls_client_cert_optional', None,
            False,
            refusal='a certificate is asked of all clients or of none'),
    _Option('--tls-client-ca', 'tls_client_ca', 'FILE', '',
            '--tls-client-ca'),
    _Option('--basic-auth', 'use_basic_auth', None, False,
            refusal=_PASSWORDS),
    _Option('--basic-auth-credential', 'basic_auth_credential',
            'USER:PASSWORD', 'test:test', refusal=_PASSWORDS),
    _Option('-l --log-file', 'log_file', 'FILE', '', '-l'),
    _Option('--log-level', 'log_level', 'LEVEL', 'warn', '--log-level',
            help=' '.join(_LEVELS)),
    _Option('--deflate-log-level', 'deflate_log_level', 'LEVEL', 'warn',
            '', help='compression has no log of its own'),
    _Option('--thread-monitor-interval-in-sec',
            'thread_monitor_interval_in_sec', 'SECONDS', -1,
            refusal='use towline serve --status, which counts connections'),
    _Option('--log-max', 'log_max', 'BYTES', 256 * 1024, refusal=_ROTATION),
    _Option('--log-count', 'log_count', 'COUNT', 5, refusal=_ROTATION),
    _Option('-q --queue', 'request_queue_size', 'COUNT', 128,
            '', help='it is as long as the system has it: '
                     'net.core.somaxconn'),
    _Option('--handler-encoding', 'handler_encoding', 'ENCODING', None,
            '--handler-encoding'),
    _Option('--tls-module', 'tls_module', 'MODULE', None,
            '', help='TLS is the server\'s own'),
    _Option('--allow-draft75', 'allow_draft75', None, False, ''),
    _Option('--strict', 'strict', None, False, ''),
)


def _parser():
    parser = argparse.ArgumentParser(
        prog='python3 -m mod_pywebsocket.standalone',
        argument_default=argparse.SUPPRESS, allow_abbrev=False,
        description='Starts towline serve with these options.')
    parser.add_argument('--config', '--config-file', metavar='FILE',
                        help='an INI file; the section is [pywebsocket], '
                             'and its keys are the long options')
    for option in OPTIONS:
        text = option.help
        if option.refusal is not None:
            text = 'refused: ' + option.refusal
        flag = {'action': 'store_true'} if option.value is None else {
            'metavar': option.value}
        parser.add_argument(*option.spellings(), dest=option.attribute,
                            help=text.replace('%', '%%') if text else None,
                            **flag)
    return parser


def _read_config(parser, file_name):
    """What stands in the file, as arguments."""
    config = configparser.ConfigParser(interpolation=None)
    try:
        with open(file_name) as lines:
            config.read_file(lines)
    except (OSError, configparser.Error) as error:
        parser.error('--config %s: %s' % (file_name, error))
    known = {name: option for option in OPTIONS
             for name in option.spellings()}
    arguments = []
    if not config.has_section('pywebsocket'):
        parser.error('--config %s: there is no section [pywebsocket]'
                     % file_name)
    for key, value in config.items('pywebsocket'):
        option = known.get('--' + key)
        if option is None:
            parser.error('--config %s: %s is no option' % (file_name, key))
        arguments.append('--' + key if option.value is None
                         else '--%s=%s' % (key, value))
    return arguments


def _check(parser, options):
    for option in OPTIONS:
        if option.refusal is None or option.attribute not in options._given:
            continue
        parser.error('%s: %s' % (option.names[-1], option.refusal))
    if options.validation_port not in (None, str(options.port)):
        parser.error('--validation-port: the port that a request names is '
                     'not looked at, so it can only be that of --port')
    if options.log_level not in _LEVELS:
        parser.error('--log-level: %s is none of %s' % (
            options.log_level, ', '.join(_LEVELS)))
    if options.use_tls and not (options.private_key and options.certificate):
        parser.error('--tls needs --private-key and --certificate')
    if (options.tls_client_auth or options.tls_client_ca) and not (
            options.use_tls and options.tls_client_ca):
        parser.error('--tls-client-auth needs --tls and --tls-client-ca')


def _parse_args_and_config(args):
    """(options, []) of arguments as the command has them; what is wrong ends
    the program with status 2."""
    parser = _parser()
    parsed = parser.parse_args(args)
    if 'config' in parsed:
        parsed = parser.parse_args(_read_config(parser, parsed.config)
                                   + list(args))
    options = argparse.Namespace(_given=set(vars(parsed)))
    for option in OPTIONS:
        value = getattr(parsed, option.attribute, option.default)
        setattr(options, option.attribute, value)
    try:
        options.port = int(options.port)
    except ValueError:
        parser.error('--port: %s is no number' % options.port)
    _check(parser, options)
    return options, []


def _main(args=None):
    """The command. What it is given is relative to the document root."""
    options, _ = _parse_args_and_config(sys.argv[1:] if args is None
                                        else args)
    os.chdir(options.document_root)
    options.document_root = '.'
    command = command_of(options)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit('%s: %s: install towline, or say in the environment where '
                 'it is: TOWLINE=/path/to/towline' % (command[0],
                                                      error.strerror))


if __name__ == '__main__':
    _main(sys.argv[1:])
