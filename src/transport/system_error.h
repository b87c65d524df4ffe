/* system_error: the one place where errno becomes a tow_error. */
#ifndef TOW_TRANSPORT_SYSTEM_ERROR_H
#define TOW_TRANSPORT_SYSTEM_ERROR_H

/* Never 0: an unknown number is TOW_ERROR_SYSTEM. */
int tow_system_error(int number);

#endif
