/* towline/version.h: which version this is, at compile time and at run time. */
#ifndef TOWLINE_VERSION_H
#define TOWLINE_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

#define TOW_VERSION "0.1.0"

/* The same as a number that can be compared: 0xMMmmpp, two hexadecimal digits each for major, minor and
 * patch.
 *
 *     #if TOWLINE_VERSION_NUMBER >= 0x000200
 */
#define TOWLINE_VERSION_NUMBER 0x000100

/* The version of the library that is running, a static string. Any thread. */
const char *tow_version(void);

/* The same as TOWLINE_VERSION_NUMBER of the library that is running. Any thread. */
int tow_version_number(void);

#ifdef __cplusplus
}
#endif

#endif
