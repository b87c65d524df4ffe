/* inherited: sockets that somebody else has opened. Those that listen: a descriptor by its number, or those
 * that the service manager hands over (sd_listen_fds(3): LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES).
 *
 * The descriptors stay who opened them's; what listens here are copies. */
#ifndef TOW_TRANSPORT_INHERITED_H
#define TOW_TRANSPORT_INHERITED_H

#include "base/complaint.h"
#include "transport/address.h"

#include <towline/loop.h>

/* Whether a text means such sockets: "fd:N", "systemd" for all that were handed over, "systemd:NAME" for
 * those of that name. */
bool tow_is_inherited(const char *text);

/* Whether a text says where to listen: as for tow_address_parse, or as above. Errors: ADDRESS. */
int tow_listen_text_check(const char *text);

/* How many sockets such a text means. Errors: ADDRESS (none: `complaint` says why). */
int tow_inherited_count(const char *text, tow_complaint *complaint);

/* Whether all of them can be listened on. Errors: ADDRESS: `complaint` says why. */
int tow_inherited_check(const char *text, tow_complaint *complaint);

/* Opens a copy of the one at `index`, with its address. The original is closed by exec from now on, so that
 * no child process gets it. Returns a descriptor. Errors: ADDRESS (it is no socket that listens for streams:
 * `complaint` says so), DESCRIPTORS, SYSTEM, UNSUPPORTED (in the simulator). */
int tow_inherited_open(
    tow_loop *loop, const char *text, int index, tow_address *address, tow_complaint *complaint);

/* One more copy, for another loop. Errors: DESCRIPTORS, SYSTEM. */
int tow_inherited_copy(int fd);

/* Whether it is a connection that somebody else has accepted, which stays as it is; any thread. *is_unix:
 * over a Unix socket. Errors: ARGUMENT (no connected socket for streams), UNSUPPORTED (in the simulator). */
int tow_connection_check(const tow_loop *loop, int fd, bool *is_unix);

/* Makes one that was checked like those that a listener of ours has accepted. Errors: SYSTEM. */
int tow_connection_inherit(int fd, bool is_unix);

#endif
