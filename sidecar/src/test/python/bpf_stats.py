# SPDX-License-Identifier: Apache-2.0
"""Has the kernel count runs and run time of BPF programs for as long as this program runs (BPF_ENABLE_STATS)."""
import ctypes
import platform
import sys

BPF_ENABLE_STATS = 32
SYSCALLS = {"x86_64": 321, "aarch64": 280}

libc = ctypes.CDLL(None, use_errno=True)
attributes = ctypes.create_string_buffer(128)
if libc.syscall(SYSCALLS[platform.machine()], BPF_ENABLE_STATS, attributes, 4) < 0:
    sys.exit("BPF_ENABLE_STATS: errno %d" % ctypes.get_errno())
print("counting", flush=True)
sys.stdin.read()
