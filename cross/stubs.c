/* What stands in the place of functions of the C library and of libunwind that only serve what the program has no use for.
   static.ld gives them the names of those. With panic = "unwind" the first three must go, and the discarded tables must stay. */

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* Nobody walks the stack: the tables are not there (force-unwind-tables in the settings), and a stripped binary could name
   no function. Yet std's panic message refers to libunwind, which brings printf along: 52 KiB on MIPS. */
int websms_unwind_backtrace(void *step, void *argument) {
    (void)step, (void)argument;
    return 5; /* _URC_END_OF_STACK */
}

uintptr_t websms_unwind_get_ip(void *context) {
    (void)context;
    return 0;
}

/* On ARM each function that has a table names the one that would read it, and that one prints: 13 KiB. */
int websms_unwind_frame(int state, void *step, void *context) {
    (void)state, (void)step, (void)context;
    return 9; /* _URC_FAILURE */
}

/* In a static binary dlsym finds nothing, ever. musl's own for MIPS takes its address from a register that only
   position-independent callers set: called from std, on every look-up of statx, it was a bus error. */
void *websms_dlsym(void *library, const char *name) {
    (void)library, (void)name;
    return 0;
}

/* The name of a thread in a list of processes is the one text that is made by printf: 13 KiB. The threads have none there,
   and within the program they keep theirs. */
int websms_pthread_setname_np(pthread_t thread, const char *name) {
    (void)thread, (void)name;
    return 0;
}

/* Only getaddrinfo sorts by this: the addresses of a host, at most 48, by a rank that no two have in common. The general
   function has 3.5 KB. */
void websms_qsort(void *base, size_t count, size_t width, int (*compare)(const void *, const void *)) {
    unsigned char *all = base;
    for (size_t sorted = 1; sorted < count; sorted++) {
        for (unsigned char *at = all + sorted * width; at > all && compare(at - width, at) > 0; at -= width) {
            for (size_t i = 0; i < width; i++) {
                unsigned char moved = at[i];
                at[i] = (at - width)[i];
                (at - width)[i] = moved;
            }
        }
    }
}
