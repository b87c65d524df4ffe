/* guests: what the server itself has to do about guests (server/guest.h). */
#ifndef TOW_SERVER_GUESTS_H
#define TOW_SERVER_GUESTS_H

#include "server/guest.h"
#include "state.h"

/* The worker begins: those leave it that were dismissed before it took letters. */
void tow_guests_dismissed_leave_worker(tow_worker *worker);

/* The worker ends, or never began, and what follows does not run on its thread: all guests leave it. */
void tow_guests_leave_worker(tow_worker *worker);

#endif
