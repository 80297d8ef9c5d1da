"""`edgetl verify FILE`: converted files on photos, held against their checkpoint and against other kernels."""
