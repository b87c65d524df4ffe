/* faults: lets calls below the loop fail by chance, as they do when the kernel is short of memory,
 * interrupted or slow.
 *
 * Listed as a test with faults in meson.build, a test program and the floors in it call these wrappers
 * instead of the functions of liburing and libc that are named there. */
#ifndef TOW_TESTS_FAULTS_H
#define TOW_TESTS_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum fault {
    /* of io_uring */
    FAULT_SUBMIT_NONE, /* no entry is taken */
    FAULT_SUBMIT_PART, /* fewer entries are taken than were handed over */
    FAULT_ENTER,       /* the call fails after all that it did, or does not wait */
    FAULT_CANCEL,      /* an entry that cancels is refused */
    FAULT_LOST,        /* a last completion is dropped */
    /* of calls, and the first two of the ring's sends as well */
    FAULT_SEND_SHORT,
    FAULT_SEND_NONE,
    FAULT_RECEIVE_SHORT,
    FAULT_RECEIVE_NONE,
    FAULT_ACCEPT,  /* EMFILE, and what else accept(2) names */
    FAULT_SOCKET,  /* EMFILE */
    FAULT_WAIT,    /* epoll_wait is interrupted */
    FAULT_CONTROL, /* epoll_ctl has no memory */
    FAULT_MEMORY,  /* malloc and the like */
    FAULTS
} fault;

/* Chances are in thousandths, and hold for all threads that asked for faults. All are zero at first. */
void faults_set(fault kind, unsigned chance);
void faults_clear(void);

/* Whether the calling thread has faults; not at first. Returns what was so before. */
bool faults_on(bool on);
/* Where chance begins for the calling thread. */
void faults_seed(uint64_t seed);

/* How often it has happened, on all threads together, since faults_clear. */
uint64_t faults_count(fault kind);

#endif
