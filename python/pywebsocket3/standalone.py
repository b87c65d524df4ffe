"""The other name of mod_pywebsocket.standalone."""

import sys

from mod_pywebsocket import standalone

if __name__ == '__main__':
    standalone._main(sys.argv[1:])
else:
    sys.modules[__name__] = standalone
