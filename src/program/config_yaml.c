/* The tree of a configuration file, by libyaml's events. */
#include "config_tree.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <towline/protocol.h>
#include <yaml.h>

/* Memory of nodes and texts, freed as a whole. */
typedef struct tow_config_chunk {
    struct tow_config_chunk *next;
    _Alignas(max_align_t) unsigned char bytes[];
} chunk;

typedef struct reading {
    tow_config_tree *tree;
    const char *text;
    size_t length;
    yaml_parser_t parser;
    size_t values;
    char *error;
} reading;

static int out_of_memory(const reading *now) {
    tow_option_complain(now->error, "%.100s: %s", now->tree->file, tow_strerror(TOW_ERROR_MEMORY));
    return TOW_ERROR_MEMORY;
}

static void *keep(reading *now, size_t size) {
    chunk *kept = calloc(1, sizeof(*kept) + size);
    if (kept == NULL)
        return NULL;
    kept->next = now->tree->chunks;
    now->tree->chunks = kept;
    return kept->bytes;
}

/* What is wrong with the text as such. */

/* Where a byte stands. */
static tow_config_node place_of(const reading *now, size_t at) {
    tow_config_node place = {.line = 1, .column = 1};
    for (size_t i = 0; i < at; i++) {
        bool continues = ((unsigned char)now->text[i] & 0xC0) == 0x80;
        place.line += now->text[i] == '\n';
        place.column = now->text[i] == '\n' ? 1 : place.column + !continues;
    }
    return place;
}

/* Where a text ends to be UTF-8: its first character that is none. */
static size_t first_strange(const char *text, size_t length) {
    tow_utf8_state state = 0;
    size_t begin = 0;
    for (size_t i = 0; i < length; i++) {
        if (!tow_utf8_check(&state, (const uint8_t *)text + i, 1))
            break;
        if (state == 0)
            begin = i + 1;
    }
    return begin;
}

static int text_check(const reading *now) {
    const char *zero = memchr(now->text, '\0', now->length);
    if (now->length > TOW_CONFIG_BYTES_MAX)
        return tow_option_complain(
            now->error, "%.100s: the file is larger than %d bytes", now->tree->file, TOW_CONFIG_BYTES_MAX);
    if (zero != NULL) {
        tow_config_node place = place_of(now, (size_t)(zero - now->text));
        return tow_config_complain(now->error, now->tree->file, &place, "a NUL byte: this is no text file");
    }
    if (tow_utf8_valid(now->text, now->length))
        return 0;
    tow_config_node place = place_of(now, first_strange(now->text, now->length));
    return tow_config_complain(now->error, now->tree->file, &place, "this is not UTF-8");
}

/* What libyaml says. */

static tow_config_node place_of_mark(yaml_mark_t mark) {
    return (tow_config_node){.line = mark.line + 1, .column = mark.column + 1};
}

/* libyaml does not say so of what is most often wrong. */
static const char *advice_for(const reading *now) {
    size_t at = now->parser.problem_mark.index;
    bool is_tab = at < now->length && now->text[at] == '\t';
    return is_tab ? ": a tab; indent with spaces" : "";
}

static int complain_of_syntax(const reading *now) {
    const yaml_parser_t *parser = &now->parser;
    const char *problem = parser->problem != NULL ? parser->problem : "this is not YAML";
    tow_config_node place = place_of_mark(parser->problem_mark);
    if (parser->error == YAML_MEMORY_ERROR)
        return out_of_memory(now);
    if (parser->error == YAML_READER_ERROR)
        place = place_of(now, parser->problem_offset < now->length ? parser->problem_offset : now->length);
    return tow_config_complain(now->error, now->tree->file, &place, "%s%s%s%s", problem,
        parser->context != NULL ? " " : "", parser->context != NULL ? parser->context : "", advice_for(now));
}

static int next_event(reading *now, yaml_event_t *event) {
    return yaml_parser_parse(&now->parser, event) ? 0 : complain_of_syntax(now);
}

static const char *tag_of(const yaml_event_t *event) {
    const yaml_char_t *tag = event->type == YAML_SCALAR_EVENT           ? event->data.scalar.tag
                             : event->type == YAML_SEQUENCE_START_EVENT ? event->data.sequence_start.tag
                             : event->type == YAML_MAPPING_START_EVENT  ? event->data.mapping_start.tag
                                                                        : NULL;
    return (const char *)tag;
}

static const char *anchor_of(const yaml_event_t *event) {
    const yaml_char_t *anchor = event->type == YAML_SCALAR_EVENT           ? event->data.scalar.anchor
                                : event->type == YAML_SEQUENCE_START_EVENT ? event->data.sequence_start.anchor
                                : event->type == YAML_MAPPING_START_EVENT  ? event->data.mapping_start.anchor
                                                                           : NULL;
    return (const char *)anchor;
}

/* Nodes. */

static int value_check(reading *now, const yaml_event_t *event, const tow_config_node *place, size_t depth) {
    const char *file = now->tree->file;
    if (event->type == YAML_ALIAS_EVENT)
        return tow_config_complain(now->error, file, place, "*%.60s: aliases are not read here: write it out",
            (const char *)event->data.alias.anchor);
    if (anchor_of(event) != NULL)
        return tow_config_complain(
            now->error, file, place, "&%.60s: anchors are not read here: leave it away", anchor_of(event));
    if (tag_of(event) != NULL)
        return tow_config_complain(
            now->error, file, place, "%.60s: tags are not read here: leave it away", tag_of(event));
    if (depth > TOW_CONFIG_DEPTH_MAX)
        return tow_config_complain(
            now->error, file, place, "lists and maps in more than %d others", TOW_CONFIG_DEPTH_MAX);
    if (++now->values > TOW_CONFIG_VALUES_MAX)
        return tow_config_complain(
            now->error, file, place, "the file has more than %d values", TOW_CONFIG_VALUES_MAX);
    return 0;
}

/* null is a text: an origin is called so. */
static bool is_nothing(const yaml_event_t *event) {
    const char *text = (const char *)event->data.scalar.value;
    return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && (text[0] == '\0' || strcmp(text, "~") == 0);
}

static int text_take(reading *now, const yaml_event_t *event, tow_config_node *node) {
    size_t length = event->data.scalar.length;
    if (memchr(event->data.scalar.value, '\0', length) != NULL)
        return tow_config_complain(now->error, now->tree->file, node, "a text has no NUL");
    if (is_nothing(event))
        return 0;
    char *text = keep(now, length + 1);
    if (text == NULL)
        return out_of_memory(now);
    memcpy(text, event->data.scalar.value, length);
    node->type = TOW_CONFIG_TEXT;
    node->text = text;
    return 0;
}

static int key_check(
    const reading *now, const tow_config_node *map, const tow_config_node *key, size_t count) {
    const char *file = now->tree->file;
    if (key->type != TOW_CONFIG_TEXT)
        return tow_config_complain(
            now->error, file, key, "a key is a text, not %s", tow_config_type_name(key->type));
    const tow_config_node *before = tow_config_find(map, key->text);
    if (before != NULL)
        return tow_config_complain(
            now->error, file, key, "%.60s stands twice: in line %zu already", key->text, before->key->line);
    if (count >= TOW_CONFIG_KEYS_MAX)
        return tow_config_complain(now->error, file, key, "a map of more than %d keys", TOW_CONFIG_KEYS_MAX);
    return 0;
}

static int node_read(reading *now, const yaml_event_t *event, size_t depth, tow_config_node **out);

/* One more node of a list or map, or its end: then *out is NULL. */
static int next_node(reading *now, size_t depth, tow_config_node **out) {
    yaml_event_t event;
    int problem = next_event(now, &event);
    *out = NULL;
    if (problem != 0)
        return problem;
    if (event.type != YAML_SEQUENCE_END_EVENT && event.type != YAML_MAPPING_END_EVENT)
        problem = node_read(now, &event, depth, out);
    yaml_event_delete(&event);
    return problem;
}

static int list_read(reading *now, tow_config_node *list, size_t depth) {
    tow_config_node **end = &list->first;
    list->type = TOW_CONFIG_LIST;
    for (;;) {
        int problem = next_node(now, depth, end);
        if (problem != 0 || *end == NULL)
            return problem;
        end = &(*end)->next;
    }
}

static int map_read(reading *now, tow_config_node *map, size_t depth) {
    tow_config_node **end = &map->first;
    tow_config_node *key;
    map->type = TOW_CONFIG_MAP;
    for (size_t count = 0;; count++) {
        int problem = next_node(now, depth, &key);
        if (problem != 0 || key == NULL)
            return problem;
        tow_config_node *value;
        problem = key_check(now, map, key, count);
        if (problem == 0)
            problem = next_node(now, depth, &value);
        if (problem != 0)
            return problem;
        value->key = key;
        *end = value;
        end = &value->next;
    }
}

static int node_read(reading *now, const yaml_event_t *event, size_t depth, tow_config_node **out) {
    tow_config_node place = place_of_mark(event->start_mark);
    int problem = value_check(now, event, &place, depth);
    if (problem != 0)
        return problem;
    tow_config_node *node = keep(now, sizeof(*node));
    if (node == NULL)
        return out_of_memory(now);
    *node = place;
    node->text = "";
    *out = node;
    if (event->type == YAML_SEQUENCE_START_EVENT)
        return list_read(now, node, depth + 1);
    if (event->type == YAML_MAPPING_START_EVENT)
        return map_read(now, node, depth + 1);
    return text_take(now, event, node);
}

/* The document. */

static int root_check(const reading *now, const tow_config_node *root) {
    if (root->type == TOW_CONFIG_MAP || root->type == TOW_CONFIG_NOTHING)
        return 0;
    return tow_config_complain(now->error, now->tree->file, root,
        "a configuration is a map, such as port: 9998; this is %s", tow_config_type_name(root->type));
}

/* The root, in the first document. */
static int event_take(reading *now, const yaml_event_t *event) {
    if (event->type == YAML_STREAM_START_EVENT || event->type == YAML_DOCUMENT_END_EVENT ||
        event->type == YAML_STREAM_END_EVENT)
        return 0;
    if (event->type == YAML_DOCUMENT_START_EVENT) {
        tow_config_node place = place_of_mark(event->start_mark);
        return now->tree->root == NULL ? 0
                                       : tow_config_complain(now->error, now->tree->file, &place,
                                             "a second document: a configuration is one");
    }
    int problem = node_read(now, event, 0, &now->tree->root);
    return problem != 0 ? problem : root_check(now, now->tree->root);
}

static int stream_read(reading *now) {
    bool ended = false;
    int problem = 0;
    while (problem == 0 && !ended) {
        yaml_event_t event;
        problem = next_event(now, &event);
        if (problem != 0)
            break;
        problem = event_take(now, &event);
        ended = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    return problem;
}

static int empty_root(reading *now) {
    tow_config_node *root = keep(now, sizeof(*root));
    if (root == NULL)
        return out_of_memory(now);
    *root = (tow_config_node){.line = 1, .column = 1, .text = ""};
    now->tree->root = root;
    return 0;
}

int tow_config_tree_read(tow_config_tree *tree, const char *file, const char *text, size_t length,
    char error[TOW_OPTIONS_ERROR_MAX]) {
    reading now = {.tree = tree, .text = text, .length = length, .error = error};
    *tree = (tow_config_tree){.file = file};
    int problem = text_check(&now);
    if (problem != 0)
        return problem;
    if (!yaml_parser_initialize(&now.parser))
        return out_of_memory(&now);
    yaml_parser_set_input_string(&now.parser, (const unsigned char *)text, length);
    problem = stream_read(&now);
    if (problem == 0 && tree->root == NULL)
        problem = empty_root(&now);
    yaml_parser_delete(&now.parser);
    if (problem != 0)
        tow_config_tree_clear(tree);
    return problem;
}

void tow_config_tree_clear(tow_config_tree *tree) {
    for (chunk *each = tree->chunks, *next; each != NULL; each = next) {
        next = each->next;
        free(each);
    }
    *tree = (tow_config_tree){0};
}
