"""The other name of mod_pywebsocket.standalone."""

import os
import sys

if __name__ == '__main__' and not __package__:  # by its name as a file
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from mod_pywebsocket import standalone

if __name__ == '__main__':
    standalone._main(sys.argv[1:])
else:
    sys.modules[__name__] = standalone
