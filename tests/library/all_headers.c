/* Every public header in one C program, which uses a little of each. */
#include <string.h>
#include <towline.h>

int main(void) {
    tow_loop *loop = NULL;
    char key[TOW_KEY_LENGTH + 1];
    static const uint8_t nonce[16] = {0};
    if (strcmp(tow_version(), TOW_VERSION) != 0 || tow_loop_new(&loop, NULL) != 0)
        return 1;
    tow_opening_key(key, nonce);
    tow_websocket *socket = NULL;
    int error = tow_websocket_open(&socket, loop, "not a URL", NULL);
    tow_loop_free(loop);
    return error == TOW_ERROR_URL && strlen(key) == TOW_KEY_LENGTH ? 0 : 1;
}
