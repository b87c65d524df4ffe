/* nursery: the threads on which child processes are started, so that no loop stands still until a process has
 * become its command; and who looks for processes that a child leaves behind when it ends.
 *
 * Each child has a variable in its environment, TOWLINE_CHILD, that what it starts inherits. Where this
 * process inherits orphans (PR_SET_CHILD_SUBREAPER), those of them whose child has ended are killed, in
 * whichever group or session they are, and all are waited for. What has taken that variable out of its
 * environment, or may not be looked at, is not found. Knows no loop but to leave letters for it. */
#ifndef TOW_TRANSPORT_NURSERY_H
#define TOW_TRANSPORT_NURSERY_H

typedef struct tow_nursery tow_nursery;

/* `threads`: how many at most; they are made when they are needed. Errors: MEMORY. */
int tow_nursery_new(tow_nursery **nursery, int threads);

/* When the loops of all its children are gone. Kills what these have left behind. NULL is allowed. */
void tow_nursery_free(tow_nursery *nursery);

#endif
