"""The process in which `towline serve` runs Python handlers: it is started
by that, with a socket to accept from. See mod_pywebsocket/_host.py."""

import sys

from mod_pywebsocket import _host

if __name__ == '__main__':
    sys.exit(_host.main(sys.argv[1:]))
