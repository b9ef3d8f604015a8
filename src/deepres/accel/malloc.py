"""Memory that glibc keeps instead of giving it back to the system at every free."""

import ctypes
import platform

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
LARGE = (1 << 30, 1 << 25)  # older glibc takes no more than 32 MiB


def keep() -> bool:
    """Keeps freed memory for the next tensor; False where malloc is not glibc's.

    Without it each large activation is mapped, cleared page by page and unmapped in every step.
    Call it before the first big tensor.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return any(mallopt(M_MMAP_THRESHOLD, size) for size in LARGE) and bool(
        mallopt(M_TRIM_THRESHOLD, -1)
    )
