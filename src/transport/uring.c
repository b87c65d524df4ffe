#include "uring.h"

#include "base/count.h"

int tow_uring_submit(tow_uring_loop *self) {
    tow_count(&self->loop.counters.system_calls);
    int result = io_uring_submit(&self->ring);
    return result >= 0 ? 0 : result;
}

struct io_uring_sqe *tow_uring_entry(tow_uring_loop *self) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (entry == NULL && tow_uring_submit(self) == 0)
        entry = io_uring_get_sqe(&self->ring);
    return entry;
}

bool tow_uring_cancel(tow_uring_loop *self, void *pointer, unsigned tag, unsigned stop_tag) {
    struct io_uring_sqe *entry = tow_uring_entry(self);
    if (entry == NULL)
        return false;
    io_uring_prep_cancel(entry, (char *)pointer + tag, IORING_ASYNC_CANCEL_ALL);
    io_uring_sqe_set_data(entry, (char *)pointer + stop_tag);
    return true;
}

/* What the kernel keeps because its ring is full can't be looked at. */
bool tow_uring_is_collected(const tow_uring_loop *self, const char *data) {
    for (unsigned i = self->dispatched; i < self->collected; i++)
        if (self->completions[i].data == data)
            return true;
    unsigned head;
    struct io_uring_cqe *entry;
    io_uring_for_each_cqe(&self->ring, head, entry) {
        if (io_uring_cqe_get_data(entry) == data)
            return true;
    }
    return io_uring_cq_has_overflow(&self->ring);
}

bool tow_uring_has_lost(const tow_uring_loop *self) {
    return IO_URING_READ_ONCE(*self->ring.cq.koverflow) > 0;
}
