/* towline/version.h: which version this is, at compile time and at run time. */
#ifndef TOWLINE_VERSION_H
#define TOWLINE_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

#define TOW_VERSION "0.1.0"

/* The version of the library that is running, a static string. Any thread. */
const char *tow_version(void);

#ifdef __cplusplus
}
#endif

#endif
