/* Copies by words.

   The compiler's library, built for size, copies byte by byte, and nearly every copy in the program is a call of it: a
   record of TLS, the body of a request, a string of a few bytes. The linker takes this one for it. */

#include <stddef.h>

/* A word wherever it stands: one instruction where the processor can do that, two on MIPS, and bytes on old ARM. */
typedef struct {
    size_t word;
} __attribute__((packed, may_alias)) Anywhere;

void *memcpy(void *restrict to, const void *restrict from, size_t bytes) {
    char *target = to;
    const char *source = from;
    for (; bytes >= sizeof(Anywhere); bytes -= sizeof(Anywhere)) {
        *(Anywhere *)target = *(const Anywhere *)source;
        target += sizeof(Anywhere);
        source += sizeof(Anywhere);
    }
    for (; bytes > 0; bytes--)
        *target++ = *source++;
    return to;
}
