#include "close_name.h"

#include <stddef.h>

const char *tow_close_name(unsigned code) {
    static const struct {
        unsigned code;
        const char *name;
    } names[] = {
        {1000, "normal closure"},
        {1001, "going away"},
        {1002, "protocol error"},
        {1003, "unsupported data"},
        {1005, "no status code"},
        {1006, "no closing handshake"},
        {1007, "invalid payload data"},
        {1008, "policy violation"},
        {1009, "message too big"},
        {1010, "mandatory extension"},
        {1011, "internal error"},
        {1012, "service restart"},
        {1013, "try again later"},
        {1014, "bad gateway"},
        {3000, "unauthorized"},
        {3003, "forbidden"},
        {3008, "timeout"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].code == code)
            return names[i].name;
    return "";
}
