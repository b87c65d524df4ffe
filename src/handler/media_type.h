/* media_type: what a file is, by the end of its name. */
#ifndef TOW_HANDLER_MEDIA_TYPE_H
#define TOW_HANDLER_MEDIA_TYPE_H

/* The value of Content-Type, a static string; "application/octet-stream" for what is not known. Text is said
 * to be UTF-8. */
const char *tow_media_type(const char *name);

#endif
