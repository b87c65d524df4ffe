#!/usr/bin/env python3
"""What handlers import: names, frames, header fields, options; without a
server."""

import inspect
import io
import os
import signal
import socket
import subprocess
import sys
import tempfile
import types
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
PYTHON = os.path.join(ROOT, 'python')
sys.path.insert(0, PYTHON)

from mod_pywebsocket import _link  # noqa: E402
from mod_pywebsocket import common  # noqa: E402
from mod_pywebsocket import dispatch  # noqa: E402
from mod_pywebsocket import extensions  # noqa: E402
from mod_pywebsocket import handshake  # noqa: E402
from mod_pywebsocket import http_header_util  # noqa: E402
from mod_pywebsocket import memorizingfile  # noqa: E402
from mod_pywebsocket import msgutil  # noqa: E402
from mod_pywebsocket import server_util  # noqa: E402
from mod_pywebsocket import standalone  # noqa: E402
from mod_pywebsocket import stream  # noqa: E402
from mod_pywebsocket import util  # noqa: E402
from mod_pywebsocket import websocket_server  # noqa: E402
from mod_pywebsocket.handshake import base, hybi  # noqa: E402

HANDLER = '''
def web_socket_do_extra_handshake(request):
    pass


def web_socket_transfer_data(request):
    pass
'''


class Names(unittest.TestCase):
    def test_both_packages_are_one(self):
        import pywebsocket3
        from mod_pywebsocket.handshake import _base
        from mod_pywebsocket import _stream_base
        from pywebsocket3 import stream as other
        import pywebsocket3.handshake.hybi
        import pywebsocket3.standalone
        self.assertIs(other, stream)
        self.assertIs(pywebsocket3.handshake.hybi, hybi)
        self.assertIs(pywebsocket3.standalone, standalone)
        self.assertIs(_base.HandshakeException, base.HandshakeException)
        self.assertIs(_stream_base.BadOperationException,
                      msgutil.BadOperationException)

    def test_every_public_thing_says_what_it_is(self):
        import mod_pywebsocket
        for module in (mod_pywebsocket, common, dispatch, extensions,
                       handshake, base, hybi, http_header_util, msgutil,
                       server_util, standalone, stream, util,
                       websocket_server):
            self.assertTrue(inspect.getdoc(module), module)
            for name, each in vars(module).items():
                if inspect.isclass(each) and not name.startswith('_') \
                        and each.__module__ == module.__name__:
                    self.assertTrue(each.__doc__, each)

    def test_pydoc_shows_how_a_handler_is_written(self):
        text = subprocess.run(
            [sys.executable, '-m', 'pydoc', 'mod_pywebsocket'],
            env=dict(os.environ, PYTHONPATH=PYTHON), check=True,
            capture_output=True, text=True).stdout
        self.assertIn('def web_socket_transfer_data(request):', text)
        self.assertIn('UnsupportedFrameException       Close 1003', text)


class Numbers(unittest.TestCase):
    def test_codes_and_their_older_names(self):
        self.assertEqual(common.STATUS_NO_STATUS_RECEIVED, 1005)
        self.assertEqual(common.STATUS_CODE_NOT_AVAILABLE, 1005)
        self.assertEqual(common.STATUS_USER_PRIVATE_MAX, 4999)
        self.assertTrue(common.is_control_opcode(common.OPCODE_PONG))
        self.assertFalse(common.is_control_opcode(common.OPCODE_BINARY))

    def test_accept_is_that_of_the_rfc(self):
        accept = b's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
        self.assertEqual(hybi.compute_accept_from_unicode(
            'dGhlIHNhbXBsZSBub25jZQ=='), accept)
        self.assertEqual(hybi.compute_accept(b'dGhlIHNhbXBsZSBub25jZQ=='),
                         accept)
        self.assertEqual(hybi.format_header('A', 'b'), 'A: b\r\n')


class Frames(unittest.TestCase):
    def read(self, data, **options):
        return stream.parse_frame(io.BytesIO(data).read, **options)

    def test_lengths_at_the_limits(self):
        for length, header in ((0, 2), (125, 2), (126, 4), (65535, 4),
                               (65536, 10)):
            data = stream.create_binary_frame(b'x' * length)
            self.assertEqual(len(data), header + length)
            self.assertEqual(self.read(data, unmask_receive=False)[1],
                             b'x' * length)

    def test_masked_text_is_read_again(self):
        data = stream.create_text_frame('h\u00e9', mask=True)
        self.assertEqual(self.read(data),
                         (1, 'h\u00e9'.encode(), 1, 0, 0, 0))
        with self.assertRaises(msgutil.InvalidFrameException):
            self.read(data, unmask_receive=False)

    def test_control_frames_have_125_bytes_at_most(self):
        for create in (stream.create_ping_frame, stream.create_pong_frame,
                       stream.create_close_frame):
            create(b'x' * 125)
            with self.assertRaises(msgutil.BadOperationException):
                create(b'x' * 126)

    def test_a_close_has_a_code_that_may_be_sent(self):
        body = stream.create_closing_handshake_body
        self.assertEqual(body(None, 'left out'), b'')
        self.assertEqual(body(1000, 'bye'), b'\x03\xe8bye')
        self.assertEqual(body(4999, ''), b'\x13\x87')
        for code in (0, 999, 1005, 1006, 1015, 5000):
            with self.assertRaises(msgutil.BadOperationException):
                body(code, '')

    def test_fragments(self):
        builder = stream.FragmentedFrameBuilder(False)
        self.assertEqual(builder.build('a', False, False), b'\x01\x01a')
        self.assertEqual(builder.build('b', True, False), b'\x80\x01b')
        self.assertEqual(builder.build(b'c', False, True), b'\x02\x01c')
        with self.assertRaises(ValueError):
            builder.build('d', True, False)

    def test_header_arguments_are_checked(self):
        for arguments in ((16, 0, 1, 0, 0, 0, 0), (1, -1, 1, 0, 0, 0, 0),
                          (1, 1 << 63, 1, 0, 0, 0, 0),
                          (1, 0, 2, 0, 0, 0, 0)):
            with self.assertRaises(ValueError):
                stream.create_header(*arguments)

    def test_exceptions_are_related_as_they_were(self):
        self.assertTrue(issubclass(msgutil.InvalidFrameException,
                                   msgutil.ConnectionTerminatedException))
        self.assertFalse(issubclass(msgutil.UnsupportedFrameException,
                                    msgutil.ConnectionTerminatedException))


class Utilities(unittest.TestCase):
    def test_masks_go_on_where_they_were(self):
        whole = util.RepeatedXorMasker(b'abcd').mask(b'some bytes')
        masker = util.RepeatedXorMasker(b'abcd')
        parts = b''.join(masker.mask(bytes((byte,)))
                         for byte in b'some bytes')
        self.assertEqual(whole, parts)
        self.assertEqual(util.hexify(b'\x00\xff'), '00 ff')
        self.assertEqual(util.NoopMasker().mask(b'x'), b'x')

    def test_compression_both_ways(self):
        for takeover in (False, True):
            deflater = util._RFC1979Deflater(None, takeover)
            inflater = util._RFC1979Inflater()
            for text in (b'', b'x' * 1000, os.urandom(1000)):
                self.assertEqual(inflater.filter(deflater.filter(text)),
                                 text)
        final = util._RFC1979Deflater(15, False)
        self.assertEqual(util._RFC1979Inflater().filter(
            final.filter(b'final', bfinal=True)), b'final')

    def test_a_file_that_remembers_its_lines(self):
        lines = memorizingfile.MemorizingFile(io.BytesIO(b'a\nbc\nd'))
        self.assertEqual([lines.readline(), lines.readline(1),
                          lines.readline(), lines.readline()],
                         [b'a\n', b'b', b'c\n', b'd'])
        self.assertEqual(lines.get_memorized_lines(),
                         [b'a\n', b'bc\n', b'd'])


    def test_the_interpreter_of_a_script(self):
        with tempfile.NamedTemporaryFile('w') as script:
            self.assertIsNone(util.get_script_interp(script.name))
            script.write('#! /bin/sh -e\nexit\n')
            script.flush()
            self.assertEqual(util.get_script_interp(script.name),
                             '/bin/sh -e')
        self.assertIsNone(util.wrap_popen3_for_win('C:'))
        util.NullHandler().emit(None)

    def test_what_only_the_server_does_says_so(self):
        from mod_pywebsocket.extensions import _PerMessageDeflateFramer
        with self.assertRaisesRegex(NotImplementedError, '--compression'):
            _PerMessageDeflateFramer(None)
        request = types.SimpleNamespace(connection=io.BytesIO())
        with self.assertRaisesRegex(TypeError, 'towline serve -p 9998 -w'):
            stream.Stream(request)


class Fields(unittest.TestCase):
    def test_extensions(self):
        text = 'permessage-deflate; server_max_window_bits=10; a, b; c="d e"'
        parsed = common.parse_extensions(text)
        self.assertEqual(common.format_extensions(parsed), text)
        self.assertEqual(
            parsed[0].get_parameter_value('server_max_window_bits'), '10')
        self.assertTrue(parsed[0].has_parameter('a'))
        self.assertEqual(parsed[0].get_parameter_names(),
                         ['server_max_window_bits', 'a'])
        for wrong in ('', ',', 'a b', 'a;', 'a; b=', 'a; =b', '"a"',
                      'a; b="c\r"', 'a; b="\x7f"'):
            with self.assertRaises(common.ExtensionParsingException):
                common.parse_extensions(wrong)

    def test_token_lists(self):
        self.assertEqual(base.parse_token_list('a, b,, c ,'),
                         ['a', 'b', 'c'])
        for wrong in ('', 'a b', 'a;b', ' , '):
            with self.assertRaises(handshake.HandshakeException):
                base.parse_token_list(wrong)

    def test_targets(self):
        parse = http_header_util.parse_uri
        self.assertEqual(parse('/a?b'), (None, None, '/a?b'))
        self.assertEqual(parse('ws://h:81/a?b'), ('h', 81, '/a?b'))
        self.assertEqual(parse('wss://h'), ('h', 443, '/'))
        self.assertEqual(parse('ws://h/#x'), (None, None, None))
        self.assertEqual(parse('ws://h:x/'), (None, None, None))

    def test_processors(self):
        offer = common.parse_extensions('permessage-deflate')[0]
        processor = extensions.get_extension_processor(offer)
        self.assertEqual(processor.name(), 'deflate')
        self.assertIs(processor.request(), offer)
        self.assertTrue(extensions.is_accepted([None, processor]))
        processor.set_active(False)
        self.assertFalse(extensions.is_accepted([processor]))
        self.assertFalse(extensions.is_accepted([]))
        self.assertIsNone(extensions.get_extension_processor(
            common.ExtensionParameter('x')))


class Files(unittest.TestCase):
    def source(self, text):
        with self.assertRaises(dispatch.DispatchException) as caught:
            dispatch.source_handler(text, 'x_wsh.py')
        return str(caught.exception)

    def test_what_is_wrong_has_file_and_line(self):
        self.assertIn("x_wsh.py:2: SyntaxError: Missing parentheses in call "
                      "to 'print'", self.source('\nprint "x"\n'))
        self.assertIn('x_wsh.py:3: ZeroDivisionError',
                      self.source('\n\n1 / 0\n'))
        self.assertIn('x_wsh.py:1: SystemExit', self.source('exit(1)'))
        self.assertIn('x_wsh.py: it has no function',
                      self.source('web_socket_do_extra_handshake = len'))
        self.assertIn('is no function', self.source(
            HANDLER + 'web_socket_transfer_data = 1'))

    def test_each_has_a_namespace_of_its_own(self):
        text = HANDLER + 'x = []\n\n\ndef web_socket_transfer_data(r):\n' \
            '    x.append(r)\n    return x, unicode, basestring, ' \
            'unichr, long, __name__\n'
        one = dispatch.source_handler(text, 'x_wsh.py')
        two = dispatch.source_handler(text, 'x_wsh.py')
        self.assertEqual(one.transfer_data(1)[0], [1])
        self.assertEqual(two.transfer_data(2)[0], [2])
        self.assertEqual(two.transfer_data(2)[1:5], (str, str, chr, int))
        self.assertNotEqual(two.transfer_data(2)[5], '__main__')

    def test_the_closing_handshake_has_a_default(self):
        suite = dispatch.source_handler(
            HANDLER + 'web_socket_passive_closing_handshake = 3', 'x_wsh.py')
        self.assertEqual(suite.passive_closing_handshake(None), (1000, ''))

    def test_a_directory(self):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, 'a', 'b'))
            for name, text in (('x_wsh.py', HANDLER),
                               ('a/b/y_wsh.py', HANDLER),
                               ('z_wsh.py', 'oops'), ('no.py', HANDLER)):
                with open(os.path.join(root, name), 'w') as file_:
                    file_.write(text)
            found = dispatch.Dispatcher(root)
            self.assertEqual(len(found.source_warnings()), 1)
            self.assertEqual(found.source_warnings(), [])
            self.assertIsNotNone(found.get_handler_suite('/x?query'))
            self.assertIsNotNone(found.get_handler_suite('/a/b/y'))
            self.assertIsNone(found.get_handler_suite('/no'))
            found.add_resource_path_alias('/', '/x')
            self.assertIsNotNone(found.get_handler_suite('/'))
            with self.assertRaises(dispatch.DispatchException):
                found.add_resource_path_alias('/more', '/none')
            with self.assertRaises(dispatch.DispatchException) as caught:
                found.get_handler_suite('/x#f')
            self.assertEqual(caught.exception.status, 400)
            with self.assertRaises(dispatch.DispatchException):
                dispatch.Dispatcher(os.path.join(root, 'a'), root)

    def test_aliases(self):
        with tempfile.NamedTemporaryFile('w', suffix='.map') as file_:
            file_.write('# a comment\n\n/ /echo\nonly-one\n/a\t /b\n')
            file_.flush()
            with self.assertLogs(level='WARNING'):
                self.assertEqual(server_util.parse_alias_file(file_.name),
                                 [('/', '/echo'), ('/a', '/b')])


class Standing(unittest.TestCase):
    """The process beside Apache."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        path = os.path.join(self.folder.name, 'a_wsh.py')
        with open(path, 'w') as opened:
            opened.write(HANDLER)
        self.path = os.path.join(self.folder.name, 'socket')
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.listen(10)
        lines = ('import os, sys; os.dup2(%d, 3); from mod_pywebsocket import '
                 '_standing; _standing._REST = 0.1; _standing._PATIENCE = 1; '
                 '_standing.main(["", %r])' % (listener.fileno(), path))
        self.process = subprocess.Popen(
            [sys.executable, '-c', lines], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            pass_fds=(listener.fileno(),), text=True,
            env=dict(os.environ, PYTHONPATH=PYTHON))
        listener.close()
        self.assertEqual(self.process.stdout.readline(), '1 \n')

    def tearDown(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def test_a_process_that_is_stopped_is_ended(self):
        with open('/proc/%d/task/%d/children' % (
                (self.process.pid,) * 2)) as children:
            host = int(children.read())
        os.kill(host, signal.SIGSTOP)
        self.assertIn('serves no more', self.process.stderr.readline())
        self.assertIn('ended by signal 9', self.process.stderr.readline())
        with _link.ask_for_life(self.path) as sock:
            self.assertEqual(sock.recv(100)[4], _link.END)


class Options(unittest.TestCase):
    """Every option is given on, or refused by name."""

    SAMPLES = {'--log-level': 'fine'}

    def parse(self, *words):
        try:
            saved, sys.stderr = sys.stderr, io.StringIO()
            options, rest = standalone._parse_args_and_config(list(words))
            self.assertEqual(rest, [])
            return websocket_server.command_of(options)[2:]
        except SystemExit as end:
            self.assertEqual(end.code, 2)
            return sys.stderr.getvalue()
        finally:
            sys.stderr = saved

    def test_the_command_of_the_tutorials(self):
        self.assertEqual(self.parse('-p', '9998', '-w', '../example/'),
                         ['--port', '9998', '-w', '../example/'])

    def test_each(self):
        needs = {'validation_port': ['-p', '7'],
                 'use_tls': ['-k', 'k', '-c', 'c'],
                 'tls_client_auth': ['-t', '-k', 'k', '-c', 'c',
                                     '--tls-client-ca', 'a'],
                 'tls_client_ca': ['-t', '-k', 'k', '-c', 'c']}
        for option in standalone.OPTIONS:
            for name in option.spellings():
                words = [name]
                if option.value is not None:
                    words.append(self.SAMPLES.get(option.names[-1], '7'))
                result = self.parse(*words,
                                    *needs.get(option.attribute, []))
                if option.refusal is not None:
                    self.assertIn(option.names[-1], result)
                    self.assertIn(option.refusal, result)
                else:
                    self.assertIsInstance(result, list, (name, result))
                    if option.serve:
                        self.assertIn(option.serve, result)

    def test_passwords_have_another_command(self):
        for words in (['--basic-auth'], ['--basic-auth-credential', 'a:b']):
            self.assertIn('towline serve -p PORT -w DIR --basic-auth users',
                          self.parse(*words))

    def test_the_port_that_requests_name_is_that_of_the_server(self):
        self.assertEqual(
            self.parse('-V', 'a.example', '-P', '81', '-p', '81'),
            ['--port', '81', '--host', 'a.example', '-w', '.'])
        self.assertIn('--validation-port: the port',
                      self.parse('-P', '81', '-p', '82'))

    def test_a_file_is_the_command_too(self):
        for name in ('mod_pywebsocket', 'pywebsocket3'):
            for where in (ROOT, os.path.join(PYTHON, name)):
                file_name = os.path.join(PYTHON, name, 'standalone.py')
                done = subprocess.run(
                    [sys.executable, os.path.relpath(file_name, where),
                     '-p', 'x'], cwd=where, capture_output=True, text=True,
                    env={'PATH': os.environ['PATH']})
                self.assertIn('--port: x is no number', done.stderr)

    def test_levels(self):
        for level, ours in (('fine', 'debug'), ('warn', 'warning'),
                            ('critical', 'error')):
            self.assertEqual(self.parse('--log-level', level)[-1], ours)
        self.assertIn('--log-level: loud', self.parse('--log-level', 'loud'))

    def test_what_is_not_said_is_wrong(self):
        self.assertIn('unrecognized arguments', self.parse('more'))
        self.assertIn('--tls needs', self.parse('-t'))
        self.assertIn('--tls-client-auth needs', self.parse(
            '--tls-client-auth'))
        self.assertIn('--port', self.parse('-p', 'x'))

    def test_a_file_of_options(self):
        with tempfile.NamedTemporaryFile('w', suffix='.ini') as file_:
            file_.write('[pywebsocket]\nport = 81\nwebsock_handlers = here\n'
                        'allow_draft75 = False\n')
            file_.flush()
            self.assertEqual(self.parse('--config', file_.name),
                             ['--port', '81', '-w', 'here'])
            self.assertEqual(self.parse('--config', file_.name, '-p', '82'),
                             ['--port', '82', '-w', 'here'])
            file_.write('colour = red\n')
            file_.flush()
            self.assertIn('colour is no option',
                          self.parse('--config', file_.name))
        self.assertIn('--config /none', self.parse('--config', '/none'))

    def test_options_of_others(self):
        command = websocket_server.command_of(types.SimpleNamespace(
            port=0, websock_handlers='w', document_root='d'))
        self.assertEqual(command[2:],
                         ['--port', '0', '-w', 'w', '-d', 'd'])


if __name__ == '__main__':
    result = unittest.main(exit=False).result
    failed = len(result.failures) + len(result.errors)
    print('%d passed, %d failed' % (result.testsRun - failed, failed))
    sys.exit(failed > 0)
