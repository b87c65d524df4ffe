#include "link.h"

void link_begin(struct link *link, const struct link_kind *kind, struct scene *scene, const char *path,
    const char *query) {
    link->kind = kind;
    link->scene = scene;
    link->is_open = link->is_over = link->is_upgrading = link->is_pausing = link->is_upgraded = false;
    link->answers = link->posts = 0;
    link->scanned = 0;
    link->session[0] = '\0';
    link->unsent.length = link->posted.length = 0;
    snprintf(link->path, sizeof(link->path), "%s", path);
    snprintf(link->query, sizeof(link->query), "%s", query);
    kind->begin(link);
}

void link_say(struct link *link, const char *text) {
    link->kind->say(link, tow_slice_from(text));
}

void link_step(struct link *link) {
    for (int i = 0; i < LINK_WIRES && !link->is_over; i++)
        wire_read(&link->wires[i]);
    if (!link->is_over)
        link->kind->go_on(link);
}

void link_cut(struct link *link) {
    struct wire *wire = &link->wires[scene_draw(link->scene, LINK_WIRES)];
    if (!wire->is_open)
        return;
    wire_cut(wire);
    link->kind->lost(link, wire);
}

void link_end(struct link *link) {
    for (int i = 0; i < LINK_WIRES; i++)
        wire_cut(&link->wires[i]);
    tow_buffer_clear(&link->unsent);
    tow_buffer_clear(&link->posted);
    link->is_open = false;
    link->is_over = true;
}

struct wire *link_wire(struct link *link, int number, const struct wire_events *events) {
    struct wire *wire = &link->wires[number];
    if (!wire->is_open)
        wire_open(wire, link->scene, events, link);
    return wire;
}

void link_is_open(struct link *link) {
    link->is_open = true;
    if (link->owner->opened != NULL)
        link->owner->opened(link);
}

void link_is_over(struct link *link) {
    link->is_over = true;
}

void link_close(struct link *link, uint16_t code, tow_slice reason) {
    if (link->owner->closed != NULL)
        link->owner->closed(link, code, reason);
    link_is_over(link);
}

void link_wire_over(struct wire *wire) {
    struct link *link = wire->user;
    link->kind->lost(link, wire);
}
