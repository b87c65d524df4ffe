/* Sends each line of its input and prints the answer, one after the other: no callbacks, each call waits.
 * Usage: example-blocking-client [URL] */
#include <stdio.h>
#include <string.h>
#include <towline.h>

enum { PATIENCE_MILLISECONDS = 5000 };

static int ask(tow_blocking *client, const char *line) {
    tow_message answer;
    int error = tow_blocking_send(client, TOW_TEXT, line, strcspn(line, "\n"), PATIENCE_MILLISECONDS);
    if (error == 0)
        error = tow_blocking_receive(client, &answer, PATIENCE_MILLISECONDS);
    if (error == 0)
        printf("%.*s\n", (int)answer.length, (const char *)answer.data);
    return error;
}

static int talk(tow_blocking *client) {
    char line[1000];
    int error = 0;
    while (error == 0 && fgets(line, sizeof(line), stdin) != NULL)
        error = ask(client, line);
    return error != 0 ? error : tow_blocking_close(client, 1000, NULL, PATIENCE_MILLISECONDS);
}

/* Why a connection failed is known in more detail than an error code has. */
static const char *reason(const tow_blocking *client, int error) {
    const char *text = client != NULL ? tow_blocking_error_text(client) : "";
    return text[0] != 0 ? text : tow_strerror(error);
}

int main(int count, char **arguments) {
    tow_blocking *client = NULL;
    const char *url = count > 1 ? arguments[1] : "ws://localhost:9998/echo";
    int error = tow_blocking_open(&client, url, NULL, PATIENCE_MILLISECONDS);
    if (error == 0)
        error = talk(client);
    if (error != 0)
        fprintf(stderr, "%s: %s\n", url, reason(client, error));
    tow_blocking_free(client);
    return error != 0;
}
