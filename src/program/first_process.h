/* first_process: as the first process of a container (number 1) we inherit every process whose parent has
 * ended, and have to bury it. So we stay a small process that does only that, and run as its child. */
#ifndef TOW_PROGRAM_FIRST_PROCESS_H
#define TOW_PROGRAM_FIRST_PROCESS_H

/* Returns at once when we are not the first process, and in the child when we are; the first process passes
 * signals on to it, and ends with it. Before anything is opened and any thread made. */
void tow_first_process_part(void);

#endif
