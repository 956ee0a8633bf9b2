/* The wall clock of a process, moved by what a shared file says: pairs of (process, seconds); process 0 is everybody.
   Loaded before the C library with LD_PRELOAD; clocks that only count (CLOCK_MONOTONIC) stay as they are. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PAIRS 64
static volatile int64_t (*moved)[2];

__attribute__((constructor)) static void open_file(void) {
    const char *name = getenv("RIG_CLOCK");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *place = mmap(0, PAIRS * 16, PROT_READ, MAP_SHARED, file, 0);
    if (place != MAP_FAILED) moved = place;
    close(file);
}

static int64_t seconds(void) {
    if (!moved) return 0;
    int64_t me = getpid(), found = moved[0][1];
    for (int i = 1; i < PAIRS && moved[i][0]; i++)
        if (moved[i][0] == me) found += moved[i][1];
    return found;
}

int clock_gettime(clockid_t which, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int done = real(which, at);
    if (!done && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) at->tv_sec += seconds();
    return done;
}

int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
