/* python_process: the process that runs the Python handlers of all sites, for one generation of children. The
 * parent starts it and has its files loaded; children reach it by a Unix socket. It ends when the parent has
 * a newer generation and the last child of this one has gone: all of them hold the other end of its standard
 * input. */
#ifndef TOW_APACHE_PYTHON_PROCESS_H
#define TOW_APACHE_PYTHON_PROCESS_H

#include "site.h"

/* Gives the Python handlers of all sites their numbers, and starts the process if there are any. Waits until
 * their files are loaded; one that can't be has the number 0, and the log says why. False: it can't be
 * started, which the log has. */
bool tow_apache_python_start(apr_pool_t *pool, server_rec *main_server);

#endif
