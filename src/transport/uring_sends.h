/* uring_sends: what streams have said, as entries of the ring. They do not wait, so that they are complete
 * when the call that submits them returns; what the kernel did not take is taken back, and made without the
 * ring. */
#ifndef TOW_TRANSPORT_URING_SENDS_H
#define TOW_TRANSPORT_URING_SENDS_H

#include "uring.h"

/* One entry for each stream that has something in the cork; without room a call of its own. */
void tow_uring_prepare_sends(tow_uring_loop *self);

/* Takes the completions out of the ring: those of sends are looked at, others collected. After this neither
 * sends nor cancels are in the ring, however the submission went. */
void tow_uring_settle(tow_uring_loop *self);

void tow_uring_submit_and_settle(tow_uring_loop *self);

#endif
