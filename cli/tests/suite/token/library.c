/* A PKCS#11 library that misbehaves, by the variable FAKE_TOKEN. Its one token is called fake, and its PIN is
   always wrong; each time it is given one, a line is added to the file that FAKE_TRIES names. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long number;
typedef struct {
    unsigned char label[32], manufacturer[32], model[16], serial[16];
    number flags, sizes[10];
    unsigned char versions[4], time[16];
} token_info;

static int mode_is(const char *mode) {
    const char *wanted = getenv("FAKE_TOKEN");
    return wanted && strcmp(wanted, mode) == 0;
}

static number unsupported(void) { return 0x54; }

static number initialize(void *arguments) {
    (void)arguments;
    if (mode_is("crash")) *(volatile int *)0 = 0;
    if (mode_is("hang")) for (;;) pause();
    if (mode_is("exit")) _exit(0);
    if (mode_is("noise")) {
        char buffer[64];
        for (int descriptor = 0; descriptor < 3; descriptor++) {
            (void)!write(descriptor, "\0\0\0\1\0 no message of ours", 24);
        }
        (void)!read(0, buffer, sizeof buffer);
    }
    return 0;
}

static number slots(unsigned char present, number *list, number *count) {
    (void)present;
    if (list) list[0] = 7;
    *count = 1;
    return 0;
}

static number information(number slot, token_info *info) {
    (void)slot;
    memset(info, ' ', sizeof *info);
    memcpy(info->label, mode_is("noise") ? "fa\033[2Jke" : "fake", mode_is("noise") ? 8 : 4);
    memcpy(info->serial, "0001", 4);
    memset(info->sizes, 0, sizeof info->sizes);
    info->flags = 0x4 | 0x8 | 0x400 | (mode_is("last") ? 0x20000 : 0) | (mode_is("locked") ? 0x40000 : 0);
    return 0;
}

static number open_session(number slot, number flags, void *application, void *notify, number *session) {
    (void)slot, (void)flags, (void)application, (void)notify;
    *session = 1;
    return 0;
}

static number log_in(number session, number user, unsigned char *pin, number length) {
    (void)session, (void)user, (void)pin, (void)length;
    const char *file = getenv("FAKE_TRIES");
    int tries = file ? open(file, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
    if (tries >= 0) (void)!write(tries, "tried\n", 6);
    return 0xA0;
}

static number good(void) { return 0; }

static struct {
    unsigned char version[2];
    void *functions[68];
} list = {{2, 40}, {0}};

number C_GetFunctionList(void **result) {
    for (int position = 0; position < 68; position++) list.functions[position] = (void *)unsupported;
    list.functions[0] = (void *)initialize;
    list.functions[1] = (void *)good;
    list.functions[4] = (void *)slots;
    list.functions[6] = (void *)information;
    list.functions[12] = (void *)open_session;
    list.functions[13] = (void *)good;
    list.functions[18] = (void *)log_in;
    *result = &list;
    return 0;
}
