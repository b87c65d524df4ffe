"""The process in which `towline serve` runs Python handlers: it is started
by that, with a socket to accept from. See mod_pywebsocket/_host.py; after
--standing, beside Apache, mod_pywebsocket/_standing.py."""

import sys

from mod_pywebsocket import _host
from mod_pywebsocket import _standing

if __name__ == '__main__':
    if sys.argv[1:2] == ['--standing']:
        sys.exit(_standing.main(sys.argv[2:]))
    sys.exit(_host.main(sys.argv[1:]))
