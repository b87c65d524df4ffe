/* apart: marks a function that its callers do not take in, so that their usual way stays short. */
#ifndef TOW_BASE_APART_H
#define TOW_BASE_APART_H

#ifdef __GNUC__
#define TOW_APART __attribute__((noinline))
#else
#define TOW_APART
#endif

#endif
