/* uring_accepts: listeners of the loop over io_uring: accepts that go on by themselves, and outlive their
 * listener until the kernel is done with them. */
#ifndef TOW_TRANSPORT_URING_ACCEPTS_H
#define TOW_TRANSPORT_URING_ACCEPTS_H

#include "uring.h"

typedef struct tow_acceptance tow_acceptance;

/* tow_loop_kind.listener_start, .listener_arm and .listener_stop */
int tow_uring_listener_start(tow_listener *listener);
bool tow_uring_listener_arm(tow_listener *listener, bool armed);
void tow_uring_listener_stop(tow_listener *listener);

/* Completions of URING_ACCEPT and URING_STOP_ACCEPT. */
void tow_uring_accept_done(tow_acceptance *one, int result, unsigned flags);
void tow_uring_stop_accept_done(tow_acceptance *one, int result);

/* Starts and cancels what has changed. Not while completions are dispatched: some may be of what ends. */
void tow_uring_accepts_adjust(tow_uring_loop *self);
/* Ends what is over. */
void tow_uring_accepts_end(tow_uring_loop *self);
/* Completions were lost, perhaps one of these. */
void tow_uring_accepts_doubt(tow_uring_loop *self);

#endif
