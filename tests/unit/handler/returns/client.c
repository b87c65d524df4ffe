#include "client.h"

void client_come(struct client *client) {
    client->is_on = true;
    client->is_ready = client->is_over = false;
    client->kind->come(client);
}

static void pause_all(struct client *client, bool is_paused) {
    wire_pause(&client->wire, is_paused);
    for (int i = 0; i < LINK_WIRES; i++)
        wire_pause(&client->link.wires[i], is_paused);
}

void client_be_deaf(struct client *client, unsigned turns) {
    client->deaf = turns;
    pause_all(client, turns > 0);
}

void client_step(struct client *client) {
    if (client->deaf > 0 && --client->deaf > 0)
        return;
    pause_all(client, false);
    client->kind->step(client);
    if (client->is_over)
        client_go(client);
}

void client_cut(struct client *client) {
    client->kind->cut(client);
    if (client->is_over)
        client_go(client);
}

void client_go(struct client *client) {
    client->is_on = client->is_ready = false;
    client->deaf = 0;
    client->kind->go(client);
}

void client_end(struct client *client) {
    if (client->is_on)
        client_go(client);
    free(client->all);
}

/* What it hears. */

static void note(struct client *client, const struct client_heard *heard) {
    if (client->count == client->room) {
        client->room = 2 * client->room + 64;
        client->all = realloc(client->all, client->room * sizeof(*client->all));
        assert_non_null(client->all);
    }
    client->all[client->count++] = *heard;
}

void client_hear(struct client *client, tow_slice text, unsigned position) {
    const struct client_heard heard = {.number = scene_number(text), .position = position};
    assert_int_not_equal(heard.number, 0);
    client->last = position;
    note(client, &heard);
}

void client_is_told_of_a_gap(struct client *client) {
    note(client, &(struct client_heard){.is_gap = true});
}

void client_begins_anew(struct client *client) {
    client->is_ready = true;
    note(client, &(struct client_heard){.since = client->scene->begun});
}

/* Links. */

void client_link_step(struct client *client) {
    link_step(&client->link);
    client->is_over = client->link.is_over;
}

/* Or its machine is switched off. */
void client_link_cut(struct client *client) {
    if (scene_draw(client->scene, 3) == 0)
        link_end(&client->link);
    else
        link_cut(&client->link);
    client->is_over = client->link.is_over;
}

void client_link_go(struct client *client) {
    link_end(&client->link);
}
