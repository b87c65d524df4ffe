/* beneath: opens files below a root directory and never outside of it, whatever their names and links say. */
#ifndef TOW_HANDLER_BENEATH_H
#define TOW_HANDLER_BENEATH_H

/* Opens the root itself. Errors as of tow_files_new. */
int tow_root_open(const char *root);

/* Opens `name`, which is relative and may be "" for the root, for reading, without waiting (a FIFO would).
 * `flags` are more flags of open. Relative links are followed while they stay inside; on kernels without
 * openat2 links are not followed. Returns a descriptor or an error: NAME_NOT_FOUND, PERMISSION, DESCRIPTORS,
 * MEMORY, SYSTEM. */
int tow_open_beneath(int root, const char *name, int flags);

/* Opens `name` as O_PATH does, where its links, absolute ones too, end inside: the file that was opened lies
 * there, by the kernel's own word. Errors as those of tow_open_beneath. */
int tow_open_within(int root, const char *name);

/* What it does on kernels without openat2. */
int tow_open_beneath_by_steps(int root, const char *name, int flags);

#endif
