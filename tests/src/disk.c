/* A disk that fails at will, loaded before the C library: while the file that FAILING_DISK names holds a number, writing
 * to files of a store fails with that error. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int fails(int fd) {
    const char *control = getenv("FAILING_DISK");
    char link[64], path[PATH_MAX];
    int error = 0;
    if (!control || access(control, R_OK)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (!strstr(path, ".db")) return 0;
    FILE *file = fopen(control, "r");
    if (!file) return 0;
    if (fscanf(file, "%d", &error) != 1) error = 0;
    fclose(file);
    return error;
}

#define FAILING(name, declared, passed)                                  \
    ssize_t name declared {                                              \
        static ssize_t(*real) declared;                                  \
        if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name);            \
        int before = errno, error = fails(fd);                           \
        errno = error ? error : before;                                  \
        return error ? -1 : real passed;                                 \
    }

FAILING(write, (int fd, const void *from, size_t length), (fd, from, length))
FAILING(pwrite, (int fd, const void *from, size_t length, off_t at), (fd, from, length, at))
FAILING(pwrite64, (int fd, const void *from, size_t length, off64_t at), (fd, from, length, at))
