/* incoming: what other threads leave for a worker, and how its drain knows that nothing is on the way any
 * more: it stops accepting, then waits for callers, then for what they have left. From other workers of the
 * server it accepts as long as there are connections, as these may have an end there. */
#ifndef TOW_SERVER_INCOMING_H
#define TOW_SERVER_INCOMING_H

#include "state.h"

/* Any thread, and signal handlers. Whether something may be left; hang up when it has been, in any case. */
bool tow_worker_call(tow_worker *worker);
void tow_worker_hang_up(tow_worker *worker);

/* Any thread. Counts bytes of a letter that is about to be left. */
void tow_worker_expect(tow_worker *worker, size_t bytes);

/* The same; false when more than max_posted waits. */
bool tow_worker_reserve(tow_worker *worker, size_t bytes);

/* Any thread. Leaves such a letter for the worker, or before those that wait; false when the worker takes
 * none (any more). */
bool tow_worker_post(tow_worker *worker, tow_letter *letter);
bool tow_worker_post_from_worker(tow_worker *worker, tow_letter *letter);
bool tow_worker_post_urgently(tow_worker *worker, tow_letter *letter);

/* The letter was opened and nothing more of the worker is wanted for it, or it was dropped, or not left. The
 * server may be gone then, if its owner has freed it. */
void tow_worker_opened(tow_worker *worker, size_t bytes);

/* Whether something may still come. */
bool tow_worker_expects_something(const tow_worker *worker);

/* From now on they may be left. */
void tow_worker_accept_letters(tow_worker *worker);

/* After an error of its loop: nobody leaves letters any more when this returns. */
void tow_worker_refuse_letters(tow_worker *worker);

#endif
