#include "uring_accepts.h"

#include <errno.h>
#include <stdlib.h>
#include <towline/error.h>
#include <unistd.h>

/* An accept under way. */
struct tow_acceptance {
    struct tow_acceptance *next;
    tow_loop *loop;
    tow_listener *listener; /* NULL once stopped */
    int fd;                 /* the listener's, -1 once closed */
    bool wanted;
    bool under_way;
    bool stopping; /* and is being cancelled */
    bool doubtful; /* and its last completion may have been lost: to be cancelled and begun anew */
};

static void acceptance_changed(tow_acceptance *one) {
    tow_uring_of(one->loop)->acceptances_changed = true;
    if (!one->loop->stepping)
        tow_loop_touch(one->loop);
}

static bool start_accepting(tow_uring_loop *self, tow_acceptance *one) {
    struct io_uring_sqe *entry = tow_uring_entry(self);
    if (entry == NULL)
        return false;
    io_uring_prep_multishot_accept(entry, one->fd, NULL, NULL, SOCK_CLOEXEC);
    io_uring_sqe_set_data(entry, (char *)one + URING_ACCEPT);
    one->under_way = true;
    return true;
}

/* Whether nothing is left to do for it. */
static bool adjust_accepting(tow_uring_loop *self, tow_acceptance *one) {
    if (!one->under_way)
        return one->wanted ? start_accepting(self, one) : one->listener != NULL;
    if (!one->stopping && (!one->wanted || one->doubtful))
        one->stopping = tow_uring_cancel(self, one, URING_ACCEPT, URING_STOP_ACCEPT);
    return one->stopping || (one->wanted && !one->doubtful);
}

void tow_uring_accepts_adjust(tow_uring_loop *self) {
    bool changed = self->acceptances_changed;
    self->acceptances_changed = false;
    for (tow_acceptance *one = self->acceptances; changed && one != NULL; one = one->next)
        if (!adjust_accepting(self, one))
            self->acceptances_changed = true;
}

/* A stopped listener keeps the loop alive until its address is free again. */
static void end_acceptance(tow_acceptance *one) {
    one->loop->open--;
    one->loop->closing--;
    if (one->fd >= 0)
        close(one->fd);
    free(one);
}

void tow_uring_accepts_end(tow_uring_loop *self) {
    tow_acceptance **link = &self->acceptances;
    while (self->acceptances_changed && *link != NULL) {
        tow_acceptance *one = *link;
        bool over = one->listener == NULL && !one->under_way;
        *link = over ? one->next : one;
        if (over)
            end_acceptance(one);
        else
            link = &one->next;
    }
}

int tow_uring_listener_start(tow_listener *listener) {
    tow_acceptance *one = calloc(1, sizeof(*one));
    if (one == NULL)
        return TOW_ERROR_MEMORY;
    tow_uring_loop *self = tow_uring_of(listener->loop);
    *one = (tow_acceptance){.next = self->acceptances,
        .loop = listener->loop,
        .listener = listener,
        .fd = listener->fd,
        .wanted = true};
    self->acceptances = one;
    listener->request = one;
    acceptance_changed(one);
    return 0;
}

bool tow_uring_listener_arm(tow_listener *listener, bool armed) {
    tow_acceptance *one = listener->request;
    one->wanted = armed;
    acceptance_changed(one);
    return true;
}

/* The number of a closed descriptor may be another one's when the kernel comes to an entry with it. */
void tow_uring_listener_stop(tow_listener *listener) {
    tow_acceptance *one = listener->request;
    one->listener = NULL;
    one->wanted = false;
    one->loop->open++;
    one->loop->closing++;
    if (!one->under_way) {
        close(one->fd);
        one->fd = -1;
    }
    acceptance_changed(one);
}

static void accept_over(tow_acceptance *one) {
    one->under_way = one->stopping = one->doubtful = false;
    acceptance_changed(one);
}

void tow_uring_accept_done(tow_acceptance *one, int result, unsigned flags) {
    if (one->listener != NULL && result != -ECANCELED)
        tow_listener_accepted(one->listener, result);
    else if (result >= 0)
        close(result);
    if (!(flags & IORING_CQE_F_MORE))
        accept_over(one);
}

/* As tow_uring_stop_receive_done. */
void tow_uring_stop_accept_done(tow_acceptance *one, int result) {
    if (result > 0 || !one->stopping)
        return;
    one->stopping = false;
    acceptance_changed(one);
    if (result == 0 && tow_uring_has_lost(tow_uring_of(one->loop)))
        accept_over(one);
}

void tow_uring_accepts_doubt(tow_uring_loop *self) {
    self->acceptances_changed = true;
    for (tow_acceptance *one = self->acceptances; one != NULL; one = one->next) {
        one->doubtful = one->under_way;
        one->stopping = false;
    }
}
