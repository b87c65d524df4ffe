/* connection: one connection of a Python handler: between the exchange, later the socket, and its link. */
#ifndef TOW_HANDLER_PYTHON_CONNECTION_H
#define TOW_HANDLER_PYTHON_CONNECTION_H

#include "host.h"

/* The handler of a version, which holds it: its on_free lets go. */
tow_handler tow_python_handler(tow_python_version *version);

/* When no loop is there any more: frees what is left. */
void tow_python_connections_free(tow_python *python);

#endif
