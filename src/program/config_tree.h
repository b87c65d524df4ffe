/* config_tree: a configuration file as a tree of texts, lists and maps, each with the place where it stands.
 *
 * The file is YAML without what makes it hard to read or to bound: one document, no anchors, aliases or tags,
 * keys that are texts and stand once. Knows no key's meaning. */
#ifndef TOW_PROGRAM_CONFIG_TREE_H
#define TOW_PROGRAM_CONFIG_TREE_H

#include "option_value.h"

#include <stddef.h>

/* What a file may have at most. */
enum {
    TOW_CONFIG_BYTES_MAX = 1024 * 1024,
    TOW_CONFIG_DEPTH_MAX = 8,
    TOW_CONFIG_VALUES_MAX = 50000,
    TOW_CONFIG_KEYS_MAX = 500 /* of one map */
};

typedef enum tow_config_type {
    TOW_CONFIG_NOTHING, /* no value behind a key, or ~ */
    TOW_CONFIG_TEXT,
    TOW_CONFIG_LIST,
    TOW_CONFIG_MAP
} tow_config_type;

typedef struct tow_config_node {
    tow_config_type type;
    size_t line, column;               /* from 1; a column is a character */
    const char *text;                  /* of a text; else "" */
    const struct tow_config_node *key; /* in a map: a text */
    struct tow_config_node *first;     /* of a list or map */
    struct tow_config_node *next;      /* beside it */
} tow_config_node;

typedef struct tow_config_tree { /* zeroed: empty */
    const char *file;            /* outlives it */
    tow_config_node *root;       /* a map, or NOTHING in an empty file */
    struct tow_config_chunk *chunks;
} tow_config_tree;

/* Reads a text; `file` is its name for errors. Errors: ARGUMENT, MEMORY, and UNSUPPORTED in a build without
 * libyaml; error[] then holds one line, "FILE:LINE:COLUMN: ..." where there is a place. */
int tow_config_tree_read(tow_config_tree *tree, const char *file, const char *text, size_t length,
    char error[TOW_OPTIONS_ERROR_MAX]);

void tow_config_tree_clear(tow_config_tree *tree);

/* The value of a key in a map, or NULL. */
const tow_config_node *tow_config_find(const tow_config_node *map, const char *key);

/* Writes "FILE:LINE:COLUMN: " and the text; returns ARGUMENT. */
__attribute__((format(printf, 4, 5))) int tow_config_complain(char error[TOW_OPTIONS_ERROR_MAX],
    const char *file, const tow_config_node *node, const char *format, ...);

/* "a text", "a list", "a map", "nothing". */
const char *tow_config_type_name(tow_config_type type);

#endif
