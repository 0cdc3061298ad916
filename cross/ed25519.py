"""ed25519.c, compiled for this machine, against Python's integers.

usage: ed25519.py LIBRARY
"""

import ctypes
import random
import sys

ORDER = 2**252 + 27742317777372353535851937790883648493  # RFC 8032, 5.1
BITS = 512

reduce = ctypes.CDLL(sys.argv[1]).websms_x25519_sc_reduce


def numbers():
    """What is near a multiple of the order, near a power of two, and 20,000 numbers of all lengths."""
    largest = 2**BITS - 1
    multiples = [ORDER * factor for factor in (0, 1, 2, 3, 2**32, 2**64 - 1, 2**255, largest // ORDER)]
    for centre in multiples + [2**bit for bit in range(BITS)] + [largest]:
        yield from (number for number in range(centre - 2, centre + 3) if 0 <= number <= largest)
    chance = random.Random(8032)
    for _ in range(20_000):
        yield chance.getrandbits(chance.randrange(1, BITS + 1))


checked = 0
for number in numbers():
    place = ctypes.create_string_buffer(number.to_bytes(64, "little"), 64)
    reduce(place)
    found = int.from_bytes(place.raw[:32], "little")
    if found != number % ORDER:
        sys.exit(f"ed25519.c: {number:x} gives {found:x}")
    checked += 1
print(f"ok ed25519.c: {checked} numbers")
